//! JSON as spans over the text it was read from.
//!
//! A gateway mostly *moves* JSON: instructions, arguments, schemas and deltas leave as they came.
//! So a [`Tape`] checks a document once and remembers where each value begins and ends, and a
//! string is an [`Escaped`] span that is copied without being unescaped and escaped again. Number
//! text, member order and duplicate members survive. Nothing here builds a tree.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

/// How deep values may nest. What is written from a document nests a few levels deeper, and many
/// readers stop at 127.
pub const MAX_DEPTH: usize = 120;
/// How many values one document may hold; it bounds the tape's memory at 128 MiB.
pub const MAX_NODES: usize = 8 << 20;

/// Why a text is not JSON that quire reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Byte offset of the first thing that is wrong.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invalid JSON at byte {}: expected {}", self.offset, self.expected)
    }
}

impl std::error::Error for SyntaxError {}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind in words, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    start: u32,
    end: u32,
    /// Index of the first node after this value and all that it holds.
    next: u32,
    kind: Kind,
}

/// The index of one document. Reused from document to document, so that reading the events of a
/// stream allocates nothing.
#[derive(Debug, Default)]
pub struct Tape {
    nodes: Vec<Node>,
    open: Vec<u32>,
    /// Where `\\uXXXX` is half of a surrogate pair without its other half.
    halves: Vec<u32>,
}

impl Tape {
    /// Checks `text` and indexes it.
    ///
    /// # Errors
    /// The text is not JSON, nests deeper than [`MAX_DEPTH`] or holds more than [`MAX_NODES`] values.
    pub fn read<'t, 'a>(&'t mut self, text: &'a str) -> Result<Value<'t, 'a>, SyntaxError> {
        self.scan(text)?;
        Ok(self.root(text))
    }

    /// The first half of [`Tape::read`].
    pub(crate) fn scan(&mut self, text: &str) -> Result<(), SyntaxError> {
        self.nodes.clear();
        self.open.clear();
        self.halves.clear();
        if u32::try_from(text.len()).is_err() {
            return Err(SyntaxError { offset: 0, expected: "less than 4 GiB" });
        }
        Scanner { bytes: text.as_bytes(), at: 0, tape: self }.document()
    }

    /// The value of the text that was scanned.
    pub(crate) fn root<'t, 'a>(&'t self, text: &'a str) -> Value<'t, 'a> {
        Value { nodes: &self.nodes, text, index: 0 }
    }

    /// The memory that the index takes, in bytes.
    pub fn size(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }

    /// Whether some string holds half of a surrogate pair: strict readers refuse that.
    pub(crate) fn has_halves(&self) -> bool {
        !self.halves.is_empty()
    }
}

/// A text together with its index.
#[derive(Debug)]
pub struct Document {
    text: String,
    tape: Tape,
}

impl Document {
    /// Checks and indexes `text`. Half of a surrogate pair becomes U+FFFD, since most upstreams
    /// refuse a body that holds one.
    ///
    /// # Errors
    /// As [`Tape::read`].
    pub fn parse(text: String) -> Result<Self, SyntaxError> {
        Self::parse_with(Tape::default(), text)
    }

    /// The same, with the memory of an index that is not needed any more.
    ///
    /// # Errors
    /// As [`Tape::read`].
    pub fn parse_with(mut tape: Tape, mut text: String) -> Result<Self, SyntaxError> {
        tape.nodes.clear();
        // Requests of coding agents hold a value every 20 to 60 bytes.
        tape.nodes.reserve(text.len() / 32);
        tape.scan(&text)?;
        for &at in &tape.halves {
            text.replace_range(at as usize..at as usize + 6, "\\ufffd");
        }
        Ok(Self { text, tape })
    }

    /// The whole value.
    pub fn root(&self) -> Value<'_, '_> {
        Value { nodes: &self.tape.nodes, text: &self.text, index: 0 }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Text and index, to be used again.
    pub fn into_parts(self) -> (String, Tape) {
        (self.text, self.tape)
    }
}

struct Scanner<'t, 'a> {
    bytes: &'a [u8],
    at: usize,
    tape: &'t mut Tape,
}

impl Scanner<'_, '_> {
    fn document(&mut self) -> Result<(), SyntaxError> {
        self.skip_space();
        'value: loop {
            if self.tape.nodes.len() >= MAX_NODES {
                return self.fail("fewer values");
            }
            match self.bytes.get(self.at) {
                Some(b'{') => {
                    self.enter(Kind::Object)?;
                    if self.bytes.get(self.at) != Some(&b'}') {
                        self.key()?;
                        continue 'value;
                    }
                }
                Some(b'[') => {
                    self.enter(Kind::Array)?;
                    if self.bytes.get(self.at) != Some(&b']') {
                        continue 'value;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true", Kind::Bool)?,
                Some(b'f') => self.word(b"false", Kind::Bool)?,
                Some(b'n') => self.word(b"null", Kind::Null)?,
                _ => return self.fail("a value"),
            }
            // A value has ended: close what ends with it, or go on to the next one.
            loop {
                self.skip_space();
                let Some(&parent) = self.tape.open.last() else {
                    return if self.at == self.bytes.len() { Ok(()) } else { self.fail("the end") };
                };
                let object = self.tape.nodes[parent as usize].kind == Kind::Object;
                match (self.bytes.get(self.at), object) {
                    (Some(b','), _) => {
                        self.at += 1;
                        self.skip_space();
                        if object {
                            self.key()?;
                        }
                        continue 'value;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.at += 1;
                        let next = self.tape.nodes.len() as u32;
                        let node = &mut self.tape.nodes[parent as usize];
                        node.end = self.at as u32;
                        node.next = next;
                        self.tape.open.pop();
                    }
                    (_, true) => return self.fail("`,` or `}`"),
                    (_, false) => return self.fail("`,` or `]`"),
                }
            }
        }
    }

    fn fail(&self, expected: &'static str) -> Result<(), SyntaxError> {
        Err(SyntaxError { offset: self.at, expected })
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn push(&mut self, start: usize, kind: Kind) {
        let next = self.tape.nodes.len() as u32 + 1;
        self.tape.nodes.push(Node { start: start as u32, end: self.at as u32, next, kind });
    }

    fn enter(&mut self, kind: Kind) -> Result<(), SyntaxError> {
        if self.tape.open.len() >= MAX_DEPTH {
            return self.fail("less nesting");
        }
        self.tape.open.push(self.tape.nodes.len() as u32);
        self.push(self.at, kind);
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn key(&mut self) -> Result<(), SyntaxError> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return self.fail("a member name");
        }
        self.string()?;
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b':') {
            return self.fail("`:`");
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn string(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.at += 1;
        // Where the first half of a surrogate pair stands that has no second half yet.
        let mut high: Option<usize> = None;
        loop {
            self.at += plain_prefix(&self.bytes[self.at..]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.tape.halves.extend(high.map(|at| at as u32));
                    self.at += 1;
                    self.push(start, Kind::String);
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.bytes.get(self.at) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                            self.at += 1;
                        }
                        Some(b'u') => {
                            let digits = self.bytes.get(self.at + 1..self.at + 5);
                            if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                                return self.fail("four hexadecimal digits");
                            }
                            let at = self.at - 1;
                            self.at += 5;
                            match (surrogate(&self.bytes[at..self.at]), high.take()) {
                                (None, before) => high = before,
                                (Some(Half::Second), Some(first)) if first + 6 == at => {}
                                (Some(half), before) => {
                                    self.tape.halves.extend(before.map(|at| at as u32));
                                    match half {
                                        Half::First => high = Some(at),
                                        Half::Second => self.tape.halves.push(at as u32),
                                    }
                                }
                            }
                        }
                        _ => return self.fail("an escape"),
                    }
                }
                Some(_) => return self.fail("no control character"),
                None => return self.fail("the end of the string"),
            }
        }
    }

    fn number(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.fail("a digit"),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(start, Kind::Number);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == from { self.fail("a digit") } else { Ok(()) }
    }

    fn word(&mut self, word: &'static [u8], kind: Kind) -> Result<(), SyntaxError> {
        if !self.bytes[self.at..].starts_with(word) {
            return self.fail("a value");
        }
        let start = self.at;
        self.at += word.len();
        self.push(start, kind);
        Ok(())
    }
}

/// Half of a surrogate pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    First,
    Second,
}

/// Which half of a surrogate pair the `\\uXXXX` at the start of `escape` is, if it is one.
pub(crate) fn surrogate(escape: &[u8]) -> Option<Half> {
    match escape {
        [b'\\', b'u', b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..] => {
            Some(Half::First)
        }
        [b'\\', b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..] => Some(Half::Second),
        _ => None,
    }
}

/// Length of the prefix without quotes, backslashes and control characters; eight bytes a step,
/// since most of a request is string content.
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().expect("the slice has eight bytes"));
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        // The lowest marked byte of each term is exact; borrows can only mark higher ones falsely.
        let marks = ((quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word))
            & HIGH;
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + bytes[at..]
        .iter()
        .position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\')
        .unwrap_or(bytes.len() - at)
}

/// One value of a document: a position on the tape.
#[derive(Clone, Copy, Debug)]
pub struct Value<'t, 'a> {
    nodes: &'t [Node],
    text: &'a str,
    index: u32,
}

impl<'t, 'a> Value<'t, 'a> {
    fn node(self) -> Node {
        self.nodes[self.index as usize]
    }

    /// What the value is.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The value as it stands in the text.
    pub fn raw(self) -> &'a str {
        let node = self.node();
        &self.text[node.start as usize..node.end as usize]
    }

    /// Whether the value is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value unless it is `null`.
    pub fn non_null(self) -> Option<Self> {
        (!self.is_null()).then_some(self)
    }

    /// The content of a string.
    pub fn as_str(self) -> Option<Escaped<'a>> {
        let node = self.node();
        (node.kind == Kind::String).then(|| {
            Escaped(Cow::Borrowed(&self.text[node.start as usize + 1..node.end as usize - 1]))
        })
    }

    /// The value of `true` or `false`.
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// A whole number that is not negative; `1.0` and `1e3` count as whole.
    pub fn as_u64(self) -> Option<u64> {
        if self.kind() != Kind::Number {
            return None;
        }
        let raw = self.raw();
        raw.parse().ok().or_else(|| {
            let number: f64 = raw.parse().ok()?;
            (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
        })
    }

    /// The last member called `name`, as most readers of JSON take it.
    pub fn get(self, name: &str) -> Option<Value<'t, 'a>> {
        let node = self.node();
        if node.kind != Kind::Object {
            return None;
        }
        let (mut at, mut found) = (self.index + 1, None);
        while at < node.next {
            let key = self.nodes[at as usize];
            if is(&self.text[key.start as usize + 1..key.end as usize - 1], name) {
                found = Some(at + 1);
            }
            at = self.nodes[at as usize + 1].next;
        }
        found.map(|index| Value { index, ..self })
    }

    /// The members of an object in their order; nothing for other kinds.
    pub fn members(self) -> Members<'t, 'a> {
        let object = self.kind() == Kind::Object;
        Members(self.children(object))
    }

    /// The elements of an array in their order; nothing for other kinds.
    pub fn elements(self) -> Elements<'t, 'a> {
        let array = self.kind() == Kind::Array;
        self.children(array)
    }

    fn children(self, any: bool) -> Elements<'t, 'a> {
        let end = if any { self.node().next } else { self.index + 1 };
        Elements { nodes: self.nodes, text: self.text, index: self.index + 1, end }
    }
}

/// The elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'t, 'a> {
    nodes: &'t [Node],
    text: &'a str,
    index: u32,
    end: u32,
}

impl<'t, 'a> Iterator for Elements<'t, 'a> {
    type Item = Value<'t, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.end {
            return None;
        }
        let value = Value { nodes: self.nodes, text: self.text, index: self.index };
        self.index = value.node().next;
        Some(value)
    }
}

/// The members of an object.
#[derive(Clone, Debug)]
pub struct Members<'t, 'a>(Elements<'t, 'a>);

impl<'t, 'a> Iterator for Members<'t, 'a> {
    type Item = (Escaped<'a>, Value<'t, 'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.next()?.as_str()?;
        Some((key, self.0.next()?))
    }
}

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
fn is(escaped: &str, plain: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts(text: &str) -> bool {
        Tape::default().read(text).is_ok()
    }

    #[test]
    fn members_keep_order_number_text_and_duplicates() {
        let mut tape = Tape::default();
        let doc = tape.read(r#" {"b": 1.50e+2, "a":[1,{"x":null}], "b":"\u0041"} "#).unwrap();
        let seen: Vec<_> =
            doc.members().map(|(key, value)| (key.text().into_owned(), value.raw())).collect();
        let expected = [("b", "1.50e+2"), ("a", r#"[1,{"x":null}]"#), ("b", r#""\u0041""#)]
            .map(|(k, v)| (k.to_owned(), v));
        assert_eq!(seen, expected);
        assert_eq!(doc.get("b").unwrap().as_str().unwrap().text(), "A");
    }

    #[test]
    fn depth_and_broken_texts_are_refused() {
        let deep = "[".repeat(10_000);
        assert_eq!(Tape::default().read(&deep).unwrap_err().expected, "less nesting");
        for text in [
            "", "{", "[1,]", "{\"a\":}", "{a:1}", "01", "1.", "-", "\"\\x\"", "\"\n\"", "tru",
            "1 2", "[}", "{]",
        ] {
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn a_key_with_escapes_is_still_found() {
        let mut tape = Tape::default();
        let doc = tape.read(r#"{"mod\u0065l":"x"}"#).unwrap();
        assert!(doc.get("model").is_some());
    }

    #[test]
    fn lone_surrogates_become_the_replacement_character() {
        assert_eq!(Escaped::trusted(r"a\ud83db\ude00").text(), "a\u{fffd}b\u{fffd}");
        assert_eq!(Escaped::trusted(r"\ud83d\ude00").text(), "😀");
    }

    #[test]
    fn a_document_loses_lone_surrogates_and_keeps_pairs() {
        for (text, mended) in [
            (r#"["\ud83d\ude00"]"#, r#"["\ud83d\ude00"]"#),
            (r#"["a\ud83d","\ude00b"]"#, r#"["a\ufffd","\ufffdb"]"#),
            (r#"["\uD83D\ud83d\ude00\ude00"]"#, r#"["\ufffd\ud83d\ude00\ufffd"]"#),
            (r#"["\ud83d x \ude00 \u0041"]"#, r#"["\ufffd x \ufffd \u0041"]"#),
            (r#"["\\ud83d"]"#, r#"["\\ud83d"]"#),
        ] {
            assert_eq!(Document::parse(text.to_owned()).unwrap().text(), mended);
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_what_is_json(text in r#"[\[\]{}",:0-9eE+\-. truefalsn\\]{0,24}"#) {
            // serde_json refuses numbers beyond f64; those are not drawn here.
            prop_assert_eq!(accepts(&text), serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok());
        }

        #[test]
        fn escaping_round_trips(text in any::<String>()) {
            let escaped = Escaped::plain(&text);
            prop_assert_eq!(escaped.text(), text.as_str());
            let mut quoted = String::new();
            quote_into(&text, &mut quoted);
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            let _ = Tape::default().read(&text);
            let _ = Escaped::trusted(text).text();
        }
    }
}
