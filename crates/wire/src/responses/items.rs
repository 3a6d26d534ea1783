//! Input items of a Responses request.

use super::fates::TABLE;
use super::parse::Reader;
use super::tools;
use crate::fates::{Fate, Section};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{expect, string};
use crate::note::Code;
use crate::turn::{Call, Item, Part, Payload, Role, ToolName};
use std::fmt;

/// The request that stands for `compaction_trigger`. The client asked for a summary; these words
/// are how any model is asked for one.
const COMPACTION_PROMPT: &str = "Summarize this conversation so that another model can continue \
the work from your summary alone. State the goal and the user's wishes and constraints, what has \
been done and decided, the files, commands, names and facts that matter, what is in progress, and \
what to do next. Keep exact paths, identifiers and error texts. Answer with the summary only.";

/// Reads every item of the array `list`.
pub(super) fn read_all<'a>(
    reader: &mut Reader<'_, 'a>,
    list: Value<'_, 'a>,
    param: &str,
) -> Result<(), Fault> {
    reader.turn.items.reserve(list.elements().count());
    for (index, item) in list.elements().enumerate() {
        read(reader, item, Place { list: param, index })?;
    }
    Ok(())
}

/// Where an item stands; written out only for a fault.
#[derive(Clone, Copy)]
struct Place<'p> {
    list: &'p str,
    index: usize,
}

impl<'p> Place<'p> {
    fn member(self, name: &'p str) -> Member<'p> {
        Member { place: self, name }
    }
}

/// A member of an item.
#[derive(Clone, Copy)]
struct Member<'p> {
    place: Place<'p>,
    name: &'p str,
}

impl fmt::Display for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}].{}", self.place.list, self.place.index, self.name)
    }
}

fn read<'a>(
    reader: &mut Reader<'_, 'a>,
    item: Value<'_, 'a>,
    place: Place<'_>,
) -> Result<(), Fault> {
    if item.kind() != Kind::Object {
        let param = format!("{}[{}]", place.list, place.index);
        return Err(Fault::wrong_type(&param, "an object", item.kind()));
    }
    let kind = match item.get("type").and_then(Value::non_null) {
        Some(kind) => string(kind, place.member("type"))?,
        // The short form `{role, content}`.
        None => Escaped::plain("message"),
    };
    let kind = kind.text();
    match kind.as_ref() {
        "message" => message(reader, item, place),
        "reasoning" => reasoning(reader, item, place),
        "function_call" | "custom_tool_call" | "tool_search_call" | "local_shell_call"
        | "shell_call" | "apply_patch_call" => call(reader, item, &kind, place),
        "function_call_output"
        | "custom_tool_call_output"
        | "tool_search_output"
        | "local_shell_call_output"
        | "shell_call_output"
        | "apply_patch_call_output" => result(reader, item, &kind, place),
        "additional_tools" => {
            rest(reader, item, "additional_tools", &["tools", "role"])?;
            match item.get("tools").and_then(Value::non_null) {
                Some(list) => tools::declare(reader, list, &place.member("tools")),
                None => Ok(()),
            }
        }
        "agent_message" => {
            let parts = content(reader, item, "agent_message", place)?;
            rest(reader, item, "agent_message", &["content"])?;
            push(reader, Item::Message { role: Role::User, parts })
        }
        "compaction" | "compaction_summary" | "context_compaction" => {
            let sealed = required(item, "encrypted_content", place)?;
            rest(reader, item, &kind, &["encrypted_content"])?;
            push(reader, Item::Compaction { sealed })
        }
        "compaction_trigger" => {
            rest(reader, item, "compaction_trigger", &[])?;
            reader.turn.settings.compact = true;
            let parts = vec![Part::Text(Escaped::plain(COMPACTION_PROMPT))];
            push(reader, Item::Message { role: Role::User, parts })
        }
        other => {
            match TABLE.find(Section::Item, other).map(|row| (row.fate, row.path)) {
                Some((Fate::Refused, path)) => return Err(TABLE.refusal(path)),
                Some((Fate::Ignored(code), _)) => {
                    reader.notes.add(code, format!("input[].{other}"));
                }
                _ => reader.notes.add(Code::UnknownItem, format!("input[].{other}")),
            }
            Ok(())
        }
    }
}

fn push<'a>(reader: &mut Reader<'_, 'a>, item: Item<'a>) -> Result<(), Fault> {
    reader.turn.items.push(item);
    Ok(())
}

fn required<'a>(item: Value<'_, 'a>, name: &str, place: Place<'_>) -> Result<Escaped<'a>, Fault> {
    match item.get(name) {
        Some(value) => string(value, place.member(name)),
        None => {
            Err(Fault::bad_request(place.member(name).to_string(), format!("`{name}` is missing")))
        }
    }
}

/// Notes the members of an item that nothing reads. Ids and states are on every item of every
/// history, so they do not go through the table.
fn rest(
    reader: &mut Reader<'_, '_>,
    item: Value<'_, '_>,
    kind: &str,
    known: &[&str],
) -> Result<(), Fault> {
    for (key, value) in item.members() {
        match key.text().as_ref() {
            "type" => {}
            key if known.contains(&key) || value.is_null() => {}
            "id" => reader.notes.add(Code::ItemMetadata, "input[].id"),
            "status" => reader.notes.add(Code::ItemMetadata, "input[].status"),
            "agent" | "caller" | "async" | "internal_chat_message_metadata_passthrough" => {
                reader.notes.add(Code::ItemMetadata, format!("input[].{}", key.text()));
            }
            key => reader.leftover(Section::Item, kind, key)?,
        }
    }
    Ok(())
}

fn message<'a>(
    reader: &mut Reader<'_, 'a>,
    item: Value<'_, 'a>,
    place: Place<'_>,
) -> Result<(), Fault> {
    let role = required(item, "role", place)?;
    let role = match role.text().as_ref() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "developer" => Role::Developer,
        "system" => Role::System,
        other => {
            let text = format!(
                "`{other}` is not a role; known are `user`, `assistant`, `developer` and `system`"
            );
            return Err(Fault::bad_request(place.member("role").to_string(), text));
        }
    };
    let parts = content(reader, item, "message", place)?;
    rest(reader, item, "message", &["role", "content"])?;
    push(reader, Item::Message { role, parts })
}

fn content<'a>(
    reader: &mut Reader<'_, 'a>,
    item: Value<'_, 'a>,
    kind: &str,
    place: Place<'_>,
) -> Result<Vec<Part<'a>>, Fault> {
    match item.get("content").and_then(Value::non_null) {
        None if kind == "message" => {
            Err(Fault::bad_request(place.member("content").to_string(), "`content` is missing"))
        }
        None => Ok(Vec::new()),
        Some(value) => parts(reader, value, "content", place),
    }
}

/// The parts of a message or of a tool's output: a string, or a list.
fn parts<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    member: &str,
    place: Place<'_>,
) -> Result<Vec<Part<'a>>, Fault> {
    match value.kind() {
        Kind::String => Ok(vec![Part::Text(value.as_str().unwrap_or_default())]),
        Kind::Array => {
            value.elements().map(|part| self::part(reader, part, member, place)).collect()
        }
        other => Err(Fault::wrong_type(
            &place.member(member).to_string(),
            "a string or a list of parts",
            other,
        )),
    }
}

fn part<'a>(
    reader: &mut Reader<'_, 'a>,
    part: Value<'_, 'a>,
    member: &str,
    place: Place<'_>,
) -> Result<Part<'a>, Fault> {
    if part.kind() != Kind::Object {
        let param = format!("{}[]", place.member(member));
        return Err(Fault::wrong_type(&param, "an object", part.kind()));
    }
    let text_of = |name: &str| -> Result<Escaped<'a>, Fault> {
        match part.get(name).and_then(Value::non_null) {
            Some(value) => string(value, format_args!("{}[].{name}", place.member(member))),
            None => {
                let param = format!("{}[].{name}", place.member(member));
                Err(Fault::bad_request(param, format!("`{name}` is missing")))
            }
        }
    };
    let optional = |name: &str| part.get(name).and_then(Value::as_str);
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
    let (read, known): (_, &[&str]) = match kind.text().as_ref() {
        "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
            for name in ["annotations", "logprobs"] {
                if part.get(name).is_some_and(|list| list.elements().next().is_some()) {
                    reader.notes.add(Code::ItemMetadata, format!("input[].content[].{name}"));
                }
            }
            (Part::Text(text_of("text")?), &["text", "annotations", "logprobs"])
        }
        // Codex hands a sub-agent's message over in the part meant for encryption, but in clear.
        "encrypted_content" => (Part::Text(text_of("encrypted_content")?), &["encrypted_content"]),
        "refusal" => (Part::Refusal(text_of("refusal")?), &["refusal"]),
        "input_image" => match optional("image_url") {
            Some(url) => {
                let detail = optional("detail");
                (Part::Image { url, detail }, &["image_url", "detail", "file_id"])
            }
            None => {
                let kind = Escaped::plain("image");
                (
                    Part::Other { kind, code: Code::ImageOmitted },
                    &["image_url", "detail", "file_id"],
                )
            }
        },
        "input_file" => {
            let (name, data, url) =
                (optional("filename"), optional("file_data"), optional("file_url"));
            (Part::File { name, data, url }, &["filename", "file_data", "file_url", "file_id"])
        }
        other => {
            let code = match TABLE.find(Section::Part, other).map(|row| row.fate) {
                Some(Fate::Degraded(code) | Fate::Ignored(code)) => code,
                _ => Code::UnknownPart,
            };
            return Ok(match (code, optional("text")) {
                // Something new that says what it means in words is better than a marker.
                (Code::UnknownPart, Some(text)) => {
                    reader.notes.add(code, format!("input[].content[].{other}"));
                    Part::Text(text)
                }
                _ => Part::Other { kind, code },
            });
        }
    };
    for (key, value) in part.members() {
        let key = key.text();
        if key != "type" && !known.contains(&key.as_ref()) && !value.is_null() {
            reader.leftover(Section::Part, &kind.text(), &key)?;
        }
    }
    Ok(read)
}

fn reasoning<'a>(
    reader: &mut Reader<'_, 'a>,
    item: Value<'_, 'a>,
    place: Place<'_>,
) -> Result<(), Fault> {
    let text = thoughts(reader, item, "content", place)?;
    let summary = thoughts(reader, item, "summary", place)?;
    let sealed = item.get("encrypted_content").and_then(Value::as_str);
    rest(reader, item, "reasoning", &["content", "summary", "encrypted_content"])?;
    push(reader, Item::Reasoning { sealed, text, summary })
}

/// The texts of one member of a reasoning item.
fn thoughts<'a>(
    reader: &mut Reader<'_, 'a>,
    item: Value<'_, 'a>,
    name: &str,
    place: Place<'_>,
) -> Result<Vec<Escaped<'a>>, Fault> {
    let Some(list) = item.get(name).and_then(Value::non_null) else { return Ok(Vec::new()) };
    expect(list, Kind::Array, place.member(name))?;
    let mut texts = Vec::new();
    for part in list.elements() {
        let Some(text) = part.get("text").and_then(Value::as_str) else {
            reader.notes.add(Code::UnknownPart, format!("input[].{name}[]"));
            continue;
        };
        texts.push(text);
        for (key, value) in part.members().filter(|(key, _)| !key.is("type") && !key.is("text")) {
            if !value.is_null() {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
                reader.leftover(Section::Part, &kind.text(), &key.text())?;
            }
        }
    }
    Ok(texts)
}

fn call<'a>(
    reader: &mut Reader<'_, 'a>,
    item: Value<'_, 'a>,
    kind: &str,
    place: Place<'_>,
) -> Result<(), Fault> {
    // Where a call has no `call_id`, its results name its `id`.
    let id = match item.get("call_id").and_then(Value::non_null) {
        None if kind != "function_call" && kind != "custom_tool_call" => {
            required(item, "id", place)?
        }
        _ => required(item, "call_id", place)?,
    };
    // Calls of built-in tools have no name of their own; their payload is an object.
    let object = |member: &str| -> Result<Payload<'a>, Fault> {
        let value = item.get(member).filter(|value| value.kind() == Kind::Object);
        let value = value.ok_or_else(|| {
            Fault::bad_request(
                place.member(member).to_string(),
                format!("`{member}` must be an object"),
            )
        })?;
        Ok(Payload::Object(value.raw()))
    };
    let (name, payload, known): (_, _, &[&str]) = match kind {
        "function_call" => {
            let arguments = required(item, "arguments", place)?;
            (None, Payload::Arguments(arguments), &["call_id", "name", "namespace", "arguments"])
        }
        "custom_tool_call" => {
            let input = required(item, "input", place)?;
            (None, Payload::Input(input), &["call_id", "name", "namespace", "input"])
        }
        "tool_search_call" => {
            (Some("tool_search"), object("arguments")?, &["call_id", "arguments", "execution"])
        }
        "local_shell_call" => (Some("local_shell"), object("action")?, &["call_id", "action"]),
        "shell_call" => (Some("shell"), object("action")?, &["call_id", "action"]),
        _ => (Some("apply_patch"), object("operation")?, &["call_id", "operation"]),
    };
    let name = match name {
        Some(name) => ToolName { namespace: None, name: Escaped::plain(name) },
        None => ToolName {
            namespace: item.get("namespace").and_then(Value::as_str),
            name: required(item, "name", place)?,
        },
    };
    rest(reader, item, kind, known)?;
    push(reader, Item::Call(Call { id, name, payload }))
}

fn result<'a>(
    reader: &mut Reader<'_, 'a>,
    item: Value<'_, 'a>,
    kind: &str,
    place: Place<'_>,
) -> Result<(), Fault> {
    let (call_id, named_by) = match item.get("call_id").and_then(Value::non_null) {
        Some(id) => (string(id, place.member("call_id"))?, "call_id"),
        // `local_shell_call_output` names its call in `id`.
        None => (required(item, "id", place)?, "id"),
    };
    let (member, parts) = match kind {
        "tool_search_output" => {
            let list = item.get("tools");
            if let Some(list) = list {
                tools::declare(reader, list, &place.member("tools"))?;
            }
            let found = list.into_iter().flat_map(Value::elements).filter_map(found_text).collect();
            ("tools", vec![Part::Text(Escaped::plain(&found_summary(found)).into_owned())])
        }
        _ => {
            let output = item.get("output").and_then(Value::non_null);
            let parts = match output {
                // Built-in tools answer with lists and objects of their own shape.
                Some(value) if kind == "shell_call_output" || value.kind() == Kind::Object => {
                    vec![Part::Text(Escaped::plain(value.raw()))]
                }
                Some(value) => parts(reader, value, "output", place)?,
                None => Vec::new(),
            };
            ("output", parts)
        }
    };
    rest(reader, item, kind, &[named_by, "name", "namespace", "execution", member])?;
    push(reader, Item::Result { call_id, parts })
}

/// The names that one found tool or namespace brings, as models see them.
fn found_text(tool: Value<'_, '_>) -> Option<String> {
    let name = tool.get("name")?.as_str()?.text().into_owned();
    let inner: Vec<String> = tool
        .get("tools")
        .into_iter()
        .flat_map(Value::elements)
        .filter_map(|tool| {
            let tool = tool.get("name")?.as_str()?;
            Some(format!("{}__{}", name.trim_end_matches('_'), tool.text()))
        })
        .collect();
    Some(if inner.is_empty() { name } else { inner.join(", ") })
}

/// The tools themselves are declared; the model only has to learn that they are there now.
fn found_summary(found: Vec<String>) -> String {
    if found.is_empty() {
        "No tools were found.".to_owned()
    } else {
        format!("These tools can be called now: {}", found.join(", "))
    }
}
