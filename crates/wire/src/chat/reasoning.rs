//! What the model thought, as clients bring it back in an assistant message. Chat Completions has no
//! member for it, so each server chose one; `reasoning_details` is OpenRouter's, in which quire
//! hands out what must come back unread.

use super::parse::Reader;
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::string;
use crate::note::Code;
use crate::turn::Item;
use std::fmt::Arguments;

/// Reads what the message says of reasoning.
pub(super) fn read<'a>(
    reader: &mut Reader<'_, 'a>,
    message: Value<'_, 'a>,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
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
    let first = sealed.next();
    let items = &mut reader.turn.items;
    if first.is_some() || !text.is_empty() || !summary.is_empty() {
        items.push(Item::Reasoning { sealed: first, text, summary });
    }
    items.extend(sealed.map(|sealed| {
        let (text, summary) = (Vec::new(), Vec::new());
        Item::Reasoning { sealed: Some(sealed), text, summary }
    }));
    Ok(())
}

/// What `reasoning_details` holds.
#[derive(Default)]
struct Details<'a> {
    sealed: Vec<Escaped<'a>>,
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
                "reasoning.encrypted" => self.sealed.extend(member("data")),
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
