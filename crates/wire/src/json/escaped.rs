//! Strings as they stand in JSON, and the way to plain text and back.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use super::marks::plain_prefix;

/// The content of a JSON string, in its escaped form and without the quotes: it can be put between
/// the quotes of another document as it is. Two of them in a row are one as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Escaped<'a>(Cow<'a, str>);

impl<'a> Escaped<'a> {
    /// Escapes a plain text.
    pub fn plain(text: &'a str) -> Self {
        if plain_prefix(text.as_bytes()) == text.len() {
            return Self(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len() + 8);
        escape_into(text, &mut out);
        Self(Cow::Owned(out))
    }

    /// Takes a text that is escaped already. The caller vouches for it.
    pub fn trusted(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// The escaped form.
    pub fn escaped(&self) -> &str {
        &self.0
    }

    /// The plain text. A lone surrogate becomes U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        match first_escape(&self.0) {
            None => Cow::Borrowed(&self.0),
            Some(first) => Cow::Owned(unescape(&self.0, first)),
        }
    }

    /// Whether the plain text is `plain`.
    pub fn is(&self, plain: &str) -> bool {
        is(&self.0, plain)
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, borrowed.
    pub fn borrow(&self) -> Escaped<'_> {
        Escaped(Cow::Borrowed(&self.0))
    }

    /// The same, owned.
    pub fn into_owned(self) -> Escaped<'static> {
        Escaped(Cow::Owned(self.0.into_owned()))
    }

    /// Escapes the escaped form once more: this string as part of a JSON text that itself travels
    /// as a string.
    pub fn escape_again(&self) -> Escaped<'_> {
        Escaped::plain(&self.0)
    }
}

/// Appends `text`, escaped.
pub fn escape_into(text: &str, out: &mut String) {
    let mut rest = text;
    loop {
        let plain = plain_prefix(rest.as_bytes());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let Some(byte) = rest.bytes().next() else { return };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => write!(out, "\\u{other:04x}").expect("a String takes every write"),
        }
        rest = &rest[1..];
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn quote_into(text: &str, out: &mut String) {
    out.push('"');
    escape_into(text, out);
    out.push('"');
}

/// Whether `escaped` stands for `plain`. An escape is longer than what it stands for, so most texts
/// are told apart by their length.
pub(super) fn is(escaped: &str, plain: &str) -> bool {
    match escaped.len().cmp(&plain.len()) {
        Ordering::Less => false,
        Ordering::Equal => escaped == plain && !plain.contains('\\'),
        Ordering::Greater => match memchr::memchr(b'\\', escaped.as_bytes()) {
            Some(first) => unescape(escaped, first) == plain,
            None => false,
        },
    }
}

/// Where the first escape stands. Names of members are too short for a call to pay.
fn first_escape(escaped: &str) -> Option<usize> {
    const SHORT: usize = 24;
    match escaped.len() {
        0..SHORT => escaped.bytes().position(|byte| byte == b'\\'),
        _ => memchr::memchr(b'\\', escaped.as_bytes()),
    }
}

fn unescape(escaped: &str, first: usize) -> String {
    let mut out = String::with_capacity(escaped.len());
    out.push_str(&escaped[..first]);
    let mut rest = &escaped[first..];
    while let Some(slash) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..slash]);
        let (decoded, used) = unescape_one(&rest[slash..]);
        out.push(decoded);
        rest = &rest[slash + used..];
    }
    out.push_str(rest);
    out
}

/// The character that the escape at the start of `text` stands for, and the escape's length.
fn unescape_one(text: &str) -> (char, usize) {
    let decoded = match text.as_bytes().get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => {
            let Some(unit) = hex_unit(text) else { return (char::REPLACEMENT_CHARACTER, 2) };
            if (0xD800..0xDC00).contains(&unit) && text.get(6..8) == Some("\\u") {
                let low = hex_unit(&text[6..]).unwrap_or(0);
                if (0xDC00..0xE000).contains(&low) {
                    let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                    return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
                }
            }
            return (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 6);
        }
        Some(&byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
        _ => return (char::REPLACEMENT_CHARACTER, 1),
    };
    (decoded, 2)
}

/// The four digits of the `\uXXXX` at the start of `text`.
fn hex_unit(text: &str) -> Option<u32> {
    u32::from_str_radix(text.get(2..6)?, 16).ok()
}
