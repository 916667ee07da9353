//! One loop, compiled for several generations of CPU and chosen while running.
//!
//! The loops use the same operations in the same order at every level (the compiler never fuses or reorders them), so results
//! are the same bits on every CPU.

/// A loop to be compiled once per CPU level. `run` must be `#[inline(always)]`, and so must what it calls.
pub(crate) trait Loop {
    /// What the loop computes.
    type Out;
    /// Runs it.
    fn run(self) -> Self::Out;
}

/// Runs `job` with the widest vector instructions that this CPU has.
///
/// `CHAINRULE_SIMD=off` in the environment turns the detection off, for tests of the portable code.
#[inline]
pub(crate) fn vectorised<J: Loop>(job: J) -> J::Out {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: `level` has seen these features on this CPU.
        Level::Avx512 => return unsafe { avx512(job) },
        // SAFETY: as above.
        Level::Avx2 => return unsafe { avx2(job) },
        Level::Portable => {}
    }
    job.run()
}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
enum Level {
    Portable,
    Avx2,
    Avx512,
}

#[cfg(target_arch = "x86_64")]
fn level() -> Level {
    use std::sync::OnceLock;
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        if std::env::var_os("CHAINRULE_SIMD").is_some_and(|v| v == "off") {
            Level::Portable
        } else if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
        {
            Level::Avx512
        } else if is_x86_feature_detected!("avx2") {
            Level::Avx2
        } else {
            Level::Portable
        }
    })
}

/// Whether [`vectorised`] uses AVX-512.
#[cfg(target_arch = "x86_64")]
pub(in crate::kernel) fn has_avx512() -> bool {
    matches!(level(), Level::Avx512)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn avx512<J: Loop>(job: J) -> J::Out {
    job.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<J: Loop>(job: J) -> J::Out {
    job.run()
}
