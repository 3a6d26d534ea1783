//! A Responses request to a [`Turn`].

use super::fates::TABLE;
use super::{items, tools};
use crate::fates::Section;
use crate::fault::Fault;
use crate::json::{Kind, Value};
use crate::members::{boolean, expect, positive, string};
use crate::note::{Code, Notes};
use crate::turn::{Effort, Format, Item, Part, Role, Settings, Summary, ToolChoice, Turn};
use std::collections::HashSet;

/// Reads a request. `model` is not looked at: whoever routes the request has read it.
///
/// # Errors
/// A known member has a wrong type, or one that cannot be ignored has no counterpart; the fault
/// names it.
pub fn parse<'a>(body: Value<'_, 'a>, notes: &mut Notes) -> Result<Turn<'a>, Fault> {
    let mut reader = Reader { notes, turn: Turn::default() };
    reader.body(body)?;
    Ok(reader.turn)
}

/// The state of one reading.
pub(super) struct Reader<'n, 'a> {
    pub(super) notes: &'n mut Notes,
    pub(super) turn: Turn<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn body(&mut self, body: Value<'_, 'a>) -> Result<(), Fault> {
        if body.kind() != Kind::Object {
            return Err(Fault::bad_request("", "the request body must be a JSON object"));
        }
        let mut input = None;
        let mut instructions = None;
        let mut declared = None;
        let mut seen = HashSet::new();
        for (key, value) in body.members() {
            if !seen.insert(key.clone()) {
                self.notes.add(Code::DuplicateMember, key.text().into_owned());
            }
            let key = key.text();
            if value.is_null() {
                continue;
            }
            match key.as_ref() {
                "model" => {}
                "input" => input = Some(value),
                "instructions" => instructions = Some(value),
                "tools" => declared = Some(value),
                "stream" => self.settings().stream = boolean(value, "stream")?,
                "tool_choice" => self.turn.tool_choice = self.tool_choice(value)?,
                "parallel_tool_calls" => {
                    self.settings().parallel_tool_calls =
                        Some(boolean(value, "parallel_tool_calls")?);
                }
                "reasoning" => self.reasoning(value)?,
                "text" => self.text(value)?,
                "max_output_tokens" => {
                    self.settings().max_output_tokens = Some(positive(value, "max_output_tokens")?);
                }
                "temperature" | "top_p" | "presence_penalty" | "frequency_penalty" => {
                    expect(value, Kind::Number, &key)?;
                    self.share(&key, value);
                }
                "service_tier" | "prompt_cache_key" | "safety_identifier" | "user" => {
                    expect(value, Kind::String, &key)?;
                    // What every server does unasked needs no asking.
                    if !(key == "service_tier"
                        && value.as_str().is_some_and(|tier| tier.is("auto") || tier.is("default")))
                    {
                        self.share(&key, value);
                    }
                }
                "store" => {
                    if boolean(value, "store")? {
                        self.notes.add(Code::NotStored, "store");
                    }
                }
                "include" => self.include(value)?,
                "background" => {
                    if boolean(value, "background")? {
                        return Err(TABLE.refusal("background"));
                    }
                }
                "truncation" => {
                    if !string(value, "truncation")?.is("disabled") {
                        self.notes.add(Code::FieldIgnored, "truncation");
                    }
                }
                "metadata" => {
                    expect(value, Kind::Object, "metadata")?;
                    if value.members().next().is_some() {
                        self.leftover(Section::Field, "", &key)?;
                    }
                }
                _ => self.leftover(Section::Field, "", &key)?,
            }
        }
        if let Some(text) = instructions {
            self.instructions(text)?;
        }
        if let Some(value) = declared {
            tools::declare(self, value, &"tools")?;
        }
        match input {
            Some(value) => self.input(value)?,
            None => {
                let text = "`input` is missing: send a string or a list of items";
                return Err(Fault::bad_request("input", text));
            }
        }
        if self.turn.settings.compact {
            // A summary is prose, and nobody waits for a call.
            self.turn.tool_choice = ToolChoice::None;
            self.settings().format = Format::Text;
        }
        Ok(())
    }

    fn settings(&mut self) -> &mut Settings<'a> {
        &mut self.turn.settings
    }

    /// Notes or refuses a member by the closed-world table.
    pub(super) fn leftover(&mut self, section: Section, of: &str, key: &str) -> Result<(), Fault> {
        TABLE.leftover(section, of, key, self.notes)
    }

    fn share(&mut self, key: &str, value: Value<'_, 'a>) {
        if let Some(row) = TABLE.find(Section::Field, key) {
            let shared = &mut self.settings().shared;
            shared.retain(|(name, _)| *name != row.path);
            shared.push((row.path, value.raw()));
        }
    }

    fn instructions(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        match value.kind() {
            Kind::String => {
                let text = string(value, "instructions")?;
                if !text.is_empty() {
                    let parts = vec![Part::Text(text)];
                    self.turn.items.push(Item::Message { role: Role::System, parts });
                }
                Ok(())
            }
            // OpenAI's SDK also types it as a list of items.
            Kind::Array => items::read_all(self, value, "instructions"),
            other => Err(Fault::wrong_type("instructions", "a string", other)),
        }
    }

    fn input(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        match value.kind() {
            Kind::String => {
                let parts = vec![Part::Text(string(value, "input")?)];
                self.turn.items.push(Item::Message { role: Role::User, parts });
            }
            Kind::Array => items::read_all(self, value, "input")?,
            other => return Err(Fault::wrong_type("input", "a string or a list of items", other)),
        }
        if self.turn.items.is_empty() {
            return Err(Fault::bad_request(
                "input",
                "`input` is empty: there is nothing to answer",
            ));
        }
        Ok(())
    }

    fn reasoning(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        expect(value, Kind::Object, "reasoning")?;
        for (key, value) in value.members() {
            if value.is_null() {
                continue;
            }
            match key.text().as_ref() {
                "effort" => {
                    let word = string(value, "reasoning.effort")?;
                    let effort = Effort::from_name(&word.text()).ok_or_else(|| {
                        let known = Effort::ALL.map(Effort::name).join("`, `");
                        let text =
                            format!("`{}` is not an effort; known are `{known}`", word.text());
                        Fault::bad_request("reasoning.effort", text)
                    })?;
                    self.settings().effort = Some(effort);
                }
                "summary" | "generate_summary" => {
                    let word = string(value, "reasoning.summary")?;
                    self.settings().summary =
                        if word.is("none") { Summary::None } else { Summary::Wanted };
                }
                other => self.leftover(Section::Field, "reasoning", other)?,
            }
        }
        Ok(())
    }

    fn text(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        expect(value, Kind::Object, "text")?;
        for (key, value) in value.members() {
            if value.is_null() {
                continue;
            }
            match key.text().as_ref() {
                "format" => self.settings().format = self.format(value)?,
                "verbosity" => {
                    self.settings().verbosity = Some(string(value, "text.verbosity")?);
                }
                other => self.leftover(Section::Field, "text", other)?,
            }
        }
        Ok(())
    }

    fn format(&mut self, value: Value<'_, 'a>) -> Result<Format<'a>, Fault> {
        expect(value, Kind::Object, "text.format")?;
        let known = ["type", "name", "description", "schema", "strict"];
        for (key, member) in value.members() {
            let key = key.text();
            if !known.contains(&key.as_ref()) && !member.is_null() {
                self.leftover(Section::Field, "text.format", &key)?;
            }
        }
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind.text().as_ref() {
            "text" => Ok(Format::Text),
            "json_object" => Ok(Format::JsonObject),
            "json_schema" => {
                let name = value.get("name").and_then(Value::as_str);
                let schema = value.get("schema").filter(|schema| schema.kind() == Kind::Object);
                let (Some(name), Some(schema)) = (name, schema) else {
                    let text = "a `json_schema` format needs a `name` and a `schema` object";
                    return Err(Fault::bad_request("text.format", text));
                };
                Ok(Format::JsonSchema {
                    name,
                    description: value.get("description").and_then(Value::as_str),
                    schema: schema.raw(),
                    strict: value.get("strict").and_then(Value::as_bool),
                })
            }
            other => {
                let text = format!(
                    "`{other}` is not a format; known are `text`, `json_object` and `json_schema`"
                );
                Err(Fault::bad_request("text.format.type", text))
            }
        }
    }

    fn include(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        expect(value, Kind::Array, "include")?;
        for entry in value.elements() {
            match string(entry, "include[]")?.text().as_ref() {
                "reasoning.encrypted_content" => self.turn.settings.seal_reasoning = true,
                // Sources are shown whenever there are some.
                "web_search_call.action.sources" => {}
                other => self.notes.add(Code::FieldIgnored, format!("include[]={other}")),
            }
        }
        Ok(())
    }

    fn tool_choice(&mut self, value: Value<'_, 'a>) -> Result<ToolChoice<'a>, Fault> {
        let kind = match value.kind() {
            Kind::String => value.as_str(),
            Kind::Object => value.get("type").and_then(Value::as_str),
            other => return Err(Fault::wrong_type("tool_choice", "a string or an object", other)),
        };
        let kind = kind.unwrap_or_default();
        let known = ["type", "name", "namespace", "mode", "tools", "server_label"];
        for (key, member) in value.members() {
            let key = key.text();
            if !known.contains(&key.as_ref()) && !member.is_null() {
                self.leftover(Section::Field, "tool_choice", &key)?;
            }
        }
        Ok(match (kind.text().as_ref(), value.kind()) {
            ("auto", _) => ToolChoice::Auto,
            ("none", _) => ToolChoice::None,
            ("required", _) => ToolChoice::Required,
            ("function" | "custom", Kind::Object) => {
                ToolChoice::Named(tools::name_of(value).ok_or_else(|| {
                    Fault::bad_request("tool_choice.name", "`tool_choice` names no tool")
                })?)
            }
            ("allowed_tools", Kind::Object)
                if value
                    .get("mode")
                    .and_then(Value::as_str)
                    .is_some_and(|mode| mode.is("none")) =>
            {
                ToolChoice::None
            }
            ("allowed_tools", Kind::Object) => ToolChoice::Allowed {
                required: value
                    .get("mode")
                    .and_then(Value::as_str)
                    .is_some_and(|mode| mode.is("required")),
                tools: value
                    .get("tools")
                    .into_iter()
                    .flat_map(Value::elements)
                    .filter_map(tools::name_of)
                    .collect(),
            },
            (_, Kind::Object) => {
                self.notes.add(Code::ToolChoice, "tool_choice");
                ToolChoice::Auto
            }
            (other, _) => {
                let text = format!(
                    "`{other}` is not a tool choice; known are `auto`, `none` and `required`"
                );
                return Err(Fault::bad_request("tool_choice", text));
            }
        })
    }
}
