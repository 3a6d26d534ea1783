//! Where the body of an HTTP/1.1 answer ends (RFC 9112, sections 6 and 7), as a machine over bytes.

/// The body breaks the rules of its framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many more bytes.
    Length(u64),
    /// With its last chunk.
    Chunked(Chunk),
    /// With the connection.
    UntilClose,
}

/// Where in the chunks the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the size of a chunk, after so many digits.
    Size {
        so_far: u64,
        digits: u8,
    },
    /// Behind the size, where extensions may stand.
    Extension {
        so_far: u64,
        length: u16,
    },
    Data {
        left: u64,
    },
    /// Behind the data, before its line end.
    AfterData,
    /// In a line of the trailer, after so many bytes; so many lines came before.
    Trailer {
        length: u16,
        lines: u16,
    },
    Over,
}

/// The longest line of extensions or of the trailer, and the most lines of a trailer.
const MAX_LINE: u16 = 4096;
const MAX_LINES: u16 = 64;

impl Framing {
    /// The framing of chunks.
    pub(super) const CHUNKED: Self = Self::Chunked(Chunk::Size { so_far: 0, digits: 0 });

    /// Whether the body has come to its end by itself.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Over))
    }

    /// Hands the content of `bytes` to `sink` and returns how many bytes belong to the body: all,
    /// unless it ends among them.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> Result<usize, Malformed> {
        match self {
            Self::UntilClose => {
                sink(bytes);
                Ok(bytes.len())
            }
            Self::Length(left) => {
                let here = take(bytes, *left);
                *left -= here.len() as u64;
                if !here.is_empty() {
                    sink(here);
                }
                Ok(here.len())
            }
            Self::Chunked(chunk) => {
                let mut at = 0;
                while at < bytes.len() && *chunk != Chunk::Over {
                    at += chunk.step(&bytes[at..], sink)?;
                }
                Ok(at)
            }
        }
    }
}

fn take(bytes: &[u8], most: u64) -> &[u8] {
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
    &bytes[..length]
}

impl Chunk {
    /// Works on the start of `bytes`, which is not empty, and returns how many it took.
    fn step(&mut self, bytes: &[u8], sink: &mut impl FnMut(&[u8])) -> Result<usize, Malformed> {
        let byte = bytes[0];
        *self = match *self {
            Self::Data { left } => {
                let here = take(bytes, left);
                sink(here);
                let left = left - here.len() as u64;
                *self = if left == 0 { Self::AfterData } else { Self::Data { left } };
                return Ok(here.len());
            }
            Self::Size { so_far, digits } => match (byte as char).to_digit(16) {
                Some(_) if digits == 15 => return Err(Malformed),
                Some(digit) => {
                    Self::Size { so_far: so_far << 4 | u64::from(digit), digits: digits + 1 }
                }
                None if digits > 0 => return self.extension(byte, so_far, 0),
                None => return Err(Malformed),
            },
            Self::Extension { so_far, length } => return self.extension(byte, so_far, length),
            Self::AfterData => match byte {
                b'\r' => Self::AfterData,
                b'\n' => Self::Size { so_far: 0, digits: 0 },
                _ => return Err(Malformed),
            },
            Self::Trailer { length, lines } => match byte {
                b'\n' if length == 0 => Self::Over,
                b'\n' if lines == MAX_LINES => return Err(Malformed),
                b'\n' => Self::Trailer { length: 0, lines: lines + 1 },
                b'\r' => Self::Trailer { length, lines },
                _ if length == MAX_LINE => return Err(Malformed),
                _ => Self::Trailer { length: length + 1, lines },
            },
            Self::Over => return Ok(0),
        };
        Ok(1)
    }

    fn extension(&mut self, byte: u8, so_far: u64, length: u16) -> Result<usize, Malformed> {
        *self = match (byte, so_far) {
            (b'\n', 0) => Self::Trailer { length: 0, lines: 0 },
            (b'\n', left) => Self::Data { left },
            (b'\r' | b' ' | b'\t' | b';', _) | (_, _) if length == MAX_LINE => {
                return Err(Malformed);
            }
            (b'\r' | b' ' | b'\t' | b';', _) => Self::Extension { so_far, length: length + 1 },
            // Something else than an extension behind the digits.
            _ if length == 0 => return Err(Malformed),
            _ => Self::Extension { so_far, length: length + 1 },
        };
        Ok(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(mut framing: Framing, parts: &[&[u8]]) -> Result<(Vec<u8>, usize, bool), Malformed> {
        let (mut body, mut used) = (Vec::new(), 0);
        for part in parts {
            used += framing.read(part, &mut |data| body.extend_from_slice(data))?;
        }
        Ok((body, used, framing.is_over()))
    }

    #[test]
    fn every_framing_ends_where_it_should() {
        let chunks = b"5;name=\"x\"\r\nhello\r\n01 \r\n!\r\n0\r\nx-trailer: 1\r\n\r\nHTTP/1.1";
        let end = chunks.len() - 8;
        assert_eq!(read(Framing::CHUNKED, &[chunks]), Ok((b"hello!".to_vec(), end, true)));
        assert_eq!(read(Framing::Length(3), &[b"he", b"llo"]), Ok((b"hel".to_vec(), 3, true)));
        assert_eq!(read(Framing::UntilClose, &[b"he", b"llo"]), Ok((b"hello".to_vec(), 5, false)));
        assert_eq!(read(Framing::CHUNKED, &[b"5\r\nhel"]), Ok((b"hel".to_vec(), 6, false)));
    }

    #[test]
    fn broken_chunks_are_refused() {
        let long = format!("1;{}\r\n", "x".repeat(5000));
        let trailer = format!("0\r\n{}", "a: b\r\n".repeat(100));
        for bytes in
            ["\r\n", "g\r\n", "fffffffffffffffff\r\n", "1\r\nab\r\n", "5x\r\n", &long, &trailer]
        {
            assert_eq!(read(Framing::CHUNKED, &[bytes.as_bytes()]), Err(Malformed), "{bytes:.20}");
        }
    }

    proptest! {
        #[test]
        fn splitting_anywhere_changes_nothing(
            parts in proptest::collection::vec("[a-z\r\n]{1,9}", 0..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = Vec::new();
            for part in &parts {
                bytes.extend_from_slice(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes());
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            let (one, two) = bytes.split_at(cut.index(bytes.len() + 1));
            let whole = Ok((parts.concat().into_bytes(), bytes.len(), true));
            prop_assert_eq!(read(Framing::CHUNKED, &[one, two]), whole.clone());
            let singly: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(Framing::CHUNKED, &singly), whole);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(Framing::CHUNKED, &[&bytes]);
        }
    }
}
