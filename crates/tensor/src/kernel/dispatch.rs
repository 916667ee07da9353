//! One loop, compiled for several generations of CPU and chosen while running.
//!
//! The loops use the same operations in the same order at every level (the compiler never fuses or reorders what is not written so), so results
//! are the same bits on every CPU.

/// A loop to be compiled once per CPU level. `run` must be `#[inline(always)]`, and so must what it calls.
pub(crate) trait Loop {
    /// Whether wide vectors make it faster, and matter: else it is compiled once, for every CPU.
    const WIDE: bool = true;
    /// What the loop computes.
    type Out;
    /// Runs it.
    fn run(self) -> Self::Out;
}

/// Runs `job` with the widest vector instructions that this CPU has.
///
/// `CHAINRULE_SIMD` in the environment restricts it, for tests: `off` to the portable code, `avx2` to 256 bits; anything else does not.
#[inline]
pub(crate) fn vectorised<J: Loop>(job: J) -> J::Out {
    #[cfg(target_arch = "x86_64")]
    if J::WIDE {
        match level() {
            // SAFETY: `level` has seen these features on this CPU.
            Level::Avx512 => return unsafe { avx512(job) },
            // SAFETY: as above.
            Level::Avx2 => return unsafe { avx2(job) },
            Level::Portable => {}
        }
    }
    job.run()
}

/// The array of what `f` makes of each index.
///
/// As [`std::array::from_fn`], which the compiler may leave a function by itself, and one for every CPU: this one is always inlined into the loop.
#[inline(always)]
pub(in crate::kernel) fn array<T: Copy, const N: usize>(mut f: impl FnMut(usize) -> T) -> [T; N] {
    let mut all = [f(0); N];
    (1..N).for_each(|i| all[i] = f(i));
    all
}

/// Vector instructions that are made use of.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(in crate::kernel) enum Level {
    Portable,
    Avx2,
    Avx512,
}

#[cfg(target_arch = "x86_64")]
#[inline]
pub(in crate::kernel) fn level() -> Level {
    use std::sync::OnceLock;
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let allowed = std::env::var("CHAINRULE_SIMD").unwrap_or_default();
        let has_avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match allowed.as_str() {
            "off" => Level::Portable,
            "avx2" if has_avx2 => Level::Avx2,
            _ if has_avx512 => Level::Avx512,
            _ if has_avx2 => Level::Avx2,
            _ => Level::Portable,
        }
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn avx512<J: Loop>(job: J) -> J::Out {
    job.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<J: Loop>(job: J) -> J::Out {
    job.run()
}
