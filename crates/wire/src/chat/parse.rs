//! A Chat Completions request to a [`Turn`].

use super::fates::TABLE;
use super::{messages, tools};
use crate::fates::{Fate, Section};
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{boolean, expect, positive, string};
use crate::note::{Code, Notes};
use crate::responses;
use crate::turn::{Effort, Format, Settings, Summary, Turn};
use std::collections::HashSet;

/// Reads a request. `model` is not looked at: whoever routes the request has read it.
///
/// # Errors
/// A known member has a wrong type, or one that cannot be ignored has no counterpart; the fault
/// names it.
pub fn parse<'a>(body: Value<'_, 'a>, notes: &mut Notes) -> Result<Turn<'a>, Fault> {
    if is_responses_shaped(body) {
        return responses_shaped(body, notes);
    }
    let mut reader = Reader { notes, turn: Turn::default() };
    reader.body(body)?;
    Ok(reader.turn)
}

/// Whether a request that came as Chat Completions has the shape of a Responses request. Cursor's
/// agent sends such, and wants Chat Completions back (github.com/BerriAI/litellm/pull/34029). A
/// provider of this dialect would refuse it as it stands.
pub fn is_responses_shaped(body: Value<'_, '_>) -> bool {
    let has = |name: &str| body.get(name).and_then(Value::non_null).is_some();
    has("input") && !has("messages")
}

/// Reads a Responses request whose answer will be Chat Completions.
fn responses_shaped<'a>(body: Value<'_, 'a>, notes: &mut Notes) -> Result<Turn<'a>, Fault> {
    let mut own = Notes::default();
    let mut turn = responses::parse(body, &mut own)?;
    let usage = body.get("stream_options").and_then(|options| options.get("include_usage"));
    turn.settings.include_usage = usage.and_then(Value::as_bool).unwrap_or(false);
    for note in own.list() {
        // That dialect has no such option; here it counts.
        if note.at != "stream_options" || usage.is_none() {
            (0..note.count).for_each(|_| notes.add(note.code, note.at.clone()));
        }
    }
    Ok(turn)
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
        let mut conversation = None;
        let mut older_choice = None;
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
                "messages" => conversation = Some(value),
                "tools" => tools::declare(self, value)?,
                "functions" => tools::declare_functions(self, value)?,
                "tool_choice" => self.turn.tool_choice = tools::choice(self, value)?,
                "function_call" => older_choice = Some(tools::function_choice(self, value)?),
                "parallel_tool_calls" => {
                    self.settings().parallel_tool_calls =
                        Some(boolean(value, "parallel_tool_calls")?);
                }
                "response_format" => self.settings().format = self.format(value)?,
                "reasoning_effort" => {
                    self.settings().effort = Some(effort(value, "reasoning_effort")?);
                }
                "reasoning" => self.reasoning(value)?,
                "include_reasoning" => {
                    if !boolean(value, "include_reasoning")? {
                        self.settings().summary = Summary::None;
                    }
                }
                "verbosity" => self.settings().verbosity = Some(string(value, "verbosity")?),
                "max_tokens" | "max_completion_tokens" => self.limit(&key, value)?,
                "stop" => self.settings().stop = stop(value)?,
                "temperature" | "top_p" | "top_k" | "top_a" | "min_p" | "repetition_penalty"
                | "presence_penalty" | "frequency_penalty" | "seed" => {
                    expect(value, Kind::Number, &key)?;
                    self.share(&key, value);
                }
                "service_tier" | "prompt_cache_key" | "safety_identifier" | "user" => {
                    let word = string(value, &key)?;
                    // What every server does unasked needs no asking.
                    if !(key == "service_tier" && (word.is("auto") || word.is("default"))) {
                        self.share(&key, value);
                    }
                }
                "logit_bias" | "metadata" => {
                    expect(value, Kind::Object, &key)?;
                    if value.members().next().is_some() {
                        self.share(&key, value);
                    }
                }
                "stream" => self.settings().stream = boolean(value, "stream")?,
                "stream_options" => self.stream_options(value)?,
                "web_search_options" => tools::web_search(self, value)?,
                "n" => one(value)?,
                "modalities" => modalities(value)?,
                "store" => {
                    if boolean(value, "store")? {
                        self.notes.add(Code::NotStored, "store");
                    }
                }
                "logprobs" => {
                    if boolean(value, "logprobs")? {
                        self.leftover(Section::Field, "", &key, "")?;
                    }
                }
                _ => self.leftover(Section::Field, "", &key, "")?,
            }
        }
        if let Some(choice) = older_choice {
            self.turn.tool_choice = choice;
        }
        match conversation {
            Some(list) => messages::read_all(self, list),
            None => {
                let text = "`messages` is missing: send a list of messages";
                Err(Fault::bad_request("messages", text))
            }
        }
    }

    pub(super) fn settings(&mut self) -> &mut Settings<'a> {
        &mut self.turn.settings
    }

    /// Notes or refuses, by the closed-world table, the member `key` of the thing at `of`, which
    /// nothing reads. `place` is where notes say that the thing stands.
    pub(super) fn leftover(
        &mut self,
        section: Section,
        of: &str,
        key: &str,
        place: &str,
    ) -> Result<(), Fault> {
        let under = |above: &str| match above {
            "" => key.to_owned(),
            above => format!("{above}.{key}"),
        };
        let path = under(of);
        let row = TABLE.find(section, &path);
        let is_it = row.is_some_and(|row| {
            let shared = row.path.strip_prefix('*');
            row.path == path || shared.is_some_and(|member| path.ends_with(member))
        });
        let code = match row.map(|row| (row.fate, row.path)) {
            Some((Fate::Refused, path)) => return Err(TABLE.refusal(path)),
            Some((Fate::Ignored(code), _)) => code,
            Some((Fate::Degraded(code), _)) if is_it => code,
            Some((Fate::Translated | Fate::Depends(_), _)) if is_it => return Ok(()),
            // A longer path beneath one that is read is as unknown as any.
            _ => Code::UnknownField,
        };
        self.notes.add(code, under(place));
        Ok(())
    }

    fn share(&mut self, key: &str, value: Value<'_, 'a>) {
        if let Some(row) = TABLE.find(Section::Field, key) {
            let shared = &mut self.settings().shared;
            shared.retain(|(name, _)| *name != row.path);
            shared.push((row.path, value.raw()));
        }
    }

    /// `max_tokens` is the older name; where both stand, the newer counts.
    fn limit(&mut self, key: &str, value: Value<'_, 'a>) -> Result<(), Fault> {
        let limit = positive(value, key)?;
        let before = self.turn.settings.max_output_tokens;
        if before.is_some_and(|before| before != limit) {
            self.notes.add(Code::DuplicateMember, "max_tokens");
        }
        if before.is_none() || key == "max_completion_tokens" {
            self.settings().max_output_tokens = Some(limit);
        }
        Ok(())
    }

    /// The form in which OpenRouter's clients ask for reasoning.
    fn reasoning(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        expect(value, Kind::Object, "reasoning")?;
        for (key, value) in value.members() {
            if value.is_null() {
                continue;
            }
            match key.text().as_ref() {
                "effort" => self.settings().effort = Some(effort(value, "reasoning.effort")?),
                "enabled" => {
                    if !boolean(value, "reasoning.enabled")? {
                        self.settings().effort = Some(Effort::None);
                    }
                }
                "exclude" => {
                    if boolean(value, "reasoning.exclude")? {
                        self.settings().summary = Summary::None;
                    }
                }
                "summary" => {
                    let word = string(value, "reasoning.summary")?;
                    if self.turn.settings.summary != Summary::None {
                        self.settings().summary =
                            if word.is("none") { Summary::None } else { Summary::Wanted };
                    }
                }
                other => self.leftover(Section::Field, "reasoning", other, "reasoning")?,
            }
        }
        Ok(())
    }

    fn stream_options(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        expect(value, Kind::Object, "stream_options")?;
        for (key, value) in value.members() {
            match key.text().as_ref() {
                _ if value.is_null() => {}
                "include_usage" => {
                    self.settings().include_usage = boolean(value, "stream_options.include_usage")?;
                }
                "include_obfuscation" if value.as_bool() == Some(false) => {}
                other => {
                    self.leftover(Section::Field, "stream_options", other, "stream_options")?
                }
            }
        }
        Ok(())
    }

    fn format(&mut self, value: Value<'_, 'a>) -> Result<Format<'a>, Fault> {
        expect(value, Kind::Object, "response_format")?;
        for (key, member) in value.members() {
            let key = key.text();
            if !["type", "json_schema"].contains(&key.as_ref()) && !member.is_null() {
                self.leftover(Section::Field, "response_format", &key, "response_format")?;
            }
        }
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        match kind.text().as_ref() {
            "text" => Ok(Format::Text),
            "json_object" => Ok(Format::JsonObject),
            "json_schema" => self.schema(value.get("json_schema").and_then(Value::non_null)),
            other => {
                let text = format!(
                    "`{other}` is not a format; known are `text`, `json_object` and `json_schema`"
                );
                Err(Fault::bad_request("response_format.type", text))
            }
        }
    }

    fn schema(&mut self, value: Option<Value<'_, 'a>>) -> Result<Format<'a>, Fault> {
        const PLACE: &str = "response_format.json_schema";
        let object = value.filter(|value| value.kind() == Kind::Object);
        let name = object.and_then(|object| object.get("name")?.as_str());
        let schema = object
            .and_then(|object| object.get("schema"))
            .filter(|schema| schema.kind() == Kind::Object);
        let (Some(object), Some(name), Some(schema)) = (object, name, schema) else {
            let text =
                "a `json_schema` format needs a `json_schema` with a `name` and a `schema` object";
            return Err(Fault::bad_request(PLACE, text));
        };
        let known = ["name", "description", "schema", "strict"];
        for (key, member) in object.members() {
            let key = key.text();
            if !known.contains(&key.as_ref()) && !member.is_null() {
                self.leftover(Section::Field, PLACE, &key, PLACE)?;
            }
        }
        Ok(Format::JsonSchema {
            name,
            description: object.get("description").and_then(Value::as_str),
            schema: schema.raw(),
            strict: object.get("strict").and_then(Value::as_bool),
        })
    }
}

fn effort(value: Value<'_, '_>, param: &str) -> Result<Effort, Fault> {
    let word = string(value, param)?;
    Effort::from_name(&word.text()).ok_or_else(|| {
        let known = Effort::ALL.map(Effort::name).join("`, `");
        let text = format!("`{}` is not an effort; known are `{known}`", word.text());
        Fault::bad_request(param, text)
    })
}

/// One text or a list of them. OpenAI takes at most four; other servers take more.
fn stop<'a>(value: Value<'_, 'a>) -> Result<Vec<Escaped<'a>>, Fault> {
    match value.kind() {
        Kind::String => Ok(vec![string(value, "stop")?]),
        Kind::Array => {
            let texts = value.elements().enumerate();
            texts.map(|(index, text)| string(text, format_args!("stop[{index}]"))).collect()
        }
        other => Err(Fault::wrong_type("stop", "a string or a list of strings", other)),
    }
}

fn one(value: Value<'_, '_>) -> Result<(), Fault> {
    match positive(value, "n")? {
        1 => Ok(()),
        many => {
            let text = format!(
                "`n` is {many}, but quire asks a model for one answer at a time; leave `n` out and send the request {many} times"
            );
            Err(Fault::bad_request("n", text))
        }
    }
}

fn modalities(value: Value<'_, '_>) -> Result<(), Fault> {
    expect(value, Kind::Array, "modalities")?;
    for word in value.elements() {
        let word = string(word, "modalities[]")?;
        if word.is("audio") {
            let refusal = TABLE.refusal("modalities=audio");
            return Err(Fault { param: Some("modalities".to_owned()), ..refusal });
        }
        if !word.is("text") {
            let text = format!("`{}` is not a modality; quire answers in `text`", word.text());
            return Err(Fault::bad_request("modalities", text));
        }
    }
    Ok(())
}
