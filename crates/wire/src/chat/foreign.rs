//! Blocks of the Messages dialect in Chat Completions requests. Cursor's agent sends them for models
//! whose names it takes for Anthropic's (github.com/automazeio/vibeproxy/issues/411), and so do
//! clients that go on with a conversation begun elsewhere. Only what a conversation needs is read.

use super::messages::required;
use super::parse::Reader;
use super::parts;
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::expect;
use crate::note::Code;
use crate::turn::{Call, Item, Part, Payload, ToolName};
use std::fmt::Arguments;

/// What a part is, for its message.
pub(super) enum Read<'a> {
    /// A part of this dialect.
    NotForeign,
    /// An item of its own.
    Item(Item<'a>),
    /// Nothing is left of it; a note tells.
    Nothing,
}

/// Reads a part of a message if it is a block.
pub(super) fn read<'a>(
    reader: &mut Reader<'_, 'a>,
    part: Value<'_, 'a>,
    param: &Arguments<'_>,
) -> Result<Read<'a>, Fault> {
    const PLACE: &str = "messages[].content[]";
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let kind = kind.text();
    match kind.as_ref() {
        "tool_use" => {
            let id = required(part, "id", param)?;
            let name = required(part, "name", param)?;
            let payload = match part.get("input").and_then(Value::non_null) {
                Some(input) => {
                    expect(input, Kind::Object, format_args!("{param}.input"))?;
                    Payload::Object(input.raw())
                }
                None => Payload::Arguments(Escaped::default()),
            };
            parts::rest(reader, part, "tool_use", &["type", "id", "name", "input"], PLACE)?;
            let name = ToolName { namespace: None, name };
            Ok(Read::Item(Item::Call(Call { id, name, payload })))
        }
        "tool_result" => {
            let call_id = required(part, "tool_use_id", param)?;
            let failed = part.get("is_error").and_then(Value::as_bool) == Some(true);
            let known = ["type", "tool_use_id", "content", if failed { "" } else { "is_error" }];
            parts::rest(reader, part, "tool_result", &known, PLACE)?;
            let parts = match part.get("content").and_then(Value::non_null) {
                Some(content) => parts::read_all(reader, content, PLACE, param)?,
                None => Vec::new(),
            };
            Ok(Read::Item(Item::Result { call_id, parts }))
        }
        "thinking" => {
            let text: Vec<Escaped<'a>> = match part.get("thinking").and_then(Value::non_null) {
                // Mistral's form.
                Some(list) if list.kind() == Kind::Array => {
                    list.elements().filter_map(|part| part.get("text")?.as_str()).collect()
                }
                Some(_) => vec![required(part, "thinking", param)?],
                None => Vec::new(),
            };
            parts::rest(reader, part, "thinking", &["type", "thinking"], PLACE)?;
            let is_empty = text.iter().all(Escaped::is_empty);
            let item = Item::Reasoning { sealed: None, text, summary: Vec::new() };
            Ok(if is_empty { Read::Nothing } else { Read::Item(item) })
        }
        "redacted_thinking" => {
            reader.notes.add(Code::ReasoningForeign, format!("{PLACE}.redacted_thinking"));
            Ok(Read::Nothing)
        }
        _ => Ok(Read::NotForeign),
    }
}

/// An image block.
pub(super) fn image<'a>(
    reader: &mut Reader<'_, 'a>,
    part: Value<'_, 'a>,
    place: &str,
    param: &Arguments<'_>,
) -> Result<Part<'a>, Fault> {
    let param = format_args!("{param}.source");
    let source = part.get("source").filter(|source| source.kind() == Kind::Object);
    let source = source.ok_or_else(|| {
        Fault::bad_request(param.to_string(), "an `image` block needs a `source` object")
    })?;
    parts::rest(reader, part, "image", &["type", "source"], place)?;
    let url = match source.get("url").and_then(Value::as_str) {
        Some(url) => url,
        None => {
            let kind = required(source, "media_type", &param)?;
            let data = required(source, "data", &param)?;
            let url = format!("data:{};base64,{}", kind.escaped(), data.escaped());
            Escaped::trusted(url)
        }
    };
    Ok(Part::Image { url, detail: None })
}
