//! The threads that help: they share the numbers 0 .. n of one job at a time.
//!
//! Whoever has a job opens it, takes part in it, closes it, and waits for the helpers that are inside. A helper that comes too late is not waited for. Between
//! jobs, helpers look for the next one for a while before they go to sleep: in a training step the next is microseconds away, and waking takes longer than that.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// For how long a helper without work stays awake.
const AWAKE: Duration = Duration::from_micros(100);

/// A job is open while this bit of [`Workers::gate`] is set; the bits below count the helpers inside, those above the jobs.
const OPEN: usize = 1 << 15;
const INSIDE: usize = OPEN - 1;
const NEXT_JOB: usize = OPEN << 1;

/// What is to be done with each number below `n`.
#[derive(Clone, Copy)]
struct Job {
    f: *const (dyn Fn(usize) + Sync),
    n: usize,
}

struct Workers {
    /// Whether somebody has a job here.
    taken: AtomicBool,
    /// See [`OPEN`].
    gate: AtomicUsize,
    job: UnsafeCell<Option<Job>>,
    next: AtomicUsize,
    /// How many may take part, the job's owner included.
    limit: AtomicUsize,
    started: Mutex<usize>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    sleepers: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
}

// SAFETY: `job` is written by the one who has set `taken`, while the gate is closed and nobody inside; it is read by those who went in through the open
// gate. What it points to is `Sync`, and lives until its owner, who waits for all inside, returns.
unsafe impl Sync for Workers {}

static WORKERS: Workers = Workers {
    taken: AtomicBool::new(false),
    gate: AtomicUsize::new(0),
    job: UnsafeCell::new(None),
    next: AtomicUsize::new(0),
    limit: AtomicUsize::new(0),
    started: Mutex::new(0),
    panic: Mutex::new(None),
    sleepers: AtomicUsize::new(0),
    bed: Mutex::new(()),
    bell: Condvar::new(),
};

thread_local! {
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a job. Work within work is not shared.
pub(super) fn at_work() -> bool {
    AT_WORK.get()
}

fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// How many threads share work.
pub(super) fn limit() -> usize {
    match WORKERS.limit.load(Relaxed) {
        0 => processors(),
        n => n,
    }
}

/// Lets `n` threads share work from now on.
///
/// # Errors
/// When there are none, or more than fit the count.
pub(super) fn set_limit(n: usize) -> Result<(), String> {
    if !(1..INSIDE).contains(&n) {
        return Err(format!("{n} threads cannot share work"));
    }
    WORKERS.limit.store(n, Relaxed);
    Ok(())
}

/// Calls `f` with every number below `n`, on any of the threads.
pub(super) fn share(n: usize, f: &(dyn Fn(usize) + Sync)) {
    let alone = n < 2 || at_work() || limit() < 2;
    if alone || WORKERS.taken.compare_exchange(false, true, Acquire, Relaxed).is_err() {
        return (0..n).for_each(f);
    }
    start();
    // SAFETY: only the lifetime changes. `Owner`'s drop keeps this function from returning while a helper is inside, and none gets in afterwards.
    let f: &'static (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(f) };
    // SAFETY: `taken` is ours, and the last owner left the gate closed with nobody inside.
    unsafe { *WORKERS.job.get() = Some(Job { f, n }) };
    WORKERS.next.store(0, Relaxed);
    let owner = Owner;
    WORKERS.gate.fetch_add(NEXT_JOB | OPEN, SeqCst);
    if WORKERS.sleepers.load(SeqCst) > 0 {
        drop(WORKERS.bed.lock());
        WORKERS.bell.notify_all();
    }
    WORKERS.take_part(f, n);
    drop(owner);
}

/// Closes the job when its owner has nothing left to do in it, even by a panic.
struct Owner;

impl Drop for Owner {
    fn drop(&mut self) {
        WORKERS.gate.fetch_and(!OPEN, AcqRel);
        while WORKERS.gate.load(Acquire) & INSIDE > 0 {
            std::hint::spin_loop();
        }
        let panic = WORKERS.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        WORKERS.taken.store(false, Release);
        if let Some(panic) = panic.filter(|_| !thread::panicking()) {
            resume_unwind(panic);
        }
    }
}

/// Starts the helpers that are missing. Those that cannot be had are done without.
fn start() {
    let mut started = WORKERS.started.lock().unwrap_or_else(PoisonError::into_inner);
    while *started + 1 < limit() {
        let number = *started + 1;
        if thread::Builder::new().name(format!("chainrule-{number}")).spawn(move || WORKERS.help(number)).is_err() {
            return;
        }
        *started = number;
    }
}

impl Workers {
    fn take_part(&self, f: &(dyn Fn(usize) + Sync), n: usize) {
        /// Also when `f` panics.
        struct Done;
        impl Drop for Done {
            fn drop(&mut self) {
                AT_WORK.set(false);
            }
        }
        AT_WORK.set(true);
        let _done = Done;
        loop {
            match self.next.fetch_add(1, Relaxed) {
                i if i < n => f(i),
                _ => return,
            }
        }
    }

    /// The life of helper `number`.
    fn help(&self, number: usize) {
        let mut last = 0;
        loop {
            let gate = self.wait_for_another(last, number);
            if self.gate.compare_exchange(gate, gate + 1, Acquire, Relaxed).is_err() {
                continue;
            }
            last = gate & !(OPEN | INSIDE);
            // SAFETY: we came in through the open gate, so the job stays until we leave.
            let Job { f, n } = unsafe { *self.job.get() }.expect("an open job is set");
            // SAFETY: as above.
            let work = catch_unwind(AssertUnwindSafe(|| self.take_part(unsafe { &*f }, n)));
            if let Err(panic) = work {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
            self.gate.fetch_sub(1, Release);
        }
    }

    /// Returns the gate once it is open for a job other than `last`.
    fn wait_for_another(&self, last: usize, number: usize) -> usize {
        let ready = |gate: usize| gate & OPEN > 0 && gate & !(OPEN | INSIDE) != last && number < limit();
        // With more threads than processors, whoever looks for work keeps others from theirs.
        let patience = if limit() <= processors() { AWAKE } else { Duration::ZERO };
        let start = Instant::now();
        while start.elapsed() < patience {
            for _ in 0..32 {
                let gate = self.gate.load(Acquire);
                if ready(gate) {
                    return gate;
                }
                std::hint::spin_loop();
            }
        }
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, SeqCst);
        let gate = loop {
            let gate = self.gate.load(SeqCst);
            if ready(gate) {
                break gate;
            }
            bed = self.bell.wait(bed).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, SeqCst);
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_taken_once_whoever_asks() {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for n in 0..200 {
                        let counts: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
                        share(n, &|i| {
                            share(2, &|_| {
                                counts[i].fetch_add(1, Relaxed);
                            });
                        });
                        assert!(counts.iter().all(|count| count.load(Relaxed) == 2));
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_owner_and_work_goes_on() {
        for n in [2, 100] {
            let result = catch_unwind(|| share(n, &|i| assert!(i + 1 < n, "the last number")));
            assert!(result.is_err());
            let sum = AtomicUsize::new(0);
            share(n, &|i| {
                sum.fetch_add(i, Relaxed);
            });
            assert_eq!(sum.into_inner(), n * (n - 1) / 2);
        }
    }
}
