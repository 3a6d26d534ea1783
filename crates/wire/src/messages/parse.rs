//! A Messages request to a [`Turn`]. Settings are read in [`super::settings`], the conversation in
//! [`super::blocks`].

use super::fates::TABLE;
use super::offers::Offers;
use super::place::{Place, object, optional};
use super::settings::Thinking;
use super::{blocks, tools};
use crate::fates::Section;
use crate::fault::Fault;
use crate::json::{Kind, Value};
use crate::members::{boolean, expect, positive, string};
use crate::note::{Code, Notes};
use crate::turn::{Effort, Item, Part, Role, Settings, Turn};
use std::collections::HashSet;

/// Begins the line that Claude Code puts before its system prompt: what Anthropic bills. It changes
/// with every build and session.
const BILLING: &str = "x-anthropic-billing-header:";

/// Reads a request. `model` is not looked at: whoever routes the request has read it.
///
/// # Errors
/// A member is missing or has a wrong type, or one that cannot be ignored has no counterpart; the
/// fault names it.
pub fn parse<'a>(body: Value<'_, 'a>, notes: &mut Notes) -> Result<Turn<'a>, Fault> {
    let mut reader = Reader {
        notes,
        turn: Turn::default(),
        offers: Offers::default(),
        leading: 0,
        thinking: Thinking::default(),
        effort: None,
    };
    reader.body(body)?;
    if reader.turn.settings.max_output_tokens.is_none() {
        return Err(Place::of("max_tokens").missing());
    }
    Ok(reader.turn)
}

/// The state of one reading.
pub(super) struct Reader<'n, 'a> {
    pub(super) notes: &'n mut Notes,
    pub(super) turn: Turn<'a>,
    pub(super) offers: Offers<'a>,
    /// How many items the system prompt made.
    pub(super) leading: usize,
    pub(super) thinking: Thinking,
    /// The effort that was asked for last.
    pub(super) effort: Option<Effort>,
}

impl<'a> Reader<'_, 'a> {
    fn body(&mut self, body: Value<'_, 'a>) -> Result<(), Fault> {
        if body.kind() != Kind::Object {
            return Err(Fault::bad_request("", "the request body must be a JSON object"));
        }
        let (mut messages, mut system, mut declared) = (None, None, None);
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
                "messages" => messages = Some(value),
                "system" => system = Some(value),
                "tools" => declared = Some(value),
                "stream" => self.settings().stream = boolean(value, "stream")?,
                "max_tokens" => {
                    self.settings().max_output_tokens = Some(positive(value, "max_tokens")?);
                }
                "temperature" | "top_p" | "top_k" => {
                    expect(value, Kind::Number, &key)?;
                    self.share(&key, value.raw());
                }
                "stop_sequences" => self.stop_sequences(value)?,
                "metadata" => self.metadata(value)?,
                "service_tier" => self.service_tier(value)?,
                "thinking" => self.thinking(value)?,
                "output_config" => self.output_config(value, "", &Place::of("output_config"))?,
                "output_format" => {
                    self.settings().format = self.format(value, &Place::of("output_format"))?;
                }
                "tool_choice" => self.tool_choice(value)?,
                "thread" => self.thread(value)?,
                // What happens unasked.
                "speed" if value.as_str().is_some_and(|speed| speed.is("standard")) => {}
                "billing_policy"
                    if optional(value, "bill_to").is_some_and(|who| who.is("self")) => {}
                "context_management" | "fallbacks" | "mcp_servers" | "betas"
                    if value.elements().next().is_none() && value.kind() == Kind::Array => {}
                _ => self.leftover(Section::Field, "", &key)?,
            }
        }
        // Messages always tell what they cost.
        self.settings().include_usage = true;
        if let Some(system) = system {
            self.system(system)?;
        }
        if let Some(declared) = declared {
            tools::declare_all(self, declared, &Place::of("tools"))?;
        }
        let messages = messages.ok_or_else(|| Place::of("messages").missing())?;
        blocks::read_all(self, messages, &Place::of("messages"))?;
        if messages.elements().next().is_none() {
            let text = "messages: at least one message is required";
            return Err(Fault::bad_request("messages", text));
        }
        self.turn.tools = std::mem::take(&mut self.offers).settle(self.notes);
        self.settle_thinking();
        Ok(())
    }

    pub(super) fn settings(&mut self) -> &mut Settings<'a> {
        &mut self.turn.settings
    }

    /// Passes a member on under OpenAI's name for it.
    pub(super) fn share(&mut self, key: &str, raw: &'a str) {
        if let Some(row) = TABLE.find(Section::Field, key) {
            self.share_as(row.path, raw);
        }
    }

    pub(super) fn share_as(&mut self, name: &'static str, raw: &'a str) {
        let shared = &mut self.settings().shared;
        shared.retain(|(known, _)| *known != name);
        shared.push((name, raw));
    }

    /// Notes or refuses a member by the closed-world table.
    pub(super) fn leftover(&mut self, section: Section, of: &str, key: &str) -> Result<(), Fault> {
        TABLE.leftover(section, of, key, self.notes)
    }

    /// Notes the members of a block that nothing has read.
    pub(super) fn rest(
        &mut self,
        block: Value<'_, '_>,
        kind: &str,
        read: &[&str],
    ) -> Result<(), Fault> {
        for (key, value) in block.members() {
            let key = key.text();
            let says = match value.kind() {
                Kind::Null => false,
                Kind::Array => value.elements().next().is_some(),
                _ => true,
            };
            if says && key != "type" && !read.contains(&key.as_ref()) {
                self.leftover(Section::Block, kind, &key)?;
            }
        }
        Ok(())
    }

    fn system(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        let place = Place::of("system");
        let mut parts = Vec::new();
        match value.kind() {
            Kind::String => parts.push(Part::Text(value.as_str().unwrap_or_default())),
            Kind::Array => {
                for (index, block) in value.elements().enumerate() {
                    let place = place.element(index);
                    object(block, &place)?;
                    let kind = super::place::text(block, "type", &place)?;
                    let said = optional(block, "text").unwrap_or_default();
                    if said.escaped().starts_with(BILLING) {
                        self.notes.add(Code::BillingHeader, "system[]");
                        continue;
                    }
                    blocks::part(self, block, &kind.text(), &mut parts, &place)?;
                }
            }
            other => {
                let expected = "a string or a list of blocks";
                return Err(Fault::wrong_type("system", expected, other));
            }
        }
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        if !parts.is_empty() {
            self.turn.items.push(Item::Message { role: Role::System, parts });
        }
        self.leading = self.turn.items.len();
        Ok(())
    }

    fn stop_sequences(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        let place = Place::of("stop_sequences");
        expect(value, Kind::Array, place)?;
        for (index, text) in value.elements().enumerate() {
            let text = string(text, place.element(index))?;
            self.settings().stop.push(text);
        }
        Ok(())
    }
}
