//! Tool declarations of a Responses request, wherever they stand: in `tools`, in an
//! `additional_tools` item, or in what a tool search found.

use super::fates::TABLE;
use super::parse::Reader;
use crate::fates::{Fate, Section};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{expect, string};
use crate::note::Code;
use crate::turn::{Grammar, Schema, Tool, ToolKind, ToolName, WebSearch};
use std::fmt::Display;

/// Declares every tool of the array `list`.
pub(super) fn declare<'a>(
    reader: &mut Reader<'_, 'a>,
    list: Value<'_, 'a>,
    param: &dyn Display,
) -> Result<(), Fault> {
    expect(list, Kind::Array, param)?;
    for (index, tool) in list.elements().enumerate() {
        tool_of(reader, tool, None, &format_args!("{param}[{index}]"))?;
    }
    Ok(())
}

/// The name in an object that refers to a tool.
pub(super) fn name_of<'a>(value: Value<'_, 'a>) -> Option<ToolName<'a>> {
    Some(ToolName {
        namespace: value.get("namespace").and_then(Value::as_str),
        name: value.get("name").and_then(Value::as_str)?,
    })
}

fn tool_of<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    namespace: Option<&Escaped<'a>>,
    param: &std::fmt::Arguments<'_>,
) -> Result<(), Fault> {
    if value.kind() != Kind::Object {
        return Err(Fault::wrong_type(&param.to_string(), "an object", value.kind()));
    }
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    match kind.text().as_ref() {
        "function" => {
            let strict = value.get("strict").and_then(Value::as_bool);
            let parameters = value.get("parameters").and_then(Value::non_null).map(Schema::of);
            let known = ["type", "name", "description", "parameters", "strict"];
            let kind = ToolKind::Function { parameters, strict };
            push(reader, value, namespace, param, "function", &known, kind)
        }
        "custom" => {
            let grammar = value.get("format").and_then(|format| {
                Some(Grammar {
                    syntax: format.get("syntax")?.as_str()?,
                    definition: format.get("definition")?.as_str()?,
                })
            });
            let known = ["type", "name", "description", "format"];
            if let Some(format) = value.get("format").filter(|format| format.kind() == Kind::Object)
            {
                rest(reader, format, "custom.format", &["type", "syntax", "definition"])?;
            }
            push(reader, value, namespace, param, "custom", &known, ToolKind::Custom { grammar })
        }
        "tool_search" => {
            let parameters = value.get("parameters").and_then(Value::non_null).map(Schema::of);
            let name = ToolName { namespace: None, name: Escaped::plain("tool_search") };
            let description = value.get("description").and_then(Value::as_str);
            let kind = ToolKind::ToolSearch { parameters };
            let known = ["type", "description", "parameters", "execution"];
            rest(reader, value, "tool_search", &known)?;
            reader.turn.tools.push(Tool { name, description, kind });
            Ok(())
        }
        "local_shell" => {
            let name = ToolName { namespace: None, name: Escaped::plain("local_shell") };
            let description = Some(Escaped::plain("Runs a command on the user's machine."));
            let kind = ToolKind::LocalShell;
            rest(reader, value, "local_shell", &["type"])?;
            reader.turn.tools.push(Tool { name, description, kind });
            Ok(())
        }
        "web_search"
        | "web_search_2025_08_26"
        | "web_search_preview"
        | "web_search_preview_2025_03_11"
            if namespace.is_none() =>
        {
            web_search(reader, value, &kind.text(), param)
        }
        "namespace" if namespace.is_none() => self::namespace(reader, value, param),
        other => {
            match TABLE.find(Section::Tool, other).map(|row| row.fate) {
                Some(Fate::Ignored(code)) => reader.notes.add(code, format!("tools[].{other}")),
                _ => reader.notes.add(Code::UnknownTool, format!("tools[].{other}")),
            }
            Ok(())
        }
    }
}

/// A search that the provider runs.
fn web_search<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    kind: &str,
    param: &std::fmt::Arguments<'_>,
) -> Result<(), Fault> {
    let mut search = WebSearch::default();
    for (key, member) in value.members().filter(|(_, member)| !member.is_null()) {
        match key.text().as_ref() {
            "type" => {}
            "filters" => {
                expect(member, Kind::Object, format_args!("{param}.filters"))?;
                if let Some(list) = member.get("allowed_domains").and_then(Value::non_null) {
                    let param = format_args!("{param}.filters.allowed_domains");
                    expect(list, Kind::Array, param)?;
                    for domain in list.elements() {
                        string(domain, format_args!("{param}[]"))?;
                    }
                    search.allowed = Some(list.raw());
                }
                rest(reader, member, &format!("{kind}.filters"), &["allowed_domains"])?;
            }
            "user_location" => {
                expect(member, Kind::Object, format_args!("{param}.user_location"))?;
                let known = ["type", "city", "region", "country", "timezone"];
                rest(reader, member, &format!("{kind}.user_location"), &known)?;
                search.location = Some(member.raw());
            }
            "search_context_size" => {
                let size = string(member, format_args!("{param}.search_context_size"))?;
                search.context_size = Some(size);
            }
            // To look at the web as it is now is what every provider does.
            "external_web_access" if member.as_bool() == Some(true) => {}
            other => reader.leftover(Section::Tool, kind, other)?,
        }
    }
    let name = ToolName { namespace: None, name: Escaped::plain("web_search") };
    let kind = ToolKind::WebSearch(search);
    reader.turn.tools.push(Tool { name, description: None, kind });
    Ok(())
}

fn namespace<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    param: &std::fmt::Arguments<'_>,
) -> Result<(), Fault> {
    let name = value
        .get("name")
        .map(|name| string(name, format_args!("{param}.name")))
        .transpose()?
        .ok_or_else(|| Fault::bad_request(format!("{param}.name"), "a namespace needs a name"))?;
    for (key, member) in value.members() {
        match key.text().as_ref() {
            "type" | "name" => {}
            "tools" => {
                expect(member, Kind::Array, format_args!("{param}.tools"))?;
                for (index, tool) in member.elements().enumerate() {
                    tool_of(reader, tool, Some(&name), &format_args!("{param}.tools[{index}]"))?;
                }
            }
            "description" if member.as_str().is_none_or(|text| text.is_empty()) => {}
            other => reader.leftover(Section::Tool, "namespace", other)?,
        }
    }
    Ok(())
}

fn push<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    namespace: Option<&Escaped<'a>>,
    param: &std::fmt::Arguments<'_>,
    section: &str,
    known: &[&str],
    kind: ToolKind<'a>,
) -> Result<(), Fault> {
    let name = value
        .get("name")
        .map(|name| string(name, format_args!("{param}.name")))
        .transpose()?
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Fault::bad_request(format!("{param}.name"), "a tool needs a name"))?;
    rest(reader, value, section, known)?;
    let name = ToolName { namespace: namespace.cloned(), name };
    let description = value.get("description").and_then(Value::as_str);
    reader.turn.tools.push(Tool { name, description, kind });
    Ok(())
}

/// Notes the members of a tool that nothing reads.
fn rest(
    reader: &mut Reader<'_, '_>,
    value: Value<'_, '_>,
    section: &str,
    known: &[&str],
) -> Result<(), Fault> {
    for (key, member) in value.members() {
        let key = key.text();
        if !known.contains(&key.as_ref()) && !member.is_null() {
            reader.leftover(Section::Tool, section, &key)?;
        }
    }
    Ok(())
}
