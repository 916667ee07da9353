//! Blocks of memory, recycled.
//!
//! A fresh large block costs a page fault for every 4 KiB that is first touched, several times what it costs to fill a
//! warm one. Large blocks that fall free therefore wait in a pool, by size, for the next tensor of that size.
//! Memory handed out is always initialised (zeros, or numbers that some dead tensor left), so that kernels write
//! plain `&mut [T]`.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Every block starts on a cache line.
const ALIGN: usize = 64;
/// Blocks below this size go straight back to the system allocator, which recycles small ones well.
const POOLED: usize = 32 * 1024;
/// What is live and what waits together may take this much, whatever the program's own size; a larger one, half more than its peak. With less room, blocks are
/// given back that the same step of training asks for again, at its peak, beside others that wait in vain: that takes longer and more memory.
const KEEP: usize = 64 << 20;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static POOL: Mutex<Pool> = Mutex::new(Pool { free: BTreeMap::new(), bytes: 0 });

struct Pool {
    free: BTreeMap<usize, Vec<Block>>,
    bytes: usize,
}

/// Bytes that tensors hold at this moment, over all threads. Those of a few numbers (32 bytes at most) do not count.
///
/// ```
/// use chainrule_tensor::{memory, DType, Tensor};
/// let before = memory::live();
/// let t = Tensor::arange(0.0, 1000.0, 1.0, DType::F64);
/// assert!(memory::live() >= before + 8000);
/// # drop(t);
/// ```
pub fn live() -> usize {
    LIVE.load(Relaxed)
}

/// The largest value that [`live`] has had since the start or the last [`reset_peak`].
pub fn peak() -> usize {
    PEAK.load(Relaxed)
}

/// Lets [`peak`] start again from what is live now.
pub fn reset_peak() {
    PEAK.store(live(), Relaxed);
}

/// Bytes that wait in the pool to be used again.
pub fn cached() -> usize {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).bytes
}

/// Gives the pool's memory back to the system.
pub fn release_cached() {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    pool.bytes = 0;
    let free = std::mem::take(&mut pool.free);
    drop(pool);
    free.into_values().flatten().for_each(Block::free);
}

/// An aligned piece of the heap, initialised throughout.
pub(super) struct Block {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a `Block` owns its memory alone, and what is stored in it (`Element`s) is `Send` and `Sync`.
unsafe impl Send for Block {}
// SAFETY: as above; a shared `Block` is only read.
unsafe impl Sync for Block {}

impl Block {
    #[track_caller]
    pub(super) fn new(bytes: usize) -> Block {
        let bytes = size_class(bytes);
        let recycled = if bytes < POOLED {
            None
        } else {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            let block = pool.free.get_mut(&bytes).and_then(Vec::pop);
            pool.bytes -= block.as_ref().map_or(0, |b| b.bytes);
            block
        };
        let block = match recycled {
            Some(block) => block,
            None => Block::fresh(bytes),
        };
        let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
        if live > peak() {
            PEAK.fetch_max(live, Relaxed);
        }
        block
    }

    #[track_caller]
    fn fresh(bytes: usize) -> Block {
        let layout = Self::layout(bytes);
        // SAFETY: the size is at least `ALIGN`, so not 0.
        let base = unsafe { alloc_zeroed(layout) };
        match NonNull::new(base) {
            Some(base) => {
                ask_for_huge_pages(base, bytes);
                Block { base, bytes }
            }
            None => panic!("out of memory: a tensor asked for {bytes} bytes"),
        }
    }

    /// One cache line more than needed, to align by hand: asked for a plain alignment, the system hands out zero pages
    /// instead of writing zeros.
    #[track_caller]
    fn layout(bytes: usize) -> Layout {
        match bytes.checked_add(ALIGN).map(|padded| Layout::from_size_align(padded, align_of::<u64>())) {
            Some(Ok(layout)) => layout,
            _ => panic!("out of memory: a tensor of {bytes} bytes is larger than an address space"),
        }
    }

    /// The first aligned byte; `bytes` follow.
    #[inline]
    pub(super) fn start(&self) -> *mut u8 {
        self.base.as_ptr().wrapping_add(self.base.as_ptr().align_offset(ALIGN))
    }

    fn free(self) {
        // SAFETY: allocated by `fresh` with this very layout; `self` is consumed, so nobody else can free it.
        unsafe { dealloc(self.base.as_ptr(), Self::layout(self.bytes)) }
    }

    pub(super) fn recycle(self) {
        let live = LIVE.fetch_sub(self.bytes, Relaxed) - self.bytes;
        if self.bytes >= POOLED {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            if pool.bytes + live + self.bytes <= KEEP.max(peak() + peak() / 2) {
                pool.bytes += self.bytes;
                return pool.free.entry(self.bytes).or_default().push(self);
            }
        }
        self.free();
    }
}

/// Asks for the line in which something lies that is read soon.
#[inline(always)]
pub(super) fn ask<T>(soon: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(soon).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = soon;
}

/// Lets the system back a fresh large block by pages of 2 MiB: 512 times fewer page faults, and addresses that the processor finds without walking tables.
#[cfg(all(target_os = "linux", not(miri)))]
fn ask_for_huge_pages(base: NonNull<u8>, bytes: usize) {
    const HUGE_PAGE: usize = 2 << 20;
    const MADV_HUGEPAGE: i32 = 14;
    unsafe extern "C" {
        fn madvise(address: *mut u8, length: usize, advice: i32) -> i32;
    }
    let skip = base.align_offset(HUGE_PAGE);
    let inside = bytes.saturating_sub(skip) / HUGE_PAGE * HUGE_PAGE;
    if inside > 0 {
        // SAFETY: the range lies in the block, which is ours. This advice changes how the system provides memory, never what is in it; where it is
        // refused, the answer says so and nothing happens.
        unsafe { madvise(base.as_ptr().wrapping_add(skip), inside, MADV_HUGEPAGE) };
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn ask_for_huge_pages(_: NonNull<u8>, _: usize) {}

/// Rounds up to a multiple of a cache line, and large sizes to one of four steps per octave, so that nearly equal tensors
/// share blocks.
fn size_class(bytes: usize) -> usize {
    let octave = bytes.checked_next_power_of_two().unwrap_or(0);
    let step = if bytes < POOLED { ALIGN } else { (octave / 8).max(ALIGN) };
    bytes.max(1).checked_next_multiple_of(step).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_hold_what_was_asked_for_and_waste_at_most_a_quarter() {
        for bytes in (0..100_000).chain([1 << 30, (1 << 30) + 1, 3 << 29]) {
            let class = size_class(bytes);
            assert!(class >= bytes.max(1) && class.is_multiple_of(ALIGN), "{bytes} → {class}");
            assert!(class <= bytes + bytes / 4 + ALIGN, "{bytes} → {class}");
        }
    }
}
