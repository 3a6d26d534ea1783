//! JSON that arrives in pieces, inside JSON strings that arrive whole: the arguments of a tool
//! call in a stream. Nothing is parsed twice and nothing is held back longer than an escape takes.

use crate::json::{Half, surrogate};

/// The pieces of one text, where a surrogate pair may stand in two of them. Strict readers refuse an
/// event that holds half of a pair.
#[derive(Debug, Default)]
pub struct Halves {
    /// A first half, as it was escaped.
    held: String,
}

impl Halves {
    /// Whether something is held back.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What can go out now: with the half that was held back, without one at the end, and with
    /// U+FFFD for halves that belong to nothing.
    pub fn mend(&mut self, piece: &str) -> String {
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
            at += found;
            let half = surrogate(&text.as_bytes()[at..]);
            let length = if text.as_bytes().get(at + 1) == Some(&b'u') { 6 } else { 2 };
            let next = text.as_bytes().get(at + length..).unwrap_or_default();
            match half {
                Some(Half::First) if surrogate(next) == Some(Half::Second) => at += 12,
                Some(Half::First) if next.is_empty() => {
                    self.held = text.split_off(at);
                    return text;
                }
                Some(_) => {
                    text.replace_range(at..at + 6, REPLACEMENT);
                    at += 6;
                }
                None => at += length,
            }
        }
        text
    }

    /// Ends the text: what stands for a half whose other half never came.
    pub fn end(&mut self) -> Option<&'static str> {
        (!std::mem::take(&mut self.held).is_empty()).then_some(REPLACEMENT)
    }
}

/// U+FFFD, as long as the escape that it replaces.
const REPLACEMENT: &str = "\\ufffd";

/// The characters of a JSON text whose pieces arrive as escaped strings.
#[derive(Debug, Default)]
struct Pieces {
    /// A high surrogate whose other half is in a later escape or piece.
    high: Option<u32>,
}

impl Pieces {
    /// Hands each character of `escaped` to `sink`.
    fn each(&mut self, escaped: &str, mut sink: impl FnMut(char)) {
        let mut chars = escaped.chars();
        while let Some(c) = chars.next() {
            let plain = if c == '\\' {
                match chars.next() {
                    Some('u') => match self.unit(&mut chars) {
                        Some(plain) => plain,
                        None => continue,
                    },
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some('b') => '\u{8}',
                    Some('f') => '\u{c}',
                    Some(other) => other,
                    None => continue,
                }
            } else {
                c
            };
            if self.high.take().is_some() {
                sink(char::REPLACEMENT_CHARACTER);
            }
            sink(plain);
        }
    }

    fn unit(&mut self, chars: &mut std::str::Chars<'_>) -> Option<char> {
        let unit = chars.by_ref().take(4).fold(0, |n, c| n * 16 + c.to_digit(16).unwrap_or(0));
        match (self.high.take(), unit) {
            (Some(high), 0xDC00..0xE000) => {
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00))
            }
            (lost, 0xD800..0xDC00) => {
                self.high = Some(unit);
                lost.map(|_| char::REPLACEMENT_CHARACTER)
            }
            (_, unit) => Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
}

/// Whether the pieces so far are one whole JSON object or array.
#[derive(Debug, Default)]
pub struct Progress {
    depth: u32,
    in_string: bool,
    after_slash: bool,
    started: bool,
    /// Something followed the end, or preceded the start.
    stray: bool,
}

impl Progress {
    /// Takes one more piece.
    pub fn push(&mut self, escaped: &str) {
        let bytes = escaped.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            // The quote that ends a string, and the slash that hides it, are both escaped here.
            if self.in_string && !self.after_slash {
                let Some(plain) = memchr::memchr(b'\\', &bytes[at..]) else { return };
                at += plain;
            }
            if bytes[at] != b'\\' {
                self.take(byte);
                at += 1;
                continue;
            }
            let (plain, length) = match bytes.get(at + 1) {
                Some(b'n' | b't' | b'r') => (b' ', 2),
                Some(b'u') => {
                    let unit =
                        escaped.get(at + 2..at + 6).map(|digits| u8::from_str_radix(digits, 16));
                    // What is beyond one byte is no mark of JSON.
                    (unit.and_then(Result::ok).unwrap_or(b'x'), 6)
                }
                Some(&other) => (other, 2),
                None => (b'x', 1),
            };
            self.take(plain);
            at += length;
        }
    }

    fn take(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.after_slash => self.after_slash = false,
                b'\\' => self.after_slash = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        let outside = self.depth == 0;
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {}
            b'{' | b'[' if outside && self.started => self.stray = true,
            b'{' | b'[' => {
                self.depth += 1;
                self.started = true;
            }
            _ if outside => self.stray = true,
            b'}' | b']' => self.depth -= 1,
            b'"' => self.in_string = true,
            _ => {}
        }
    }

    /// Whether anything came.
    pub fn is_started(&self) -> bool {
        self.started || self.stray
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.started && self.depth == 0 && !self.in_string && !self.stray
    }
}

/// Reads the string `input` out of `{"input":"…"}` while it arrives, in the escaped form in which
/// it goes into the next JSON document.
#[derive(Debug, Default)]
pub struct InputReader {
    pieces: Pieces,
    state: State,
    key: String,
    /// Where the text of an escape gathers until it is whole.
    held: String,
    /// The whole text, escaped, for the case that no `input` comes.
    raw: String,
    /// What the first other string member said, and how many members there were.
    other: String,
    members: u32,
    depth: u32,
    found: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    /// The text is no object: all of it is the input.
    Bare,
    Key,
    KeySlash,
    BetweenKeyAndValue,
    Input,
    InputEscape,
    Other,
    OtherEscape,
    /// Inside a value that is no string.
    Skip,
    SkipString,
    SkipSlash,
    BetweenMembers,
    Done,
}

/// How the input was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// As asked, and whole.
    Whole,
    /// The text broke off.
    Broken,
    /// The model wrote it in another way.
    Unwrapped,
}

impl InputReader {
    /// Takes one more piece of the arguments and appends what it adds to the input.
    pub fn push(&mut self, escaped: &str, out: &mut String) {
        if !self.found {
            self.raw.push_str(escaped);
        }
        if self.state == State::Bare {
            out.push_str(escaped);
            return;
        }
        let mut rest = escaped;
        while !rest.is_empty() {
            // Inside of the input everything up to the next escape goes out as it is.
            if self.state == State::Input && self.held.is_empty() && self.pieces.high.is_none() {
                let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
                out.push_str(&rest[..plain]);
                rest = &rest[plain..];
            }
            let length = match rest.as_bytes() {
                [] => break,
                [b'\\', b'u', ..] => 6,
                [b'\\', ..] => 2,
                _ => rest.chars().next().map_or(1, char::len_utf8),
            };
            let (unit, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            let mut pieces = std::mem::take(&mut self.pieces);
            pieces.each(unit, |c| self.take(c, out));
            self.pieces = pieces;
            rest = after;
        }
        if self.state == State::Bare {
            out.push_str(&std::mem::take(&mut self.raw));
        }
    }

    /// Ends the arguments and appends what is still missing from the input.
    pub fn end(&mut self, out: &mut String) -> Found {
        match self.state {
            State::Done | State::BetweenMembers if self.found => return Found::Whole,
            State::Bare => return Found::Unwrapped,
            // Nothing at all is an empty input, and so is `{}`.
            State::Start => return Found::Unwrapped,
            _ if self.found => return Found::Broken,
            _ => {}
        }
        if self.state == State::Done && self.members == 1 {
            out.push_str(&self.other);
        } else if self.state == State::Done {
            // A block of a script begins with a brace as well.
            if self.members > 0 || self.raw.bytes().any(|byte| !b"{} \\ntr".contains(&byte)) {
                out.push_str(&self.raw);
            }
        } else {
            out.push_str(&self.raw);
            return Found::Broken;
        }
        Found::Unwrapped
    }

    fn take(&mut self, c: char, out: &mut String) {
        self.state = match self.state {
            State::Start => match c {
                ' ' | '\n' | '\r' | '\t' => State::Start,
                '{' => State::BetweenMembers,
                _ => State::Bare,
            },
            State::Bare | State::Done => self.state,
            State::BetweenMembers => match c {
                '"' => {
                    self.key.clear();
                    State::Key
                }
                '}' => State::Done,
                _ => State::BetweenMembers,
            },
            State::Key => match c {
                '\\' => State::KeySlash,
                '"' => State::BetweenKeyAndValue,
                _ => {
                    // Long names are not `input`; there is no need to keep them.
                    if self.key.len() < 16 {
                        self.key.push(c);
                    }
                    State::Key
                }
            },
            State::KeySlash => State::Key,
            State::BetweenKeyAndValue => self.value(c),
            State::Input => self.input(c, out),
            State::InputEscape => self.escape(c, State::Input, out),
            State::Other => match c {
                '"' => State::BetweenMembers,
                '\\' => {
                    self.held.push(c);
                    State::OtherEscape
                }
                _ => {
                    push_escaped(c, &mut self.other);
                    State::Other
                }
            },
            State::OtherEscape => {
                let mut other = std::mem::take(&mut self.other);
                let next = self.escape(c, State::Other, &mut other);
                self.other = other;
                next
            }
            State::Skip => match c {
                '"' => State::SkipString,
                '{' | '[' => {
                    self.depth += 1;
                    State::Skip
                }
                '}' if self.depth == 0 => State::Done,
                ',' if self.depth == 0 => State::BetweenMembers,
                '}' | ']' => {
                    self.depth = self.depth.saturating_sub(1);
                    State::Skip
                }
                _ => State::Skip,
            },
            State::SkipString => match c {
                '\\' => State::SkipSlash,
                '"' => State::Skip,
                _ => State::SkipString,
            },
            State::SkipSlash => State::SkipString,
        };
    }

    fn value(&mut self, c: char) -> State {
        match c {
            ' ' | '\n' | '\r' | '\t' | ':' => State::BetweenKeyAndValue,
            '"' if self.key == "input" && !self.found => {
                self.found = true;
                self.raw = String::new();
                State::Input
            }
            '"' if !self.found && self.members == 0 => {
                self.members += 1;
                State::Other
            }
            '"' => {
                self.members += 1;
                self.depth = 0;
                State::SkipString
            }
            _ => {
                self.members += 2;
                self.depth = u32::from(c == '{' || c == '[');
                State::Skip
            }
        }
    }

    fn input(&mut self, c: char, out: &mut String) -> State {
        match c {
            '"' => {
                self.release(out);
                State::BetweenMembers
            }
            '\\' => {
                self.held.push(c);
                State::InputEscape
            }
            _ => {
                self.release(out);
                push_escaped(c, out);
                State::Input
            }
        }
    }

    /// One more character of an escape; it goes out when it is whole, a surrogate pair as one.
    fn escape(&mut self, c: char, back: State, out: &mut String) -> State {
        self.held.push(c);
        let last = self.held.rfind('\\').unwrap_or(0);
        let escape = &self.held[last..];
        let unicode = escape.as_bytes().get(1) == Some(&b'u');
        if unicode && escape.len() < 6 && c.is_ascii() {
            return self.state;
        }
        let high = unicode
            && u32::from_str_radix(escape.get(2..6).unwrap_or(""), 16)
                .is_ok_and(|unit| (0xD800..0xDC00).contains(&unit));
        if !(high && last == 0) {
            self.release(out);
        }
        back
    }

    fn release(&mut self, out: &mut String) {
        if self.held.is_empty() {
            return;
        }
        if let [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'] =
            self.held.as_bytes()
        {
            out.push_str(&self.held);
            self.held.clear();
            return;
        }
        // What models write as an escape need not be one.
        let quoted = format!("\"{}\"", self.held);
        if crate::json::Tape::default().read(&quoted).is_ok() {
            let mut halves = Halves::default();
            out.push_str(&halves.mend(&self.held));
            out.push_str(halves.end().unwrap_or_default());
        } else {
            crate::json::escape_into(&self.held, out);
        }
        self.held.clear();
    }
}

fn push_escaped(c: char, out: &mut String) {
    let mut buffer = [0; 4];
    crate::json::escape_into(c.encode_utf8(&mut buffer), out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Escaped, quote_into};
    use proptest::prelude::*;

    /// Cuts `text` at the given places and escapes each piece as a server would.
    fn read(text: &str, cuts: &[usize]) -> (String, Found) {
        let mut reader = InputReader::default();
        let mut out = String::new();
        let chars: Vec<char> = text.chars().collect();
        let mut from = 0;
        for &cut in cuts.iter().chain([&chars.len()]) {
            let piece: String = chars[from..cut.max(from)].iter().collect();
            reader.push(Escaped::plain(&piece).escaped(), &mut out);
            from = cut.max(from);
        }
        let found = reader.end(&mut out);
        (Escaped::trusted(out).text().into_owned(), found)
    }

    #[test]
    fn inputs_are_found_however_the_model_wrote_them() {
        let cases = [
            (r#"{"input":"a\nb"}"#, "a\nb", Found::Whole),
            (
                r#" { "input" : "\ud83d\ude00\u00e9\"" , "x": [1,{"y":"}"}] } "#,
                "😀é\"",
                Found::Whole,
            ),
            (r#"{"x":{"input":"no"},"input":"yes"}"#, "yes", Found::Whole),
            (r#"{"patch":"p\tq"}"#, "p\tq", Found::Unwrapped),
            (r#"{"a":"1","b":"2"}"#, r#"{"a":"1","b":"2"}"#, Found::Unwrapped),
            ("*** Begin Patch\n", "*** Begin Patch\n", Found::Unwrapped),
            (" { }\n", "", Found::Unwrapped),
            ("{ run() }", "{ run() }", Found::Unwrapped),
            ("", "", Found::Unwrapped),
            (r#"{"input":"cut o"#, "cut o", Found::Broken),
            (r#"{"inp"#, r#"{"inp"#, Found::Broken),
            ("{\"input\":\"raw\nnewline\"}", "raw\nnewline", Found::Whole),
            (r#"{"input":"\ud83dx\ude00\ud83d"}"#, "\u{fffd}x\u{fffd}\u{fffd}", Found::Whole),
        ];
        for (text, input, found) in cases {
            assert_eq!(read(text, &[]), (input.to_owned(), found), "{text}");
            let singly: Vec<usize> = (0..text.chars().count()).collect();
            assert_eq!(read(text, &singly), (input.to_owned(), found), "{text} in pieces");
        }
    }

    #[test]
    fn a_surrogate_pair_split_over_two_pieces_is_one_character() {
        let mut reader = InputReader::default();
        let mut out = String::new();
        reader.push(r#"{\"input\":\"x\ud83d"#, &mut out);
        assert_eq!(out, "x");
        reader.push(r#"\ude00\"}"#, &mut out);
        assert_eq!((reader.end(&mut out), out.as_str()), (Found::Whole, "x😀"));
    }

    #[test]
    fn halves_of_a_pair_meet_and_lonely_ones_are_replaced() {
        let mut halves = Halves::default();
        let mended = [r"a\ud83d", r"\ude00b", r"\ude00\\ud83d\n", r"\ud83d", "x"]
            .map(|piece| halves.mend(piece));
        assert_eq!(mended, ["a", r"\ud83d\ude00b", r"\ufffd\\ud83d\n", "", r"\ufffdx"]);
        assert_eq!(halves.end(), None);
        assert_eq!((halves.mend(r"\ud83d").as_str(), halves.end()), ("", Some(r"\ufffd")));
    }

    #[test]
    fn progress_knows_when_an_object_is_whole() {
        let whole = |text: &str| {
            let mut progress = Progress::default();
            progress.push(Escaped::plain(text).escaped());
            progress.is_complete()
        };
        assert!(whole(r#" {"a":"}\"","b":[{}]} "#) && whole("[]"));
        assert!(
            !whole(r#"{"a":"}"#) && !whole("") && !whole("{}{") && !whole("x{}") && !whole("{}}")
        );
    }

    proptest! {
        #[test]
        fn any_input_comes_back_whatever_the_cuts(
            input in any::<String>(),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut text = String::from("{\"input\":");
            quote_into(&input, &mut text);
            text.push('}');
            let mut cuts: Vec<usize> =
                cuts.iter().map(|cut| cut.index(text.chars().count() + 1)).collect();
            cuts.sort_unstable();
            prop_assert_eq!(read(&text, &cuts), (input, Found::Whole));
            let mut progress = Progress::default();
            progress.push(Escaped::plain(&text).escaped());
            prop_assert!(progress.is_complete());
        }

        #[test]
        fn arbitrary_pieces_never_panic(pieces in proptest::collection::vec("[\\\\\"a-fu0-9{}\\[\\]:, é]{0,8}", 0..8)) {
            let (mut reader, mut progress, mut out) = (InputReader::default(), Progress::default(), String::new());
            for piece in &pieces {
                reader.push(piece, &mut out);
                progress.push(piece);
            }
            reader.end(&mut out);
        }
    }
}
