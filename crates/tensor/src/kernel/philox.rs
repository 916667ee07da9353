//! Random bits by number: those of one element are made without those before it, by any thread, as many at once as a vector holds.
//!
//! Philox4x32-10, from Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011.

use super::dispatch::{Loop, vectorised};
use super::parallel::{SMALL, chunks_mut};
use crate::dtype::Number;

const LANES: usize = 16;
/// Elements whose bits are the four words of `LANES` counters: first words, then second ones, and so on.
const BLOCK: usize = 4 * LANES;

/// Four random words of a counter and a key.
#[inline(always)]
fn philox([mut a, mut b, mut c, mut d]: [u32; 4], [mut k, mut l]: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let (m, n) = (u64::from(a) * 0xD251_1F53, u64::from(c) * 0xCD9E_8D57);
        (a, b, c, d) = ((n >> 32) as u32 ^ b ^ k, n as u32, (m >> 32) as u32 ^ d ^ l, m as u32);
        (k, l) = (k.wrapping_add(0x9E37_79B9), l.wrapping_add(0xBB67_AE85));
    }
    [a, b, c, d]
}

/// Writes `x` times 0 where an element's bits under `key` are below `limit`, else times `scale`.
pub(crate) fn drop_out<T: Number>(x: &[T], key: u64, limit: u32, scale: T, out: &mut [T]) {
    const { assert!(SMALL.is_multiple_of(BLOCK)) }
    chunks_mut(out, SMALL, |i, out| {
        let x = &x[i * SMALL..][..out.len()];
        vectorised(Drop { x, key, first: (i * (SMALL / BLOCK)) as u64, limit, scale, out });
    });
}

struct Drop<'a, T> {
    x: &'a [T],
    key: u64,
    /// The number of the first block.
    first: u64,
    limit: u32,
    scale: T,
    out: &'a mut [T],
}

impl<T: Number> Loop for Drop<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let halves = |x: u64| [x as u32, (x >> 32) as u32];
        let key = halves(self.key);
        for (block, out) in self.out.chunks_mut(BLOCK).enumerate() {
            let x = &self.x[block * BLOCK..][..out.len()];
            let [low, high] = halves((self.first + block as u64) * LANES as u64);
            let mut bits = [[0; LANES]; 4];
            for lane in 0..LANES {
                let words = philox([low + lane as u32, high, 0, 0], key);
                for (word, bits) in bits.iter_mut().enumerate() {
                    bits[lane] = words[word];
                }
            }
            for (i, o) in out.iter_mut().enumerate() {
                *o = x[i].times(if bits[i / LANES][i % LANES] < self.limit { T::ZERO } else { self.scale });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::philox;

    /// The known answers that come with the authors' library Random123.
    #[test]
    fn known_answers() {
        let pi = ([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
        for ((counter, key), words) in [
            (([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (([!0; 4], [!0; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ] {
            assert_eq!(philox(counter, key), words);
        }
    }
}
