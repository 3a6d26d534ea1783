//! Tool declarations of a Messages request, in `tools` or in the middle of the conversation.

use super::fates::TABLE;
use super::known::known;
use super::parse::Reader;
use super::place::{Place, object, optional, text};
use crate::fates::{Fate, Section};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{boolean, expect, positive};
use crate::note::Code;
use crate::turn::{Schema, Tool, ToolKind, ToolName, WebSearch};

/// Declares every tool of the array `list`.
pub(super) fn declare_all<'a>(
    reader: &mut Reader<'_, 'a>,
    list: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<(), Fault> {
    expect(list, Kind::Array, place)?;
    for (index, tool) in list.elements().enumerate() {
        declare(reader, tool, &place.element(index))?;
    }
    Ok(())
}

/// Declares one tool and gives back its name, if it can be offered.
pub(super) fn declare<'a>(
    reader: &mut Reader<'_, 'a>,
    value: Value<'_, 'a>,
    place: &Place<'_>,
) -> Result<Option<Escaped<'a>>, Fault> {
    object(value, place)?;
    let kind = optional(value, "type").unwrap_or(Escaped::plain("custom"));
    let kind = kind.text();
    let (tool, read): (_, &[&str]) = match kind.as_ref() {
        "custom" => (custom(value, place)?, &["description", "input_schema", "strict"]),
        kind if kind.starts_with("web_search_") => (
            web_search(value, place)?,
            &["allowed_domains", "blocked_domains", "user_location", "max_uses"],
        ),
        kind => match known(kind, value) {
            Some(known) => {
                let kind = ToolKind::Function { parameters: Some(known.parameters), strict: None };
                let tool =
                    Tool { name: name(value, place)?, description: Some(known.description), kind };
                (tool, &["display_width_px", "display_height_px", "enable_zoom"])
            }
            None => {
                // Anthropic's own search over the deferred tools.
                reader.offers.searched |= kind.starts_with("tool_search_tool_");
                let code = match TABLE.find(Section::Tool, kind).map(|row| row.fate) {
                    Some(Fate::Ignored(code)) => code,
                    _ => Code::UnknownTool,
                };
                reader.notes.add(code, format!("tools[].{kind}"));
                return Ok(None);
            }
        },
    };
    let mut deferred = false;
    for (key, member) in value.members() {
        match key.text().as_ref() {
            "type" | "name" => {}
            _ if member.is_null() => {}
            "defer_loading" => deferred = boolean(member, place.member("defer_loading"))?,
            // What happens unasked: the model calls the tool itself.
            "allowed_callers" if calls_directly(member) => {}
            other if read.contains(&other) => {}
            other => reader.leftover(Section::Tool, &kind, other)?,
        }
    }
    let name = tool.name.name.clone();
    reader.offers.declare(tool, deferred);
    Ok(Some(name))
}

fn calls_directly(callers: Value<'_, '_>) -> bool {
    let mut callers = callers.elements().map(|caller| caller.as_str().unwrap_or_default());
    callers.next().is_some_and(|caller| caller.is("direct")) && callers.next().is_none()
}

fn name<'a>(tool: Value<'_, 'a>, place: &Place<'_>) -> Result<ToolName<'a>, Fault> {
    let name = text(tool, "name", place)?;
    if name.is_empty() {
        return Err(Fault::bad_request(place.member("name").to_string(), "a tool needs a name"));
    }
    Ok(ToolName { namespace: None, name })
}

fn custom<'a>(tool: Value<'_, 'a>, place: &Place<'_>) -> Result<Tool<'a>, Fault> {
    let schema = super::place::required(tool, "input_schema", place)?;
    expect(schema, Kind::Object, place.member("input_schema"))?;
    let strict = match tool.get("strict").and_then(Value::non_null) {
        Some(strict) => Some(boolean(strict, place.member("strict"))?),
        None => None,
    };
    Ok(Tool {
        name: name(tool, place)?,
        description: optional(tool, "description"),
        kind: ToolKind::Function { parameters: Some(Schema::of(schema)), strict },
    })
}

fn web_search<'a>(tool: Value<'_, 'a>, place: &Place<'_>) -> Result<Tool<'a>, Fault> {
    let member = |name: &str, kind| match tool.get(name).and_then(Value::non_null) {
        Some(value) => expect(value, kind, place.member(name)).map(|()| Some(value.raw())),
        None => Ok(None),
    };
    let max_uses = match tool.get("max_uses").and_then(Value::non_null) {
        Some(uses) => Some(positive(uses, place.member("max_uses"))?),
        None => None,
    };
    let search = WebSearch {
        allowed: member("allowed_domains", Kind::Array)?,
        blocked: member("blocked_domains", Kind::Array)?,
        location: member("user_location", Kind::Object)?,
        max_uses,
        context_size: None,
    };
    Ok(Tool { name: name(tool, place)?, description: None, kind: ToolKind::WebSearch(search) })
}
