//! The one pass over a text that checks it and fills its tape (RFC 8259).

use super::marks::Marks;
use super::{Kind, MAX_DEPTH, MAX_NODES, Node, SyntaxError, Tape};

/// The reading of one text.
pub(super) struct Scanner<'t, 'a> {
    bytes: &'a [u8],
    at: usize,
    marks: Marks,
    tape: &'t mut Tape,
}

impl<'t, 'a> Scanner<'t, 'a> {
    pub(super) fn new(bytes: &'a [u8], tape: &'t mut Tape) -> Self {
        Self { bytes, at: 0, marks: Marks::default(), tape }
    }

    /// Reads the whole text.
    pub(super) fn document(&mut self) -> Result<(), SyntaxError> {
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
            self.at = self.marks.next(self.bytes, self.at);
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
