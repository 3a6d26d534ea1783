//! How the answer should be made: thinking and effort, the form of the answer, the choice of tools,
//! and what is told about the user.

use super::fates::TABLE;
use super::parse::Reader;
use super::place::{Place, object, optional, required, text};
use crate::fates::Section;
use crate::fault::Fault;
use crate::json::{Escaped, Kind, Value};
use crate::members::{boolean, expect, positive, string};
use crate::note::Code;
use crate::strict_schema::is_strict;
use crate::turn::{Effort, Format, Summary, ToolChoice, ToolName};

/// What `thinking` says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Thinking {
    mode: Mode,
    /// Only the signature is wanted.
    omitted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// Nothing: whatever the model thinks is not shown.
    #[default]
    Absent,
    Off,
    /// As much as the model thinks fit.
    Adaptive,
    Budget(u64),
}

/// The effort that a budget in tokens stands for: the highest whose own budget
/// ([`crate::target::EffortMap::budgets`]) it pays.
const fn effort_of(budget: u64) -> Effort {
    match budget {
        0..2_048 => Effort::Minimal,
        2_048..8_192 => Effort::Low,
        8_192..16_384 => Effort::Medium,
        16_384..31_999 => Effort::High,
        31_999.. => Effort::Xhigh,
    }
}

impl<'a> Reader<'_, 'a> {
    pub(super) fn thinking(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        let place = Place::of("thinking");
        object(value, &place)?;
        let kind = text(value, "type", &place)?;
        self.thinking.mode = match kind.text().as_ref() {
            "disabled" => Mode::Off,
            "adaptive" => Mode::Adaptive,
            "between_tools" => {
                self.notes.add(Code::FieldIgnored, "thinking.type=between_tools");
                Mode::Adaptive
            }
            "enabled" => {
                let budget = required(value, "budget_tokens", &place)?;
                self.notes.add(Code::EffortMapped, "thinking.budget_tokens");
                Mode::Budget(positive(budget, place.member("budget_tokens"))?)
            }
            other => {
                let text = format!(
                    "`{other}` is no kind of thinking; known are `adaptive`, `enabled` and `disabled`"
                );
                return Err(Fault::bad_request("thinking.type", text));
            }
        };
        for (key, member) in value.members() {
            match key.text().as_ref() {
                "type" | "budget_tokens" => {}
                _ if member.is_null() => {}
                "display" => {
                    self.thinking.omitted = string(member, place.member("display"))?.is("omitted");
                }
                other => self.leftover(Section::Field, "thinking", other)?,
            }
        }
        Ok(())
    }

    /// Decides about effort and reasoning once everything has been read.
    pub(super) fn settle_thinking(&mut self) {
        let Thinking { mode, omitted } = self.thinking;
        let effort = self.effort.or(match mode {
            Mode::Absent | Mode::Adaptive => None,
            Mode::Off => Some(Effort::None),
            Mode::Budget(budget) => Some(effort_of(budget)),
        });
        let thinks = matches!(mode, Mode::Adaptive | Mode::Budget(_));
        let settings = self.settings();
        settings.effort = effort;
        settings.seal_reasoning = thinks;
        settings.summary = if thinks && !omitted { Summary::Wanted } else { Summary::None };
    }

    /// Reads `output_config` of the request, or that of a message of the role `of`.
    pub(super) fn output_config(
        &mut self,
        value: Value<'_, 'a>,
        of: &str,
        place: &Place<'_>,
    ) -> Result<(), Fault> {
        object(value, place)?;
        for (key, member) in value.members() {
            match key.text().as_ref() {
                _ if member.is_null() => {}
                "effort" => self.effort = Some(effort(member, &place.member("effort"))?),
                "format" if of.is_empty() => {
                    self.settings().format = self.format(member, &place.member("format"))?;
                }
                other if of.is_empty() => self.leftover(Section::Field, "output_config", other)?,
                other => self.leftover(Section::Role, &format!("{of}.output_config"), other)?,
            }
        }
        Ok(())
    }

    /// The form of the answer. Anthropic gives it no name, but others demand one.
    pub(super) fn format(
        &mut self,
        value: Value<'_, 'a>,
        place: &Place<'_>,
    ) -> Result<Format<'a>, Fault> {
        object(value, place)?;
        let kind = text(value, "type", place)?;
        if !kind.is("json_schema") {
            let text = format!("`{}` is not a format; known is `json_schema`", kind.text());
            return Err(Fault::bad_request(place.member("type").to_string(), text));
        }
        let schema = required(value, "schema", place)?;
        expect(schema, Kind::Object, place.member("schema"))?;
        for (key, member) in value.members() {
            let key = key.text();
            if !matches!(key.as_ref(), "type" | "schema" | "name") && !member.is_null() {
                self.leftover(Section::Field, "output_config.format", &key)?;
            }
        }
        Ok(Format::JsonSchema {
            name: optional(value, "name").unwrap_or(Escaped::plain("answer")),
            description: None,
            schema: schema.raw(),
            // Anthropic always follows the schema; others where they promise to.
            strict: is_strict(schema.raw()).then_some(true),
        })
    }

    pub(super) fn tool_choice(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        let place = Place::of("tool_choice");
        object(value, &place)?;
        let kind = text(value, "type", &place)?;
        self.turn.tool_choice = match kind.text().as_ref() {
            "auto" => ToolChoice::Auto,
            "any" => ToolChoice::Required,
            "none" => ToolChoice::None,
            "tool" => {
                ToolChoice::Named(ToolName { namespace: None, name: text(value, "name", &place)? })
            }
            other => {
                let text = format!(
                    "`{other}` is not a tool choice; known are `auto`, `any`, `tool` and `none`"
                );
                return Err(Fault::bad_request("tool_choice.type", text));
            }
        };
        for (key, member) in value.members() {
            match key.text().as_ref() {
                "type" | "name" => {}
                _ if member.is_null() => {}
                "disable_parallel_tool_use" => {
                    let disabled = boolean(member, place.member("disable_parallel_tool_use"))?;
                    self.settings().parallel_tool_calls = disabled.then_some(false);
                }
                other => self.leftover(Section::Field, "tool_choice", other)?,
            }
        }
        Ok(())
    }

    pub(super) fn metadata(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        let place = Place::of("metadata");
        object(value, &place)?;
        for (key, member) in value.members() {
            match key.text().as_ref() {
                _ if member.is_null() => {}
                "user_id" => {
                    let id = string(member, place.member("user_id"))?;
                    if names_a_device(&id.text()) {
                        self.notes.add(Code::ClientIds, "metadata.user_id");
                    } else if !id.is_empty() {
                        self.share_as("user", member.raw());
                    }
                }
                other => self.leftover(Section::Field, "metadata", other)?,
            }
        }
        Ok(())
    }

    /// `auto` and `standard_only` are what happens unasked; another word is the user's own.
    pub(super) fn service_tier(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        let tier = string(value, "service_tier")?;
        if !tier.is("auto") && !tier.is("standard_only") {
            self.share_as("service_tier", value.raw());
        }
        Ok(())
    }

    /// To begin a conversation that the server remembers is harmless, to go on with one is not.
    pub(super) fn thread(&mut self, value: Value<'_, 'a>) -> Result<(), Fault> {
        let place = Place::of("thread");
        object(value, &place)?;
        if text(value, "type", &place)?.is("create") {
            self.notes.add(Code::NotStored, "thread.type=create");
            return Ok(());
        }
        Err(TABLE.refusal("thread"))
    }
}

fn effort(value: Value<'_, '_>, place: &Place<'_>) -> Result<Effort, Fault> {
    let word = string(value, place)?;
    Effort::from_name(&word.text()).ok_or_else(|| {
        let known = "`low`, `medium`, `high`, `xhigh` and `max`";
        let text = format!("`{}` is not an effort; known are {known}", word.text());
        Fault::bad_request(place.to_string(), text)
    })
}

/// Whether an id tells of the user's device, account and session, as Claude Code's does: a JSON
/// object, and before that `user_…_account_…_session_…`.
fn names_a_device(id: &str) -> bool {
    let id = id.trim_start();
    id.starts_with('{') || (id.starts_with("user_") && id.contains("_session_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::EffortMap;

    #[test]
    fn the_budget_of_each_effort_stands_for_that_effort() {
        for row in EffortMap::budgets().rows() {
            let json = &row.members[0].json;
            let budget = json.split_once("\"budget_tokens\":").map(|(_, rest)| rest);
            let Some(budget) = budget.and_then(|rest| rest.trim_end_matches('}').parse().ok())
            else {
                assert_eq!(row.acts_as, Effort::None, "{json}");
                continue;
            };
            assert_eq!(effort_of(budget), row.acts_as, "{json}");
        }
    }

    #[test]
    fn ids_of_devices_are_told_from_names_of_users() {
        for id in ["{\"device_id\":\"x\"}", "user_0f_account__session_00-1"] {
            assert!(names_a_device(id), "{id}");
        }
        for id in ["ada", "user_17", "13803d75-b4b5"] {
            assert!(!names_a_device(id), "{id}");
        }
    }
}
