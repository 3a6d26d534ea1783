//! The messages of a Chat Completions request, and the items that they are. An assistant message is
//! several: what the model thought, what it said, and each of its calls.

use super::foreign;
use super::parse::Reader;
use super::parts;
use super::reasoning::{self, Place};
use crate::fates::Section;
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{expect, string};
use crate::turn::{Call, Item, Part, Payload, Role, ToolName};
use std::fmt::Arguments;

/// What is read of an assistant message.
const ASSISTANT: [&str; 8] = [
    "content",
    "refusal",
    "tool_calls",
    "function_call",
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "reasoning_details",
];

/// Reads every message of the array `list`.
pub(super) fn read_all<'a>(reader: &mut Reader<'_, 'a>, list: Value<'_, 'a>) -> Result<(), Fault> {
    expect(list, Kind::Array, "messages")?;
    reader.turn.items.reserve(list.elements().count());
    let mut older = OlderCalls::default();
    for (index, message) in list.elements().enumerate() {
        read(reader, message, &mut older, &format_args!("messages[{index}]"))?;
    }
    if reader.turn.items.is_empty() {
        let text = "`messages` says nothing: there is nothing to answer";
        return Err(Fault::bad_request("messages", text));
    }
    Ok(())
}

/// Calls in the form before `tool_calls`, which have no ids: a result names the function.
#[derive(Debug, Default)]
struct OlderCalls<'a> {
    made: usize,
    /// The name and id of each call without a result.
    waiting: Vec<(Escaped<'a>, Escaped<'a>)>,
}

impl<'a> OlderCalls<'a> {
    fn fresh(&mut self) -> Escaped<'a> {
        self.made += 1;
        Escaped::trusted(format!("call_function_{}", self.made))
    }

    fn call(&mut self, name: Escaped<'a>) -> Escaped<'a> {
        let id = self.fresh();
        self.waiting.push((name, id.clone()));
        id
    }

    /// The id of the call that a result of this function answers.
    fn answered(&mut self, name: &Escaped<'a>) -> Escaped<'a> {
        match self.waiting.iter().position(|(waiting, _)| waiting == name) {
            Some(at) => self.waiting.remove(at).1,
            None => self.fresh(),
        }
    }
}

fn read<'a>(
    reader: &mut Reader<'_, 'a>,
    message: Value<'_, 'a>,
    older: &mut OlderCalls<'a>,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
    expect(message, Kind::Object, param)?;
    let role = required(message, "role", param)?;
    match role.text().as_ref() {
        "system" => say(reader, message, Role::System, "system", param),
        "developer" => say(reader, message, Role::Developer, "developer", param),
        "user" => say(reader, message, Role::User, "user", param),
        "assistant" => assistant(reader, message, older, param),
        "tool" => {
            let call_id = required(message, "tool_call_id", param)?;
            rest(reader, message, "tool", &["tool_call_id", "content"])?;
            result(reader, message, call_id, param)
        }
        "function" => {
            let name = required(message, "name", param)?;
            rest(reader, message, "function", &["name", "content"])?;
            result(reader, message, older.answered(&name), param)
        }
        other => {
            let text = format!(
                "`{other}` is not a role; known are `system`, `developer`, `user`, `assistant`, `tool` and `function`"
            );
            Err(Fault::bad_request(format!("{param}.role"), text))
        }
    }
}

fn say<'a>(
    reader: &mut Reader<'_, 'a>,
    message: Value<'_, 'a>,
    role: Role,
    name: &str,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
    let Some(content) = message.get("content").and_then(Value::non_null) else {
        let text = "`content` is missing: send a string or a list of parts";
        return Err(Fault::bad_request(format!("{param}.content"), text));
    };
    let parts = content_of(reader, content, role, param)?;
    rest(reader, message, name, &["content"])?;
    // A system message without text says nothing.
    let is_silent = parts.iter().all(|part| matches!(part, Part::Text(text) if text.is_empty()));
    if !(parts.is_empty() || is_silent && role != Role::User) {
        reader.turn.items.push(Item::Message { role, parts });
    }
    Ok(())
}

fn assistant<'a>(
    reader: &mut Reader<'_, 'a>,
    message: Value<'_, 'a>,
    older: &mut OlderCalls<'a>,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
    let mut thoughts = reasoning::read(reader, message, param)?.into_iter().peekable();
    // Each thought goes where the model had it.
    let mut think = |reader: &mut Reader<'_, 'a>, until: Option<Place>| {
        let stands = |(place, _): &(Place, _)| until.is_none_or(|until| *place <= until);
        while let Some((_, thought)) = thoughts.next_if(stands) {
            reader.turn.items.push(thought);
        }
    };
    think(reader, Some(Place::FIRST));
    let mut parts = match message.get("content").and_then(Value::non_null) {
        Some(content) => content_of(reader, content, Role::Assistant, param)?,
        None => Vec::new(),
    };
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    if let Some(refusal) = message.get("refusal").and_then(Value::non_null) {
        let text = string(refusal, format_args!("{param}.refusal"))?;
        if !text.is_empty() {
            parts.push(Part::Refusal(text));
        }
    }
    if !parts.is_empty() {
        reader.turn.items.push(Item::Message { role: Role::Assistant, parts });
    }
    think(reader, Some(Place::TEXT));
    if let Some(calls) = message.get("tool_calls").and_then(Value::non_null) {
        expect(calls, Kind::Array, format_args!("{param}.tool_calls"))?;
        for (index, call) in calls.elements().enumerate() {
            self::call(reader, call, &format_args!("{param}.tool_calls[{index}]"))?;
            think(reader, Some(Place::call(index + 1)));
        }
    }
    think(reader, None);
    if let Some(call) = message.get("function_call").and_then(Value::non_null) {
        let param = format_args!("{param}.function_call");
        expect(call, Kind::Object, param)?;
        let (name, payload) = function(call, &param)?;
        let id = older.call(name.clone());
        let name = ToolName { namespace: None, name };
        reader.turn.items.push(Item::Call(Call { id, name, payload }));
    }
    rest(reader, message, "assistant", &ASSISTANT)
}

/// Reads one call.
fn call<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
    expect(value, Kind::Object, param)?;
    let id = match value.get("id").and_then(Value::non_null) {
        Some(id) => string(id, format_args!("{param}.id"))?,
        None => return Err(missing("id", param)),
    };
    // A kind that is not known calls a function all the same, where it says which.
    let has = |kind: &str| value.get(kind).and_then(Value::non_null).is_some();
    let kind = if has("custom") && !has("function") { "custom" } else { "function" };
    let of = value.get(kind).and_then(Value::non_null).ok_or_else(|| missing(kind, param))?;
    let inner = format_args!("{param}.{kind}");
    expect(of, Kind::Object, inner)?;
    let (name, payload, known) = match kind {
        "custom" => {
            let input = required(of, "input", &inner)?;
            (required(of, "name", &inner)?, Payload::Input(input), ["name", "input"])
        }
        _ => {
            let (name, payload) = function(of, &inner)?;
            (name, payload, ["name", "arguments"])
        }
    };
    let name = ToolName { namespace: None, name };
    reader.turn.items.push(Item::Call(Call { id, name, payload }));
    let place = "messages[].tool_calls[]";
    for (key, member) in value.members() {
        let key = key.text();
        if !["id", "type", kind].contains(&key.as_ref()) && !member.is_null() {
            reader.leftover(Section::Role, "assistant.tool_calls", &key, place)?;
        }
    }
    for (key, member) in of.members() {
        let key = key.text();
        if !known.contains(&key.as_ref()) && !member.is_null() {
            let (of, place) = match kind {
                "custom" => ("assistant.tool_calls.custom", "messages[].tool_calls[].custom"),
                _ => ("assistant.tool_calls.function", "messages[].tool_calls[].function"),
            };
            reader.leftover(Section::Role, of, &key, place)?;
        }
    }
    Ok(())
}

/// The name and the arguments of a function's call. Some clients send the arguments as an object,
/// and some none.
fn function<'a>(
    value: Value<'_, 'a>,
    param: &Arguments<'_>,
) -> Result<(Escaped<'a>, Payload<'a>), Fault> {
    let name = required(value, "name", param)?;
    let payload = match value.get("arguments").and_then(Value::non_null) {
        Some(object) if object.kind() == Kind::Object => Payload::Object(object.raw()),
        Some(text) => Payload::Arguments(string(text, format_args!("{param}.arguments"))?),
        None => Payload::Arguments(Escaped::default()),
    };
    Ok((name, payload))
}

/// Reads the result of a call. One that is empty says that the tool said nothing.
fn result<'a>(
    reader: &mut Reader<'_, 'a>,
    message: Value<'_, 'a>,
    call_id: Escaped<'a>,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
    let parts = match message.get("content").and_then(Value::non_null) {
        Some(content) => parts::read_all(reader, content, "messages[].content[]", param)?,
        None => Vec::new(),
    };
    reader.turn.items.push(Item::Result { call_id, parts });
    Ok(())
}

/// The parts of a message. Blocks of the Messages dialect become items of their own, in order.
fn content_of<'a>(
    reader: &mut Reader<'_, 'a>,
    content: Value<'_, 'a>,
    role: Role,
    param: &Arguments<'_>,
) -> Result<Vec<Part<'a>>, Fault> {
    if content.kind() != Kind::Array {
        return parts::read_all(reader, content, "messages[].content[]", param);
    }
    let mut said = Vec::new();
    for (index, part) in content.elements().enumerate() {
        let param = format_args!("{param}.content[{index}]");
        match foreign::read(reader, part, &param)? {
            foreign::Read::Item(item) => {
                if !said.is_empty() {
                    let parts = std::mem::take(&mut said);
                    reader.turn.items.push(Item::Message { role, parts });
                }
                reader.turn.items.push(item);
            }
            foreign::Read::Nothing => {}
            foreign::Read::NotForeign => {
                said.push(parts::read(reader, part, "messages[].content[]", &param)?);
            }
        }
    }
    Ok(said)
}

pub(super) fn missing(name: &str, param: &Arguments<'_>) -> Fault {
    Fault::bad_request(format!("{param}.{name}"), format!("`{name}` is missing"))
}

/// A member that must be a string.
pub(super) fn required<'a>(
    value: Value<'_, 'a>,
    name: &str,
    param: &Arguments<'_>,
) -> Result<Escaped<'a>, Fault> {
    match value.get(name).and_then(Value::non_null) {
        Some(value) => string(value, format_args!("{param}.{name}")),
        None => Err(missing(name, param)),
    }
}

/// Notes the members of a message that nothing reads. SDKs send back what they got, with empty lists
/// for what there was none of.
fn rest(
    reader: &mut Reader<'_, '_>,
    message: Value<'_, '_>,
    role: &str,
    known: &[&str],
) -> Result<(), Fault> {
    let says = |member: Value<'_, '_>| match member.kind() {
        Kind::Null => false,
        Kind::Array => member.elements().next().is_some(),
        _ => true,
    };
    for (key, member) in message.members() {
        let key = key.text();
        if key != "role" && !known.contains(&key.as_ref()) && says(member) {
            reader.leftover(Section::Role, role, &key, "messages[]")?;
        }
    }
    Ok(())
}
