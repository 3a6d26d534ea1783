//! How much of a text has been given out, so that the rest can be taken from the whole text when
//! that comes: servers repeat in `done` events what they sent in pieces, and some send only one of
//! the two. It keeps a count and a hash, not the text.

use crate::json::Escaped;
use std::borrow::Cow;

/// The text so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    /// Bytes of plain text.
    length: usize,
    hash: u64,
    /// The first half of a surrogate pair whose other half may follow.
    high: Option<u32>,
}

impl Default for Tally {
    fn default() -> Self {
        // FNV-1a: short texts, one byte at a time, and no keys.
        Self { length: 0, hash: 0xcbf2_9ce4_8422_2325, high: None }
    }
}

impl Tally {
    /// Whether nothing has come.
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes one more piece, escaped.
    pub(super) fn push(&mut self, escaped: &str) {
        let bytes = escaped.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if byte != b'\\' {
                self.byte(byte);
                at += 1;
                continue;
            }
            let plain = match bytes.get(at + 1) {
                Some(b'u') => {
                    self.unit(escaped.get(at + 2..at + 6));
                    at += 6;
                    continue;
                }
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(&other) => other,
                None => return,
            };
            self.byte(plain);
            at += 2;
        }
    }

    /// What `whole`, escaped, adds to the pieces; nothing where they are not its beginning.
    pub(super) fn rest<'w>(&self, whole: &'w str) -> Option<Cow<'w, str>> {
        if self.is_empty() {
            return (!whole.is_empty()).then_some(Cow::Borrowed(whole));
        }
        let plain = Escaped::trusted(whole).text().into_owned();
        let (begin, rest) = plain.split_at_checked(self.length)?;
        let mut begun = Self::default();
        begin.bytes().for_each(|byte| begun.byte(byte));
        (begun.hash == self.hash && !rest.is_empty())
            .then(|| Cow::Owned(Escaped::plain(rest).into_owned().escaped().to_owned()))
    }

    /// Whether the pieces are this text, escaped.
    pub(super) fn is(&self, whole: &str) -> bool {
        let mut all = Self::default();
        all.push(whole);
        all == *self
    }

    fn byte(&mut self, byte: u8) {
        self.length += 1;
        self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    /// One UTF-16 unit. Halves that belong to nothing were mended before.
    fn unit(&mut self, digits: Option<&str>) {
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xFFFD);
        let code = match (self.high.take(), unit) {
            (_, 0xD800..0xDC00) => return self.high = Some(unit),
            (Some(high), 0xDC00..0xE000) => 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00),
            (_, unit) => unit,
        };
        let mut bytes = [0; 4];
        let plain = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        plain.encode_utf8(&mut bytes).bytes().for_each(|byte| self.byte(byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_rest_is_what_the_pieces_lack(text in "[a-z\n\"\\\\é😀]{0,20}", at in 0..20_usize, ascii in any::<bool>()) {
            let at = text.char_indices().map(|(at, _)| at).nth(at).unwrap_or(text.len());
            let (begin, end) = text.split_at(at);
            let escaped = |text: &str| -> String {
                let plain = Escaped::plain(text).escaped().to_owned();
                if !ascii {
                    return plain;
                }
                let unit = |c: char| match c.is_ascii() {
                    true => c.to_string(),
                    false => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
                };
                plain.chars().map(unit).collect()
            };
            let mut tally = Tally::default();
            tally.push(&escaped(begin));
            prop_assert!(tally.is(&escaped(begin)));
            let whole = Escaped::plain(&text).escaped().to_owned();
            let rest = tally.rest(&whole).map(|rest| Escaped::trusted(rest.into_owned()).text().into_owned());
            prop_assert_eq!(rest.unwrap_or_default(), end);
        }
    }

    #[test]
    fn another_text_adds_nothing() {
        let mut tally = Tally::default();
        tally.push(" some words");
        assert_eq!(tally.rest("some words and more"), None);
        assert_eq!(tally.rest(" some"), None);
        assert_eq!(Tally::default().rest("all"), Some("all".into()));
    }
}
