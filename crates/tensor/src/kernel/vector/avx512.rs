//! Vectors of 512 bits.

use std::arch::x86_64::*;

super::vector!(__m512 of 16 f32, "avx512f": _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps load_first_16 store_first_16
    _mm512_stream_ps _mm512_fmadd_ps _mm512_mul_ps _mm512_add_ps _mm512_sub_ps compress_16 transpose_16);
super::vector!(__m512d of 8 f64, "avx512f": _mm512_setzero_pd _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd load_first_8 store_first_8
    _mm512_stream_pd _mm512_fmadd_pd _mm512_mul_pd _mm512_add_pd _mm512_sub_pd compress_8 transpose_8);

/// The lowest `n` bits of 16.
#[inline(always)]
fn lowest(n: usize) -> __mmask16 {
    if n >= 16 { !0 } else { (1 << n) - 1 }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_first_16(n: usize, from: *const f32) -> __m512 {
    // SAFETY: the caller's: the pointer is good for so many numbers. So it is below.
    unsafe { _mm512_maskz_loadu_ps(lowest(n), from) }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load_first_8(n: usize, from: *const f64) -> __m512d {
    // SAFETY: as above.
    unsafe { _mm512_maskz_loadu_pd(lowest(n) as __mmask8, from) }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store_first_16(x: __m512, n: usize, to: *mut f32) {
    // SAFETY: as above.
    unsafe { _mm512_mask_storeu_ps(to, lowest(n), x) }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store_first_8(x: __m512d, n: usize, to: *mut f64) {
    // SAFETY: as above.
    unsafe { _mm512_mask_storeu_pd(to, lowest(n) as __mmask8, x) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn compress_16(lanes: u32, x: __m512) -> __m512 {
    _mm512_maskz_compress_ps(lanes as __mmask16, x)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn compress_8(lanes: u32, x: __m512d) -> __m512d {
    _mm512_maskz_compress_pd(lanes as __mmask8, x)
}

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
