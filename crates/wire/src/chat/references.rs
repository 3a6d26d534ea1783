//! What the text of an answer refers to. Chat Completions has one text for all of an answer's, and its
//! citations say where in that they stand: in characters, counted while the text goes by.

use super::encode::{number, piece};
use crate::json::Escaped;
use crate::turn::{Citation, Source};

/// The citations of an answer, and what searches found.
#[derive(Debug, Default)]
pub(super) struct References {
    /// How many characters of text there are.
    characters: u64,
    cited: Vec<Cited>,
    found: Vec<Escaped<'static>>,
}

#[derive(Debug)]
struct Cited {
    url: Escaped<'static>,
    title: Option<Escaped<'static>>,
    from: u64,
    /// Unknown until the text of this part ends.
    to: Option<u64>,
    part: u32,
}

impl References {
    /// How many characters of text there are.
    pub(super) fn here(&self) -> u64 {
        self.characters
    }

    /// Counts a piece of text.
    pub(super) fn pass(&mut self, escaped: &str) {
        self.characters += characters(escaped);
    }

    /// Takes a citation of the text of `part`, which began at `from`.
    pub(super) fn cite(&mut self, part: u32, from: u64, citation: Citation<'_>) {
        let (from, to) = match citation.span {
            Some((start, end)) => (from.saturating_add(start), Some(from.saturating_add(end))),
            // The part as a whole refers to it.
            None => (from, None),
        };
        let url = citation.url.into_owned();
        let title = citation.title.map(Escaped::into_owned);
        self.cited.push(Cited { url, title, from, to, part });
    }

    /// Ends the citations that wait for the end of this text, or of any.
    pub(super) fn end(&mut self, part: Option<u32>) {
        for cited in &mut self.cited {
            if part.is_none_or(|part| part == cited.part) {
                cited.to.get_or_insert(self.characters);
            }
        }
    }

    /// Takes what a search found.
    pub(super) fn find(&mut self, sources: Vec<Source<'_>>) {
        self.found.extend(sources.into_iter().map(|source| source.url.into_owned()));
    }

    /// Whether something was found that the text does not refer to: it has no place.
    pub(super) fn found_in_vain(&self) -> bool {
        !self.found.iter().all(|url| self.cited.iter().any(|cited| cited.url == *url))
    }

    /// The citations as JSON, joined with commas.
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        for Cited { url, title, from, to, .. } in &self.cited {
            if !out.is_empty() {
                out.push(',');
            }
            number(
                "{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":",
                *from,
                &mut out,
            );
            number(",\"end_index\":", to.unwrap_or(self.characters), &mut out);
            let title = title.as_ref().map_or("", Escaped::escaped);
            piece([",\"url\":\"", url.escaped(), "\",\"title\":\"", title, "\"}}"], &mut out);
        }
        out
    }
}

/// How many characters an escaped text has. A surrogate pair is one.
fn characters(escaped: &str) -> u64 {
    let count = |text: &str| text.chars().count() as u64;
    let mut total = 0;
    let mut rest = escaped;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        total += count(&rest[..at]);
        let bytes = &rest.as_bytes()[at..];
        let second = matches!(bytes, [_, b'u', b'd' | b'D', b'c'..=b'f' | b'C'..=b'F', ..]);
        total += u64::from(!second);
        let length = if bytes.get(1) == Some(&b'u') { 6 } else { 2 };
        rest = rest.get(at + length..).unwrap_or_default();
    }
    total + count(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_surrogate_pair_is_one_character() {
        assert_eq!(characters(r"a\ud83d\ude00\n\u00e9\\é"), 6);
    }

    proptest! {
        #[test]
        fn characters_are_counted_as_they_are(text in any::<String>()) {
            let escaped = Escaped::plain(&text);
            prop_assert_eq!(characters(escaped.escaped()), text.chars().count() as u64);
        }
    }
}
