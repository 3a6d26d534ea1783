//! Models that think inside `<think>…</think>` at the start of their text.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// What a piece of text turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Thought(&'a str),
    Said(&'a str),
}

/// Tells thought from speech while the text arrives. It holds back no more than a tag's length.
#[derive(Debug, Default)]
pub(super) struct ThinkTags {
    state: State,
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Thinking,
    /// Just after the closing tag: line breaks there belong to it.
    Between,
    Speaking,
}

impl ThinkTags {
    /// Takes more text.
    pub(super) fn push(&mut self, text: &str, sink: &mut impl FnMut(Piece<'_>)) {
        if self.state == State::Speaking {
            return sink(Piece::Said(text));
        }
        let mut all = std::mem::take(&mut self.held);
        all.push_str(text);
        let rest = self.work(&all, sink).to_owned();
        self.held = rest;
    }

    /// Ends the text: what is held back is not a tag.
    pub(super) fn end(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            _ if held.is_empty() => {}
            State::Thinking => sink(Piece::Thought(&held)),
            State::Start | State::Between | State::Speaking => sink(Piece::Said(&held)),
        }
    }

    /// Hands on what is clear and returns what is not.
    fn work<'t>(&mut self, text: &'t str, sink: &mut impl FnMut(Piece<'_>)) -> &'t str {
        let mut text = text;
        if self.state == State::Start {
            let trimmed = text.trim_start();
            if let Some(after) = trimmed.strip_prefix(OPEN) {
                self.state = State::Thinking;
                text = after;
            } else if OPEN.starts_with(trimmed) {
                return text;
            } else {
                self.state = State::Speaking;
            }
        }
        if self.state == State::Thinking {
            match text.find(CLOSE) {
                Some(at) => {
                    if at > 0 {
                        sink(Piece::Thought(&text[..at]));
                    }
                    text = &text[at + CLOSE.len()..];
                    self.state = State::Between;
                }
                None => {
                    let keep = held_back(text);
                    let (clear, rest) = text.split_at(text.len() - keep);
                    if !clear.is_empty() {
                        sink(Piece::Thought(clear));
                    }
                    return rest;
                }
            }
        }
        if self.state == State::Between {
            text = text.trim_start_matches(['\n', '\r']);
            if !text.is_empty() {
                self.state = State::Speaking;
            }
        }
        if !text.is_empty() {
            sink(Piece::Said(text));
        }
        ""
    }
}

/// How many bytes at the end of `text` may be the start of the closing tag.
fn held_back(text: &str) -> usize {
    (1..CLOSE.len()).rev().find(|&n| text.ends_with(&CLOSE[..n])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(parts: &[&str]) -> (String, String) {
        let (mut thought, mut said) = (String::new(), String::new());
        let mut sink = |piece: Piece<'_>| match piece {
            Piece::Thought(text) => thought.push_str(text),
            Piece::Said(text) => said.push_str(text),
        };
        let mut tags = ThinkTags::default();
        for part in parts {
            tags.push(part, &mut sink);
        }
        tags.end(&mut sink);
        (thought, said)
    }

    #[test]
    fn thought_is_told_from_speech() {
        for (text, thought, said) in [
            ("<think>a<b</think>\n\nc <think>", "a<b", "c <think>"),
            ("\n<think>a</thin", "a</thin", ""),
            ("no tags", "", "no tags"),
            ("<thi", "", "<thi"),
        ] {
            assert_eq!(read(&[text]), (thought.to_owned(), said.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn splitting_anywhere_changes_nothing(text in "( |\n)?(<think>)?[a<é/>]{0,8}(</think>)?(\n)?[a<k>]{0,6}") {
            let chars: Vec<String> = text.chars().map(String::from).collect();
            let singly: Vec<&str> = chars.iter().map(String::as_str).collect();
            prop_assert_eq!(read(&singly), read(&[&text]));
        }
    }
}
