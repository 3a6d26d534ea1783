//! JSON as spans over the text it was read from.
//!
//! A gateway mostly *moves* JSON: instructions, arguments, schemas and deltas leave as they came.
//! So a [`Tape`] checks a document once and remembers where each value begins and ends, and a
//! string is an [`Escaped`] span that is copied without being unescaped and escaped again. Number
//! text, member order and duplicate members survive. Nothing here builds a tree.

mod escaped;
mod marks;
mod scan;

pub use escaped::{Escaped, escape_into, quote_into};
pub(crate) use scan::{Half, surrogate};

use escaped::is;
use scan::Scanner;

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
        Scanner::new(text.as_bytes(), self).document()
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
    /// Checks and indexes `text`.
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
    pub fn parse_with(mut tape: Tape, text: String) -> Result<Self, SyntaxError> {
        tape.nodes.clear();
        // Requests of coding agents hold a value every 20 to 60 bytes.
        tape.nodes.reserve(text.len() / 32);
        tape.scan(&text)?;
        Ok(Self { text, tape })
    }

    /// Whether it holds half a surrogate pair.
    pub fn is_broken(&self) -> bool {
        !self.tape.halves.is_empty()
    }

    /// Makes U+FFFD of each half of a surrogate pair, since most upstreams refuse a body that holds
    /// one. The index stays right: both are six bytes long.
    pub fn mend(&mut self) {
        for at in std::mem::take(&mut self.tape.halves) {
            self.text.replace_range(at as usize..at as usize + 6, "\\ufffd");
        }
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
        (node.kind == Kind::String)
            .then(|| Escaped::trusted(&self.text[node.start as usize + 1..node.end as usize - 1]))
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
            let mut document = Document::parse(text.to_owned()).unwrap();
            assert_eq!(document.text(), text);
            document.mend();
            assert_eq!(document.text(), mended);
            assert_eq!(document.root().raw(), mended);
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
