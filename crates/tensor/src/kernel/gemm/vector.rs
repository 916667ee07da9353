//! Vectors of 512 bits, of either type of number.

use std::arch::x86_64::*;

/// 512 bits of numbers.
///
/// # Safety
/// Only for a CPU with AVX-512; pointers must be good for the lanes that the mask names.
pub(in crate::kernel) trait Vector: Copy {
    type Element: Copy + PartialEq + From<f32>;
    type Mask: Copy;
    const LANES: usize;
    /// The first `n` lanes.
    fn mask(n: usize) -> Self::Mask;
    unsafe fn zero() -> Self;
    unsafe fn splat(x: *const Self::Element) -> Self;
    unsafe fn load(lanes: Self::Mask, from: *const Self::Element) -> Self;
    unsafe fn store(self, lanes: Self::Mask, to: *mut Self::Element);
    /// Past the caches, to an address that is a multiple of 64.
    unsafe fn stream(self, to: *mut Self::Element);
    /// `self · b + c`, rounded once.
    unsafe fn times_plus(self, b: Self, c: Self) -> Self;
    unsafe fn times(self, b: Self) -> Self;
    unsafe fn plus(self, b: Self) -> Self;
    unsafe fn sum(self) -> Self::Element;
    /// The lanes that the bits name, side by side.
    unsafe fn compress(self, lanes: u32) -> Self;
    /// Rows become columns.
    unsafe fn transpose(rows: &mut [Self; 16]);
}

macro_rules! vector {
    ($vector:ident of $lanes:literal $element:ident, $mask:ident: $zero:ident $splat:ident $load:ident $store:ident $stream:ident $fma:ident $mul:ident $add:ident $sum:ident $compress:ident $transpose:ident) => {
        impl Vector for $vector {
            type Element = $element;
            type Mask = $mask;
            const LANES: usize = $lanes;
            #[inline(always)]
            fn mask(n: usize) -> $mask {
                if n >= $lanes { !0 } else { ((1u32 << n) - 1) as $mask }
            }
            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the trait's: the CPU has AVX-512. So it is below.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn splat(x: *const $element) -> Self {
                // SAFETY: the pointer is good for one number.
                unsafe { $splat(*x) }
            }
            #[inline(always)]
            unsafe fn load(lanes: $mask, from: *const $element) -> Self {
                // SAFETY: the pointer is good for these lanes; others are not touched.
                unsafe { $load(lanes, from) }
            }
            #[inline(always)]
            unsafe fn store(self, lanes: $mask, to: *mut $element) {
                // SAFETY: as in `load`.
                unsafe { $store(to, lanes, self) }
            }
            #[inline(always)]
            unsafe fn stream(self, to: *mut $element) {
                // SAFETY: the pointer is good for a whole vector and aligned to one.
                unsafe { $stream(to, self) }
            }
            #[inline(always)]
            unsafe fn times_plus(self, b: Self, c: Self) -> Self {
                // SAFETY: as in `zero`.
                unsafe { $fma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn times(self, b: Self) -> Self {
                // SAFETY: as in `zero`.
                unsafe { $mul(self, b) }
            }
            #[inline(always)]
            unsafe fn plus(self, b: Self) -> Self {
                // SAFETY: as in `zero`.
                unsafe { $add(self, b) }
            }
            #[inline(always)]
            unsafe fn sum(self) -> $element {
                // SAFETY: as in `zero`.
                unsafe { $sum(self) }
            }
            #[inline(always)]
            unsafe fn compress(self, lanes: u32) -> Self {
                // SAFETY: as in `zero`.
                unsafe { $compress(lanes as $mask, self) }
            }
            #[inline(always)]
            unsafe fn transpose(rows: &mut [Self; 16]) {
                // SAFETY: as in `zero`.
                unsafe { $transpose(rows) }
            }
        }
    };
}
vector!(__m512 of 16 f32, __mmask16: _mm512_setzero_ps _mm512_set1_ps _mm512_maskz_loadu_ps _mm512_mask_storeu_ps _mm512_stream_ps
    _mm512_fmadd_ps _mm512_mul_ps _mm512_add_ps _mm512_reduce_add_ps _mm512_maskz_compress_ps transpose_16);
vector!(__m512d of 8 f64, __mmask8: _mm512_setzero_pd _mm512_set1_pd _mm512_maskz_loadu_pd _mm512_mask_storeu_pd _mm512_stream_pd
    _mm512_fmadd_pd _mm512_mul_pd _mm512_add_pd _mm512_reduce_add_pd _mm512_maskz_compress_pd transpose_8);

/// In three rounds: pairs of rows, pairs of pairs, and then quarters of vectors change places.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_16(x: &mut [__m512; 16]) {
    let mut pairs = [_mm512_setzero_pd(); 16];
    for i in (0..16).step_by(2) {
        pairs[i] = _mm512_castps_pd(_mm512_unpacklo_ps(x[i], x[i + 1]));
        pairs[i + 1] = _mm512_castps_pd(_mm512_unpackhi_ps(x[i], x[i + 1]));
    }
    let mut fours = [_mm512_setzero_ps(); 16];
    for i in 0..4 {
        for j in 0..2 {
            let (a, b) = (pairs[4 * i + j], pairs[4 * i + j + 2]);
            fours[4 * i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            fours[4 * i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    for i in 0..4 {
        let even_top = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[i], fours[i + 4]);
        let odd_top = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[i], fours[i + 4]);
        let even_bottom = _mm512_shuffle_f32x4::<0b10_00_10_00>(fours[i + 8], fours[i + 12]);
        let odd_bottom = _mm512_shuffle_f32x4::<0b11_01_11_01>(fours[i + 8], fours[i + 12]);
        x[i] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even_top, even_bottom);
        x[i + 4] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd_top, odd_bottom);
        x[i + 8] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even_top, even_bottom);
        x[i + 12] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd_top, odd_bottom);
    }
}

/// The first eight rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_8(x: &mut [__m512d; 16]) {
    let mut pairs = [_mm512_setzero_pd(); 8];
    for i in (0..8).step_by(2) {
        pairs[i] = _mm512_unpacklo_pd(x[i], x[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_pd(x[i], x[i + 1]);
    }
    for i in 0..2 {
        let even_top = _mm512_shuffle_f64x2::<0b10_00_10_00>(pairs[i], pairs[i + 2]);
        let odd_top = _mm512_shuffle_f64x2::<0b11_01_11_01>(pairs[i], pairs[i + 2]);
        let even_bottom = _mm512_shuffle_f64x2::<0b10_00_10_00>(pairs[i + 4], pairs[i + 6]);
        let odd_bottom = _mm512_shuffle_f64x2::<0b11_01_11_01>(pairs[i + 4], pairs[i + 6]);
        x[i] = _mm512_shuffle_f64x2::<0b10_00_10_00>(even_top, even_bottom);
        x[i + 2] = _mm512_shuffle_f64x2::<0b10_00_10_00>(odd_top, odd_bottom);
        x[i + 4] = _mm512_shuffle_f64x2::<0b11_01_11_01>(even_top, even_bottom);
        x[i + 6] = _mm512_shuffle_f64x2::<0b11_01_11_01>(odd_top, odd_bottom);
    }
}
