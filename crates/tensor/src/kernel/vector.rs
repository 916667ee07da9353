//! Vectors of numbers, as wide as a CPU's registers.

mod avx2;
mod avx512;

/// A register full of numbers.
///
/// # Safety
/// Only for a CPU that has such registers; pointers must be good for the numbers that are read or written.
pub(in crate::kernel) trait Vector: Copy {
    type Element: Copy + PartialEq + From<f32>;
    const LANES: usize;
    /// Calls `f`, compiled for such a CPU if all that it calls is inlined.
    unsafe fn enabled<R>(f: impl FnOnce() -> R) -> R;
    unsafe fn zero() -> Self;
    unsafe fn splat(x: *const Self::Element) -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    /// The first `n` numbers, all of them if there are fewer, and zeros.
    unsafe fn load_first(n: usize, from: *const Self::Element) -> Self;
    unsafe fn store_first(self, n: usize, to: *mut Self::Element);
    /// Past the caches, to an address that is a multiple of 64.
    unsafe fn stream(self, to: *mut Self::Element);
    /// `self · b + c`, rounded once.
    unsafe fn times_plus(self, b: Self, c: Self) -> Self;
    unsafe fn times(self, b: Self) -> Self;
    unsafe fn plus(self, b: Self) -> Self;
    unsafe fn minus(self, b: Self) -> Self;
    /// The lanes that the bits name, side by side.
    unsafe fn compress(self, lanes: u32) -> Self;
    /// The first rows, as many as there are lanes, become columns.
    unsafe fn transpose(rows: &mut [Self; 16]);
}

/// Computes with the widest vectors of this CPU, named `V`, of numbers that have so many bytes (4 or 8); something else without vectors.
macro_rules! widest {
    ($bytes:expr, $V:ident => $body:expr, without => $otherwise:expr) => {{
        use $crate::kernel::dispatch::{Level, level};
        match (level(), $bytes) {
            (Level::Portable, _) => $otherwise,
            (Level::Avx2, 4) => {
                type $V = std::arch::x86_64::__m256;
                $body
            }
            (Level::Avx2, _) => {
                type $V = std::arch::x86_64::__m256d;
                $body
            }
            (Level::Avx512, 4) => {
                type $V = std::arch::x86_64::__m512;
                $body
            }
            (Level::Avx512, _) => {
                type $V = std::arch::x86_64::__m512d;
                $body
            }
        }
    }};
}
pub(in crate::kernel) use widest;

/// Implements [`Vector`] by functions of `std::arch` and of the caller.
macro_rules! vector {
    (
        $vector:ident of $lanes:literal $element:ident, $features:literal:
        $zero:ident $splat:ident $load:ident $store:ident $load_first:ident $store_first:ident $stream:ident
        $fma:ident $mul:ident $add:ident $sub:ident $compress:ident $transpose:ident
    ) => {
        impl crate::kernel::vector::Vector for $vector {
            type Element = $element;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn enabled<R>(f: impl FnOnce() -> R) -> R {
                #[target_feature(enable = $features)]
                fn compiled<R>(f: impl FnOnce() -> R) -> R {
                    f()
                }
                // SAFETY: the trait's: the CPU has these registers. So it is below.
                unsafe { compiled(f) }
            }
            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: as above.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn splat(x: *const $element) -> Self {
                // SAFETY: the pointer is good for one number.
                unsafe { $splat(*x) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                // SAFETY: the pointer is good for all lanes.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                // SAFETY: as in `load`.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn load_first(n: usize, from: *const $element) -> Self {
                // SAFETY: the pointer is good for these lanes; others are not touched.
                unsafe { $load_first(n, from) }
            }
            #[inline(always)]
            unsafe fn store_first(self, n: usize, to: *mut $element) {
                // SAFETY: as in `load_first`.
                unsafe { $store_first(self, n, to) }
            }
            #[inline(always)]
            unsafe fn stream(self, to: *mut $element) {
                // SAFETY: the pointer is good for a whole vector and aligned to one.
                unsafe { $stream(to, self) }
            }
            #[inline(always)]
            unsafe fn times_plus(self, b: Self, c: Self) -> Self {
                // SAFETY: as in `enabled`.
                unsafe { $fma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn times(self, b: Self) -> Self {
                // SAFETY: as in `enabled`.
                unsafe { $mul(self, b) }
            }
            #[inline(always)]
            unsafe fn plus(self, b: Self) -> Self {
                // SAFETY: as in `enabled`.
                unsafe { $add(self, b) }
            }
            #[inline(always)]
            unsafe fn minus(self, b: Self) -> Self {
                // SAFETY: as in `enabled`.
                unsafe { $sub(self, b) }
            }
            #[inline(always)]
            unsafe fn compress(self, lanes: u32) -> Self {
                // SAFETY: as in `enabled`.
                unsafe { $compress(lanes, self) }
            }
            #[inline(always)]
            unsafe fn transpose(rows: &mut [Self; 16]) {
                // SAFETY: as in `enabled`.
                unsafe { $transpose(rows) }
            }
        }
    };
}
use vector;
