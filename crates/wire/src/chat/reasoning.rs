//! What the model thought, as clients bring it back in an assistant message. Chat Completions has no
//! member for it, so each server chose one; `reasoning_details` is OpenRouter's, in which quire
//! hands out what must come back unread. Models think between their calls too, and some servers
//! refuse thoughts in another order, so a detail tells in its `id` what stood before it: a Chat
//! message has one text and one list of calls, and no order between them and the thoughts.

use super::parse::Reader;
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::string;
use crate::note::Code;
use crate::turn::Item;
use std::fmt::Arguments;

/// Where a thought stands in its message: before everything else, behind the text, or behind one of
/// the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(usize);

const AFTER_TEXT: &str = "after-text";
const AFTER_CALL: &str = "after-call-";

impl Place {
    pub(super) const FIRST: Self = Self(0);
    pub(super) const TEXT: Self = Self(1);

    /// Behind the last of so many calls.
    pub(super) const fn call(number: usize) -> Self {
        Self(number.saturating_add(1))
    }

    /// Behind what was there before.
    pub(super) const fn after(text: bool, calls: usize) -> Self {
        match (text, calls) {
            (false, 0) => Self::FIRST,
            (true, 0) => Self::TEXT,
            (_, calls) => Self::call(calls),
        }
    }

    /// Adds the member that tells it; most thoughts come first and need none.
    pub(super) fn write(self, detail: &mut String) {
        match self.0 {
            0 => {}
            1 => {
                for piece in [",\"id\":\"", AFTER_TEXT, "\""] {
                    detail.push_str(piece);
                }
            }
            next => {
                for piece in [",\"id\":\"", AFTER_CALL] {
                    detail.push_str(piece);
                }
                detail.push_str(itoa::Buffer::new().format(next - 1));
                detail.push('"');
            }
        }
    }

    fn read(id: &str) -> Self {
        match id.strip_prefix(AFTER_CALL).and_then(|number| number.parse().ok()) {
            Some(number) => Self::call(number),
            None if id == AFTER_TEXT => Self::TEXT,
            None => Self::FIRST,
        }
    }
}

/// Reads what the message says of reasoning: thoughts in the order of their places.
pub(super) fn read<'a>(
    reader: &mut Reader<'_, 'a>,
    message: Value<'_, 'a>,
    param: &Arguments<'_>,
) -> Result<Vec<(Place, Item<'a>)>, Fault> {
    let mut text = Vec::new();
    // Clients that send several of them mean the same by each.
    for name in ["reasoning_content", "reasoning", "reasoning_text"] {
        if let Some(value) = message.get(name).and_then(Value::non_null) {
            let said = string(value, format_args!("{param}.{name}"))?;
            if text.is_empty() && !said.is_empty() {
                text.push(said);
            }
        }
    }
    let mut details = Details::default();
    if let Some(value) = message.get("reasoning_details").and_then(Value::non_null) {
        details.read(reader, value, param)?;
    }
    if text.is_empty() {
        text = details.text;
    }
    // A summary is only better than nothing.
    let summary = if text.is_empty() { details.summary } else { Vec::new() };
    let mut sealed = details.sealed.into_iter();
    let (place, first) = match sealed.next() {
        Some((place, sealed)) => (place, Some(sealed)),
        None => (Place::FIRST, None),
    };
    let mut thoughts = Vec::new();
    if first.is_some() || !text.is_empty() || !summary.is_empty() {
        thoughts.push((place, Item::Reasoning { sealed: first, text, summary }));
    }
    thoughts.extend(sealed.map(|(place, sealed)| {
        let (text, summary) = (Vec::new(), Vec::new());
        (place, Item::Reasoning { sealed: Some(sealed), text, summary })
    }));
    thoughts.sort_by_key(|(place, _)| *place);
    Ok(thoughts)
}

/// What `reasoning_details` holds.
#[derive(Default)]
struct Details<'a> {
    sealed: Vec<(Place, Escaped<'a>)>,
    text: Vec<Escaped<'a>>,
    summary: Vec<Escaped<'a>>,
}

impl<'a> Details<'a> {
    fn read(
        &mut self,
        reader: &mut Reader<'_, 'a>,
        value: Value<'_, 'a>,
        param: &Arguments<'_>,
    ) -> Result<(), Fault> {
        match value.kind() {
            Kind::Array => {}
            // OpenCode puts the text itself into whatever member its record of a model names.
            Kind::String => {
                self.text.extend(value.as_str().filter(|text| !text.is_empty()));
                return Ok(());
            }
            other => {
                let param = format!("{param}.reasoning_details");
                return Err(Fault::wrong_type(&param, "an array", other));
            }
        }
        for entry in value.elements() {
            let kind = entry.get("type").and_then(Value::as_str).unwrap_or_default();
            let member = |name: &str| {
                let text = entry.get(name).and_then(Value::as_str);
                text.filter(|text| !text.is_empty())
            };
            match kind.text().as_ref() {
                "reasoning.encrypted" => {
                    let place = member("id").map_or(Place::FIRST, |id| Place::read(&id.text()));
                    self.sealed.extend(member("data").map(|data| (place, data)));
                }
                "reasoning.text" => {
                    self.text.extend(member("text"));
                    if member("signature").is_some() {
                        let place = "messages[].reasoning_details[].signature";
                        reader.notes.add(Code::ReasoningForeign, place);
                    }
                }
                "reasoning.summary" => self.summary.extend(member("summary")),
                other => {
                    let place = format!("messages[].reasoning_details[].{other}");
                    reader.notes.add(Code::UnknownPart, place);
                }
            }
        }
        Ok(())
    }
}
