//! Tool declarations and tool choices of a Chat Completions request. Clients write them in more
//! shapes than the dialect has, and each of these was seen: a tool whose members stand beside its
//! `type` as in Responses, and one with an `input_schema` as in Messages (both Cursor).

use super::fates::TABLE;
use super::parse::Reader;
use crate::fates::{Fate, Section};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{expect, string};
use crate::note::Code;
use crate::turn::{Grammar, Schema, Tool, ToolChoice, ToolKind, ToolName, WebSearch};
use std::fmt::Arguments;

/// Declares every tool of the array `list`.
pub(super) fn declare<'a>(reader: &mut Reader<'_, 'a>, list: Value<'_, 'a>) -> Result<(), Fault> {
    expect(list, Kind::Array, "tools")?;
    for (index, tool) in list.elements().enumerate() {
        tool_of(reader, tool, &format_args!("tools[{index}]"))?;
    }
    Ok(())
}

/// Declares every function of the array `list`: the older form of tools.
pub(super) fn declare_functions<'a>(
    reader: &mut Reader<'_, 'a>,
    list: Value<'_, 'a>,
) -> Result<(), Fault> {
    expect(list, Kind::Array, "functions")?;
    for (index, function) in list.elements().enumerate() {
        let param = format_args!("functions[{index}]");
        expect(function, Kind::Object, param)?;
        let parameters = function.get("parameters").and_then(Value::non_null).map(Schema::of);
        let kind = ToolKind::Function { parameters, strict: None };
        push(reader, function, kind, &param)?;
        let known = ["name", "description", "parameters"];
        rest(reader, function, Section::Field, "functions", &known, "functions[]")?;
        reader.notes.add(Code::FunctionsAsTools, "functions");
    }
    Ok(())
}

/// Offers the search that `web_search_options` asks for.
pub(super) fn web_search<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
) -> Result<(), Fault> {
    const PLACE: &str = "web_search_options";
    expect(value, Kind::Object, PLACE)?;
    let place = value.get("user_location").and_then(Value::non_null);
    rest(reader, value, Section::Field, PLACE, &["search_context_size", "user_location"], PLACE)?;
    let location = place.and_then(|place| place.get("approximate"));
    let location = location.filter(|location| location.kind() == Kind::Object);
    if let Some(place) = place {
        const PLACE: &str = "web_search_options.user_location";
        rest(reader, place, Section::Field, PLACE, &["type", "approximate"], PLACE)?;
    }
    let search = WebSearch {
        location: location.map(Value::raw),
        context_size: value.get("search_context_size").and_then(Value::as_str),
        ..WebSearch::default()
    };
    let name = ToolName { namespace: None, name: Escaped::plain("web_search") };
    let kind = ToolKind::WebSearch(search);
    reader.turn.tools.push(Tool { name, description: None, kind });
    Ok(())
}

/// Which tool the model should use.
pub(super) fn choice<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
) -> Result<ToolChoice<'a>, Fault> {
    let kind = match value.kind() {
        Kind::String => value.as_str(),
        Kind::Object => value.get("type").and_then(Value::as_str),
        other => return Err(Fault::wrong_type("tool_choice", "a string or an object", other)),
    };
    let kind = kind.unwrap_or_default();
    let known = ["type", "name", "function", "custom", "allowed_tools"];
    rest(reader, value, Section::Field, "tool_choice", &known, "tool_choice")?;
    Ok(match (kind.text().as_ref(), value.kind()) {
        ("auto", _) => ToolChoice::Auto,
        ("none", _) => ToolChoice::None,
        // What Mistral and Anthropic call it.
        ("required" | "any", _) => ToolChoice::Required,
        ("function" | "custom" | "tool", Kind::Object) => {
            ToolChoice::Named(name_of(value).ok_or_else(|| {
                let param = format!("tool_choice.{}.name", kind.text());
                Fault::bad_request(param, "`tool_choice` names no tool")
            })?)
        }
        ("allowed_tools", Kind::Object) => allowed(reader, value)?,
        (_, Kind::Object) => {
            reader.notes.add(Code::ToolChoice, "tool_choice");
            ToolChoice::Auto
        }
        (other, _) => {
            let text =
                format!("`{other}` is not a tool choice; known are `auto`, `none` and `required`");
            return Err(Fault::bad_request("tool_choice", text));
        }
    })
}

fn allowed<'a>(reader: &mut Reader<'_, 'a>, value: Value<'_, 'a>) -> Result<ToolChoice<'a>, Fault> {
    const PLACE: &str = "tool_choice.allowed_tools";
    let allowed = value.get("allowed_tools").and_then(Value::non_null).unwrap_or(value);
    expect(allowed, Kind::Object, PLACE)?;
    rest(reader, allowed, Section::Field, PLACE, &["type", "mode", "tools"], PLACE)?;
    let Some(tools) = allowed.get("tools").filter(|tools| tools.kind() == Kind::Array) else {
        let text = "`tool_choice` allows no tools: list them in `tools`";
        return Err(Fault::bad_request("tool_choice.allowed_tools.tools", text));
    };
    let mode = allowed.get("mode").and_then(Value::as_str).unwrap_or_default();
    if mode.is("none") {
        return Ok(ToolChoice::None);
    }
    let required = mode.is("required");
    Ok(ToolChoice::Allowed { required, tools: tools.elements().filter_map(name_of).collect() })
}

/// `function_call` of the request: the older form of `tool_choice`.
pub(super) fn function_choice<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
) -> Result<ToolChoice<'a>, Fault> {
    match (value.kind(), value.as_str()) {
        (_, Some(word)) if word.is("auto") => Ok(ToolChoice::Auto),
        (_, Some(word)) if word.is("none") => Ok(ToolChoice::None),
        (Kind::Object, _) => {
            rest(reader, value, Section::Field, "function_call", &["name"], "function_call")?;
            let name = value.get("name").and_then(Value::as_str).ok_or_else(|| {
                Fault::bad_request("function_call.name", "`function_call` names no function")
            })?;
            Ok(ToolChoice::Named(ToolName { namespace: None, name }))
        }
        _ => {
            let text = "`function_call` must be `auto`, `none` or an object with a `name`";
            Err(Fault::bad_request("function_call", text))
        }
    }
}

/// The name in an object that refers to a tool, wherever it stands.
fn name_of<'a>(value: Value<'_, 'a>) -> Option<ToolName<'a>> {
    let inner = value.get("function").or_else(|| value.get("custom")).unwrap_or(value);
    Some(ToolName { namespace: None, name: inner.get("name").and_then(Value::as_str)? })
}

fn tool_of<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
    expect(value, Kind::Object, param)?;
    let kind = value.get("type").and_then(Value::as_str);
    let kind = kind.as_ref().map(Escaped::text);
    let is_foreign = value.get("input_schema").is_some();
    match kind.as_deref() {
        None | Some("custom") if is_foreign => {
            let parameters = value.get("input_schema").and_then(Value::non_null).map(Schema::of);
            let known = ["type", "name", "description", "input_schema"];
            push(reader, value, ToolKind::Function { parameters, strict: None }, param)?;
            rest(reader, value, Section::Tool, "function", &known, "tools[]")
        }
        Some("function") => {
            let Inner { of, under, place } = inner(reader, value, "function", param)?;
            let strict = of.get("strict").and_then(Value::as_bool);
            let parameters = of.get("parameters").and_then(Value::non_null).map(Schema::of);
            let kind = ToolKind::Function { parameters, strict };
            push(reader, of, kind, &format_args!("{param}{under}"))?;
            let known = ["type", "name", "description", "parameters", "strict"];
            rest(reader, of, Section::Tool, "function.function", &known, place)
        }
        Some("custom") => {
            let Inner { of, under, place } = inner(reader, value, "custom", param)?;
            let param = format_args!("{param}{under}");
            let grammar = match of.get("format").and_then(Value::non_null) {
                Some(format) => grammar(reader, format, &param)?,
                None => None,
            };
            push(reader, of, ToolKind::Custom { grammar }, &param)?;
            let known = ["type", "name", "description", "format"];
            rest(reader, of, Section::Tool, "custom.custom", &known, place)
        }
        other => {
            let other = other.unwrap_or("without a type");
            let code = match TABLE.find(Section::Tool, other).map(|row| row.fate) {
                Some(Fate::Ignored(code)) => code,
                _ => Code::UnknownTool,
            };
            reader.notes.add(code, format!("tools[].{other}"));
            Ok(())
        }
    }
}

/// The object that holds a tool's members: under the tool's kind, or the tool itself.
struct Inner<'t, 'a> {
    of: Value<'t, 'a>,
    /// Where it stands in the tool.
    under: &'static str,
    /// Where it stands, for notes.
    place: &'static str,
}

fn inner<'t, 'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'t, 'a>,
    kind: &'static str,
    param: &Arguments<'_>,
) -> Result<Inner<'t, 'a>, Fault> {
    let Some(of) = value.get(kind).and_then(Value::non_null) else {
        return Ok(Inner { of: value, under: "", place: "tools[]" });
    };
    expect(of, Kind::Object, format_args!("{param}.{kind}"))?;
    rest(reader, value, Section::Tool, kind, &["type", kind], "tools[]")?;
    Ok(match kind {
        "function" => Inner { of, under: ".function", place: "tools[].function" },
        _ => Inner { of, under: ".custom", place: "tools[].custom" },
    })
}

/// The grammar in a custom tool's format; none for plain text.
fn grammar<'a>(
    reader: &mut Reader<'_, 'a>,
    format: Value<'_, 'a>,
    param: &Arguments<'_>,
) -> Result<Option<Grammar<'a>>, Fault> {
    const PLACE: &str = "tools[].custom.format";
    expect(format, Kind::Object, format_args!("{param}.format"))?;
    let inner = format.get("grammar").and_then(Value::non_null);
    let known = ["type", "grammar", "syntax", "definition"];
    rest(reader, format, Section::Tool, "custom.custom.format", &known, PLACE)?;
    if let Some(inner) = inner {
        let at = "custom.custom.format.grammar";
        rest(reader, inner, Section::Tool, at, &["syntax", "definition"], PLACE)?;
    }
    let of = inner.unwrap_or(format);
    let (syntax, definition) = (of.get("syntax"), of.get("definition"));
    match (syntax.and_then(Value::as_str), definition.and_then(Value::as_str)) {
        (Some(syntax), Some(definition)) => Ok(Some(Grammar { syntax, definition })),
        _ if format.get("type").and_then(Value::as_str).is_some_and(|kind| kind.is("grammar")) => {
            let text = "a grammar needs a `syntax` and a `definition`";
            Err(Fault::bad_request(format!("{param}.format.grammar"), text))
        }
        _ => Ok(None),
    }
}

fn push<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    kind: ToolKind<'a>,
    param: &Arguments<'_>,
) -> Result<(), Fault> {
    let name = value
        .get("name")
        .map(|name| string(name, format_args!("{param}.name")))
        .transpose()?
        .filter(|name| !name.is_empty())
        .ok_or_else(|| Fault::bad_request(format!("{param}.name"), "a tool needs a name"))?;
    let description = value.get("description").and_then(Value::as_str);
    let name = ToolName { namespace: None, name };
    reader.turn.tools.push(Tool { name, description, kind });
    Ok(())
}

/// Notes the members that nothing reads.
fn rest(
    reader: &mut Reader<'_, '_>,
    value: Value<'_, '_>,
    section: Section,
    of: &str,
    known: &[&str],
    place: &str,
) -> Result<(), Fault> {
    for (key, member) in value.members() {
        let key = key.text();
        if !known.contains(&key.as_ref()) && !member.is_null() {
            reader.leftover(section, of, &key, place)?;
        }
    }
    Ok(())
}
