//! Messages and their content blocks as items of the conversation. What only Anthropic's servers
//! ran is read in [`super::hosted`].

use super::fates::TABLE;
use super::parse::Reader;
use super::place::{Place, object, optional, required, text};
use super::sources::{document, image};
use super::{hosted, ids, tools};
use crate::fates::{Fate, Section};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{boolean, expect, string};
use crate::note::Code;
use crate::turn::{Call, Item, Part, Payload, Role, ToolName};

/// How the model learns which tools a search found. They are offered from then on.
const FOUND: &str = "These tools can be called now: ";

/// Reads every message of the array `list`.
pub(super) fn read_all<'a>(
    reader: &mut Reader<'_, 'a>,
    list: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    expect(list, Kind::Array, place)?;
    reader.turn.items.reserve(list.elements().count());
    let role = |message: Value<'_, 'a>| optional(message, "role").unwrap_or_default();
    let is_user = |message| role(message).is("user");
    let last_user = list.elements().enumerate().filter(|&(_, message)| is_user(message)).last();
    let last_user = last_user.map_or(0, |(index, _)| index);
    for (index, message) in list.elements().enumerate() {
        read(reader, message, index < last_user, &place.element(index))?;
    }
    let ends_with = list.elements().last().map(role).unwrap_or_default();
    if ends_with.is("assistant") {
        reader.notes.add(Code::Prefill, "messages[]");
    }
    Ok(())
}

/// Reads one message. `answered` says that the user spoke again after it.
fn read<'a>(
    reader: &mut Reader<'_, 'a>,
    message: Value<'_, 'a>,
    answered: bool,
    place: &Place<'_>,
) -> Result<(), Fault> {
    object(message, place)?;
    let name = text(message, "role", place)?;
    let role = match name.text().as_ref() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => {
            let text =
                format!("`{other}` is not a role; known are `user`, `assistant` and `system`");
            return Err(Fault::bad_request(place.member("role").to_string(), text));
        }
    };
    let mut is_over = false;
    let mut has_settings = false;
    for (key, member) in message.members() {
        match key.text().as_ref() {
            "role" | "content" => {}
            _ if member.is_null() => {}
            "output_config" if role == Role::System => {
                has_settings = true;
                reader.output_config(member, "system", &place.member("output_config"))?;
            }
            "clear_at" if role == Role::System => {
                let when = string(member, place.member("clear_at"))?;
                is_over = answered && when.is("next_user_message");
            }
            other => reader.leftover(Section::Role, &name.text(), other)?,
        }
    }
    let content = match message.get("content").and_then(Value::non_null) {
        None if has_settings => return Ok(()),
        _ if is_over => return Ok(()),
        content => content.ok_or_else(|| place.member("content").missing())?,
    };
    self::content(reader, role, content, &place.member("content"))
}

/// Reads the content of a message.
pub(super) fn content<'a>(
    reader: &mut Reader<'_, 'a>,
    role: Role,
    content: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    match content.kind() {
        Kind::String => {
            let parts = vec![Part::Text(content.as_str().unwrap_or_default())];
            reader.turn.items.push(Item::Message { role, parts });
            Ok(())
        }
        Kind::Array => {
            let mut open = Open { role, parts: Vec::new() };
            for (index, block) in content.elements().enumerate() {
                self::block(reader, &mut open, block, &place.element(index))?;
            }
            open.flush(reader);
            Ok(())
        }
        other => {
            let expected = "a string or a list of blocks";
            Err(Fault::wrong_type(&place.to_string(), expected, other))
        }
    }
}

/// The parts of a message that nothing has interrupted yet.
struct Open<'a> {
    role: Role,
    parts: Vec<Part<'a>>,
}

impl<'a> Open<'a> {
    fn flush(&mut self, reader: &mut Reader<'_, 'a>) {
        if !self.parts.is_empty() {
            let parts = std::mem::take(&mut self.parts);
            reader.turn.items.push(Item::Message { role: self.role, parts });
        }
    }

    fn push(&mut self, reader: &mut Reader<'_, 'a>, item: Item<'a>) {
        self.flush(reader);
        reader.turn.items.push(item);
    }
}

fn block<'a>(
    reader: &mut Reader<'_, 'a>,
    open: &mut Open<'a>,
    block: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    object(block, place)?;
    let kind = text(block, "type", place)?;
    let kind = kind.text();
    match kind.as_ref() {
        "thinking" => {
            let said = text(block, "thinking", place)?;
            let sealed = optional(block, "signature").filter(|signature| !signature.is_empty());
            reader.rest(block, &kind, &["thinking", "signature"])?;
            let text = if said.is_empty() { Vec::new() } else { vec![said] };
            open.push(reader, Item::Reasoning { sealed, text, summary: Vec::new() });
        }
        "redacted_thinking" => {
            let sealed = Some(text(block, "data", place)?);
            reader.rest(block, &kind, &["data"])?;
            let (text, summary) = (Vec::new(), Vec::new());
            open.push(reader, Item::Reasoning { sealed, text, summary });
        }
        "tool_use" => {
            let call = call(block, None, place)?;
            reader.rest(block, &kind, &["id", "name", "input"])?;
            open.push(reader, Item::Call(call));
        }
        "tool_result" => {
            let result = result(reader, block, place)?;
            open.push(reader, result);
        }
        "server_tool_use" | "mcp_tool_use" => {
            reader.notes.add(Code::HostedCall, format!("messages[].content[].{kind}"));
            let server = optional(block, "server_name");
            let call = call(block, server, place)?;
            reader.rest(block, &kind, &["id", "name", "input", "server_name"])?;
            open.push(reader, Item::Call(call));
        }
        result if hosted::is_result(result) => {
            reader.notes.add(Code::HostedCall, format!("messages[].content[].{kind}"));
            let call_id = ids::meant(text(block, "tool_use_id", place)?);
            let parts = hosted::parts(reader, block, &kind, place)?;
            open.push(reader, Item::Result { call_id, parts });
        }
        "compaction" => compaction(reader, open, block, place)?,
        "tool_addition" | "tool_removal" => change_tools(reader, block, &kind, place)?,
        _ => part(reader, block, &kind, &mut open.parts, place)?,
    }
    Ok(())
}

fn call<'a>(
    block: Value<'_, 'a>,
    namespace: Option<Escaped<'a>>,
    place: &Place<'_>,
) -> Result<Call<'a>, Fault> {
    let input = required(block, "input", place)?;
    expect(input, Kind::Object, place.member("input"))?;
    Ok(Call {
        id: ids::meant(text(block, "id", place)?),
        name: ToolName { namespace, name: text(block, "name", place)? },
        payload: Payload::Object(input.raw()),
    })
}

fn result<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<Item<'a>, Fault> {
    let call_id = ids::meant(text(block, "tool_use_id", place)?);
    let mut parts = Vec::new();
    failure(reader, block, &mut parts, place)?;
    if let Some(content) = block.get("content").and_then(Value::non_null) {
        self::parts(reader, content, &mut parts, &place.member("content"))?;
    }
    reader.rest(block, "tool_result", &["tool_use_id", "content", "is_error"])?;
    Ok(Item::Result { call_id, parts })
}

/// Says in words that a result is that of a failure, if it is.
pub(super) fn failure<'a>(
    reader: &mut Reader<'_, 'a>,
    result: Value<'_, 'a>,
    parts: &mut Vec<Part<'a>>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    let flag = result.get("is_error").and_then(Value::non_null);
    if let Some(flag) = flag
        && boolean(flag, place.member("is_error"))?
    {
        reader.notes.add(Code::ErrorResult, "messages[].content[].is_error");
        parts.push(Part::Text(Escaped::plain("[the tool failed]")));
    }
    Ok(())
}

/// Reads a string or a list of blocks that stand inside of another block.
pub(super) fn parts<'a>(
    reader: &mut Reader<'_, 'a>,
    content: Value<'_, 'a>,
    parts: &mut Vec<Part<'a>>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    match content.kind() {
        Kind::String => parts.push(Part::Text(content.as_str().unwrap_or_default())),
        Kind::Array => {
            let mut found = Vec::new();
            for (index, block) in content.elements().enumerate() {
                let place = place.element(index);
                object(block, &place)?;
                let kind = text(block, "type", &place)?;
                match kind.text().as_ref() {
                    "tool_reference" => found.push(reference(reader, block, &place)?),
                    kind => part(reader, block, kind, parts, &place)?,
                }
            }
            if !found.is_empty() {
                parts.push(announced(&found));
            }
        }
        other => {
            let expected = "a string or a list of blocks";
            return Err(Fault::wrong_type(&place.to_string(), expected, other));
        }
    }
    Ok(())
}

/// The tool that a search found: it is offered from here on.
pub(super) fn reference<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<Escaped<'a>, Fault> {
    let name = text(block, "tool_name", place)?;
    reader.rest(block, "tool_reference", &["tool_name"])?;
    reader.offers.say(&name, true);
    Ok(name)
}

/// What the model is told about the tools that were found.
pub(super) fn announced<'a>(found: &[Escaped<'_>]) -> Part<'a> {
    let names: Vec<&str> = found.iter().map(Escaped::escaped).collect();
    Part::Text(Escaped::trusted(format!("{FOUND}{}", names.join(", "))))
}

/// Reads a block that is something said or shown.
pub(super) fn part<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    kind: &str,
    parts: &mut Vec<Part<'a>>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    match kind {
        "text" => {
            parts.push(Part::Text(text(block, "text", place)?));
            reader.rest(block, kind, &["text"])
        }
        "image" => image(reader, block, parts, place),
        "document" => document(reader, block, parts, place),
        "search_result" => {
            parts.push(Part::Text(text(block, "title", place)?));
            parts.push(Part::Text(text(block, "source", place)?));
            let content = required(block, "content", place)?;
            self::parts(reader, content, parts, &place.member("content"))?;
            reader.rest(block, kind, &["title", "source", "content"])
        }
        "tool_reference" => {
            let name = reference(reader, block, place)?;
            parts.push(announced(&[name]));
            Ok(())
        }
        "browser_state" => {
            let mut text = String::from("{");
            for name in ["tabs", "state_changes"] {
                if let Some(list) = block.get(name).and_then(Value::non_null) {
                    let comma = if text.len() > 1 { "," } else { "" };
                    text.push_str(&format!("{comma}\"{name}\":{}", list.raw()));
                }
            }
            text.push('}');
            parts.push(Part::Text(Escaped::plain(&text).into_owned()));
            reader.rest(block, kind, &["tabs", "state_changes"])
        }
        other => strange(reader, block, other, parts),
    }
}

/// A block that has no counterpart, or that nobody knows.
fn strange<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    kind: &str,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), Fault> {
    let marker = |code| Part::Other { kind: Escaped::plain(kind).into_owned(), code };
    let fate = TABLE.find(Section::Block, kind).map(|row| row.fate);
    match (fate, optional(block, "text")) {
        (Some(Fate::Ignored(code)), _) => {
            reader.notes.add(code, format!("messages[].content[].{kind}"));
        }
        (Some(Fate::Degraded(code)), _) => {
            parts.push(marker(code));
            reader.rest(block, kind, &["file_id"])?;
        }
        // Something new that says what it means in words is better than a marker.
        (_, Some(text)) => {
            reader.notes.add(Code::UnknownPart, format!("messages[].content[].{kind}"));
            parts.push(Part::Text(text));
        }
        (_, None) => parts.push(marker(Code::UnknownPart)),
    }
    Ok(())
}

/// A summary stands for everything before it: Anthropic's servers forget the rest, and so does
/// quire. Without content it is a compaction that failed, and says nothing.
fn compaction<'a>(
    reader: &mut Reader<'_, 'a>,
    open: &mut Open<'a>,
    block: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    if let Some(summary) = block.get("content").and_then(Value::non_null) {
        let summary = string(summary, place.member("content"))?;
        open.parts.clear();
        reader.turn.items.truncate(reader.leading);
        let parts = vec![Part::Text(summary)];
        reader.turn.items.push(Item::Message { role: Role::User, parts });
    }
    if let Some(changes) = block.get("tool_changes").and_then(Value::non_null) {
        let place = place.member("tool_changes");
        expect(changes, Kind::Array, place)?;
        for (index, change) in changes.elements().enumerate() {
            let place = place.element(index);
            object(change, &place)?;
            let kind = text(change, "type", &place)?;
            change_tools(reader, change, &kind.text(), &place)?;
        }
    }
    reader.rest(block, "compaction", &["content", "tool_changes"])
}

/// A tool comes or goes in the middle of the conversation.
fn change_tools<'a>(
    reader: &mut Reader<'_, 'a>,
    block: Value<'_, 'a>,
    kind: &str,
    place: &Place<'_>,
) -> Result<(), Fault> {
    let tool = required(block, "tool", place)?;
    let place = place.member("tool");
    object(tool, &place)?;
    let named = text(tool, "type", &place)?;
    match named.text().as_ref() {
        "tool_reference" => {
            let name = text(tool, "name", &place)?;
            reader.offers.say(&name, kind == "tool_addition");
        }
        "tool_definition" => {
            let definition = required(tool, "definition", &place)?;
            if let Some(name) = tools::declare(reader, definition, &place.member("definition"))? {
                reader.offers.say(&name, true);
            }
        }
        // Tools of a server that Anthropic was to ask.
        other => reader.notes.add(Code::ToolDropped, format!("messages[].content[].tool.{other}")),
    }
    reader.rest(block, kind, &["tool"])?;
    let read = ["type", "name", "server_name", "definition"];
    reader.rest(tool, &format!("{kind}.tool"), &read)
}
