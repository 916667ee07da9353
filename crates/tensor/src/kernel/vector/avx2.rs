//! Vectors of 256 bits.

use std::arch::x86_64::*;

super::vector!(__m256 of 8 f32, "avx2,fma": _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps load_first_8 store_first_8
    _mm256_stream_ps _mm256_fmadd_ps _mm256_mul_ps _mm256_add_ps _mm256_sub_ps compress_8 transpose_8);
super::vector!(__m256d of 4 f64, "avx2,fma": _mm256_setzero_pd _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd load_first_4 store_first_4
    _mm256_stream_pd _mm256_fmadd_pd _mm256_mul_pd _mm256_add_pd _mm256_sub_pd compress_4 transpose_4);

/// Lanes of 32 bits, the first `n` of which are all ones.
#[inline]
#[target_feature(enable = "avx2")]
fn first(n: usize) -> __m256i {
    static ONES_AND_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: eight numbers follow the ninth at the latest.
    unsafe { _mm256_loadu_si256(ONES_AND_ZEROS.as_ptr().add(8 - n.min(8)).cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_first_8(n: usize, from: *const f32) -> __m256 {
    // SAFETY: the caller's: the pointer is good for so many numbers. So it is below.
    unsafe { _mm256_maskload_ps(from, first(n)) }
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_first_4(n: usize, from: *const f64) -> __m256d {
    // SAFETY: as above.
    unsafe { _mm256_maskload_pd(from, first(2 * n.min(4))) }
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_first_8(x: __m256, n: usize, to: *mut f32) {
    // SAFETY: as above.
    unsafe { _mm256_maskstore_ps(to, first(n), x) }
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_first_4(x: __m256d, n: usize, to: *mut f64) {
    // SAFETY: as above.
    unsafe { _mm256_maskstore_pd(to, first(2 * n.min(4)), x) }
}

/// For each set of eight lanes, which of them come first.
static CHOSEN: [[u8; 8]; 256] = {
    let mut chosen = [[0; 8]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut to) = (0, 0);
        while lane < 8 {
            if set >> lane & 1 == 1 {
                chosen[set][to] = lane;
                to += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    chosen
};

#[inline]
#[target_feature(enable = "avx2")]
fn compress_8(lanes: u32, x: __m256) -> __m256 {
    let chosen = u64::from_le_bytes(CHOSEN[lanes as usize & 0xff]);
    _mm256_permutevar8x32_ps(x, _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(chosen as i64)))
}

/// Each number is two lanes of 32 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn compress_4(lanes: u32, x: __m256d) -> __m256d {
    let twice = (0..4).fold(0, |twice, lane| twice | ((lanes >> lane & 1) * (0b11 << (2 * lane))));
    _mm256_castps_pd(compress_8(twice, _mm256_castpd_ps(x)))
}

/// In three rounds: pairs of rows, pairs of pairs, and then halves of vectors change places.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_8(x: &mut [__m256; 16]) {
    let mut pairs = [_mm256_setzero_pd(); 8];
    for i in (0..8).step_by(2) {
        pairs[i] = _mm256_castps_pd(_mm256_unpacklo_ps(x[i], x[i + 1]));
        pairs[i + 1] = _mm256_castps_pd(_mm256_unpackhi_ps(x[i], x[i + 1]));
    }
    let mut fours = [_mm256_setzero_ps(); 8];
    for i in 0..2 {
        for j in 0..2 {
            let (a, b) = (pairs[4 * i + j], pairs[4 * i + j + 2]);
            fours[4 * i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
            fours[4 * i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
        }
    }
    for i in 0..4 {
        x[i] = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
        x[i + 4] = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn transpose_4(x: &mut [__m256d; 16]) {
    let pair = |i: usize| [_mm256_unpacklo_pd(x[i], x[i + 1]), _mm256_unpackhi_pd(x[i], x[i + 1])];
    let pairs = [pair(0), pair(2)];
    for i in 0..2 {
        x[i] = _mm256_permute2f128_pd::<0x20>(pairs[0][i], pairs[1][i]);
        x[i + 2] = _mm256_permute2f128_pd::<0x31>(pairs[0][i], pairs[1][i]);
    }
}
