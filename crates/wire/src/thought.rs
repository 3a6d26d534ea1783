//! Reasoning as it is sealed: what the model thought, and what its upstream wants back with it. A
//! client carries the sealed form from one turn to the next without reading it.

use crate::json::{Escaped, Tape, Value, quote_into};
use crate::turn::Opaque;

/// Begins a text that is more than the thought alone. No model begins a thought with it.
const MARK: char = '\u{1}';

/// One piece of reasoning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thought {
    /// Plain text; empty where only the upstream can read it.
    pub text: String,
    pub opaque: Option<Opaque<'static>>,
}

impl Thought {
    /// The form that is sealed. A thought without anything opaque is its own text.
    pub fn pack(&self) -> String {
        let (name, data) = match &self.opaque {
            None => return self.text.clone(),
            Some(Opaque::Signature(data)) => ("signature", data),
            Some(Opaque::Redacted(data)) => ("redacted", data),
            Some(Opaque::Encrypted(data)) => ("encrypted", data),
        };
        let mut packed = String::with_capacity(self.text.len() + data.escaped().len() + 40);
        packed.push(MARK);
        packed.push_str("{\"text\":");
        quote_into(&self.text, &mut packed);
        packed.push_str(",\"");
        packed.push_str(name);
        packed.push_str("\":\"");
        packed.push_str(data.escaped());
        packed.push_str("\"}");
        packed
    }

    /// Reads what [`Thought::pack`] made.
    pub fn unpack(packed: &str) -> Self {
        let mut tape = Tape::default();
        let (text, opaque) = Self::read(packed, &mut tape);
        Self { text: text.text().into_owned(), opaque: opaque.map(Opaque::into_owned) }
    }

    /// The same without a copy: the text and what is opaque, as they go into another document.
    pub(crate) fn read<'p>(packed: &'p str, tape: &mut Tape) -> (Escaped<'p>, Option<Opaque<'p>>) {
        let read = packed.strip_prefix(MARK).and_then(|json| tape.read(json).ok());
        let Some(read) = read else { return (Escaped::plain(packed), None) };
        let member = |name: &str| read.get(name).and_then(Value::as_str);
        let opaque = member("signature")
            .map(Opaque::Signature)
            .or_else(|| member("redacted").map(Opaque::Redacted))
            .or_else(|| member("encrypted").map(Opaque::Encrypted));
        (member("text").unwrap_or_default(), opaque)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(text in "[^\u{1}].*|", data in any::<String>(), kind in 0..4) {
            let data = Escaped::plain(&data).into_owned();
            let opaque = match kind {
                0 => None,
                1 => Some(Opaque::Signature(data)),
                2 => Some(Opaque::Redacted(data)),
                _ => Some(Opaque::Encrypted(data)),
            };
            let thought = Thought { text, opaque };
            prop_assert_eq!(Thought::unpack(&thought.pack()), thought);
        }

        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let _ = Thought::unpack(&text);
        }
    }
}
