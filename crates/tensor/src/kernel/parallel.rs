//! Threads: work is cut by its size, never by their number, so that results do not depend on it.

/// Work below this many elements stays on the calling thread: waking a second one costs more than it saves.
pub(crate) const SMALL: usize = 32 * 1024;

/// Calls `f(i, chunk)` for every chunk of `size` elements of `out`, the last possibly shorter.
#[inline]
pub(crate) fn chunks_mut<T: Send>(out: &mut [T], size: usize, f: impl Fn(usize, &mut [T]) + Send + Sync) {
    each_chunk(out, size.max(1), &f);
}

/// What is done with a chunk. A closure behind this trait is compiled once; behind `Fn`, once more for `FnOnce`.
trait OnChunk<T>: Sync {
    fn run(&self, i: usize, chunk: &mut [T]);
}

impl<T, F: Fn(usize, &mut [T]) + Sync> OnChunk<T> for F {
    fn run(&self, i: usize, chunk: &mut [T]) {
        self(i, chunk)
    }
}

/// Through a pointer, so that this is compiled once per element type, and a kernel once and not for few and for many chunks.
fn each_chunk<T: Send>(out: &mut [T], size: usize, f: &dyn OnChunk<T>) {
    if out.len() <= size {
        if !out.is_empty() {
            f.run(0, out);
        }
        return;
    }
    let (len, out) = (out.len(), Shared(out.as_mut_ptr()));
    each(len.div_ceil(size), &|i| {
        let start = i * size;
        // SAFETY: chunks of different numbers do not overlap, each number comes once, and all lie in `out`, which is borrowed until all are done.
        f.run(i, unsafe { std::slice::from_raw_parts_mut(out.at(start), size.min(len - start)) })
    });
}

/// Calls `f` with every number below `n`, on any of the threads.
pub(crate) fn each(n: usize, f: &(dyn Fn(usize) + Sync)) {
    #[cfg(feature = "threads")]
    super::workers::share(n, f);
    #[cfg(not(feature = "threads"))]
    (0..n).for_each(f);
}

/// Memory of which several threads write different parts.
pub(super) struct Shared<T>(pub(super) *mut T);

// SAFETY: a pointer alone is no access; whoever uses it proves that nobody else has the same part, and `T` may be sent.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Where element `i` is.
    pub(super) fn at(&self, i: usize) -> *mut T {
        self.0.wrapping_add(i)
    }
}

/// Into how many pieces work is worth cutting whose results are the same for any cut: the number of threads, or 1 within a piece of work that is
/// already shared among them.
pub(crate) fn bands() -> usize {
    if at_work() { 1 } else { threads() }
}

/// Sets the number of threads that kernels use, for the whole process. At first it is the number of processors.
///
/// Results are the same bits with any number.
///
/// # Errors
/// When there would be none, more than 32,000, or more than one without the feature `threads`.
///
/// ```
/// chainrule_tensor::parallel::set_threads(1)?;
/// assert_eq!(chainrule_tensor::parallel::threads(), 1);
/// # Ok::<(), String>(())
/// ```
pub fn set_threads(n: usize) -> Result<(), String> {
    #[cfg(feature = "threads")]
    return super::workers::set_limit(n);
    #[cfg(not(feature = "threads"))]
    return if n == 1 { Ok(()) } else { Err("built without the `threads` feature".into()) };
}

/// The number of threads that kernels use.
pub fn threads() -> usize {
    #[cfg(feature = "threads")]
    return super::workers::limit();
    #[cfg(not(feature = "threads"))]
    1
}

fn at_work() -> bool {
    #[cfg(feature = "threads")]
    return super::workers::at_work();
    #[cfg(not(feature = "threads"))]
    false
}
