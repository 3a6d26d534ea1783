//! Where the plain content of strings stops: at quotes, backslashes and control characters. Sixty-four
//! bytes are looked at in one go, with the processor's vectors, and the answer is kept for as long as
//! the search stays among them. Most strings are shorter than that, and most of a request is in
//! strings of JSON and code, where something stands to be looked at every twenty bytes.

use wide::u8x16;

/// How many bytes are looked at in one go: as many as the mask has bits.
const BLOCK: usize = 64;

/// A search through one text.
#[derive(Debug)]
pub(super) struct Marks {
    /// Where the block begins that was looked at last.
    start: usize,
    /// A bit for each of its bytes, the first one lowest.
    mask: u64,
}

impl Default for Marks {
    fn default() -> Self {
        // Where no text reaches, so that the first search looks.
        Self { start: usize::MAX - BLOCK, mask: 0 }
    }
}

impl Marks {
    /// Where the next byte that is no plain content stands, at `from` or behind it; the length of
    /// `bytes` where there is none. All calls are for the same bytes.
    pub(super) fn next(&mut self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        loop {
            let inside = at.wrapping_sub(self.start);
            if inside < BLOCK {
                let left = self.mask >> inside;
                if left != 0 {
                    return at + left.trailing_zeros() as usize;
                }
                at = self.start + BLOCK;
            }
            if at >= bytes.len() {
                return bytes.len();
            }
            self.start = at;
            self.mask = match bytes[at..].first_chunk() {
                Some(block) => marked(block),
                None => {
                    let mut block = [b' '; BLOCK];
                    block[..bytes.len() - at].copy_from_slice(&bytes[at..]);
                    marked(&block)
                }
            };
        }
    }
}

fn marked(block: &[u8; BLOCK]) -> u64 {
    let (vectors, _) = block.as_chunks::<16>();
    let mut mask = 0;
    for (index, vector) in vectors.iter().enumerate() {
        let bytes = u8x16::new(*vector);
        let found = bytes.simd_eq(u8x16::splat(b'"'))
            | bytes.simd_eq(u8x16::splat(b'\\'))
            | bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        mask |= u64::from(found.to_bitmask()) << (16 * index);
    }
    mask
}

/// Length of the prefix of `bytes` that is plain content.
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    Marks::default().next(bytes, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_judged_alike_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            let plain = byte >= 0x20 && byte != b'"' && byte != b'\\';
            for at in [0, 15, 16, 63, 64, 70] {
                let mut bytes = [b'x'; 71];
                bytes[at] = byte;
                assert_eq!(plain_prefix(&bytes), if plain { 71 } else { at }, "{byte} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_search_from_mark_to_mark_finds_all(bytes in "[a-zé\"\\\\\n]{0,300}", steps in 1usize..4) {
            let bytes = bytes.as_bytes();
            let is_marked = |at: &usize| matches!(bytes[*at], b'"' | b'\\' | b'\n');
            let mut marks = Marks::default();
            let mut at = 0;
            while at < bytes.len() {
                let expected = (at..bytes.len()).find(is_marked).unwrap_or(bytes.len());
                prop_assert_eq!(marks.next(bytes, at), expected);
                at = expected + steps;
            }
        }
    }
}
