//! The settings of an alias, where the request has none of its own: in a turn that is translated,
//! or as members of a body that is passed on.

use wire::dialect::Dialect;
use wire::envelope::{Change, edited};
use wire::json::{Escaped, Kind, Tape, Value};
use wire::note::{Code, Notes};
use wire::turn::Turn;

use crate::config::Settings;

/// Completes a turn.
pub(super) fn complete<'a>(alias: &Settings, turn: &mut Turn<'a>, notes: &mut Notes) {
    let settings = &mut turn.settings;
    let mut used = |at: &'static str| notes.add(Code::AliasDefault, at);
    if settings.effort.is_none() && alias.effort.is_some() {
        settings.effort = alias.effort;
        used("reasoning.effort");
    }
    if settings.max_output_tokens.is_none() && alias.max_output_tokens.is_some() {
        settings.max_output_tokens = alias.max_output_tokens;
        used("max_output_tokens");
    }
    if let (None, Some(verbosity)) = (&settings.verbosity, alias.verbosity) {
        settings.verbosity = Some(Escaped::plain(verbosity.name()));
        used("text.verbosity");
    }
    let tiered = settings.shared.iter().any(|(name, _)| *name == "service_tier");
    if alias.fast == Some(true) && !tiered {
        settings.shared.push(("service_tier", "\"priority\""));
        used("service_tier");
    }
}

/// The members that a request in `dialect` gets: name and raw JSON.
pub(super) fn members(
    alias: &Settings,
    dialect: Dialect,
    root: Value<'_, '_>,
    notes: &mut Notes,
) -> Vec<(&'static str, String)> {
    let has = |name: &str| root.get(name).is_some_and(|value| !value.is_null());
    let mut members = Vec::new();
    let mut add = |name: &'static str, raw: String| {
        notes.add(Code::AliasDefault, name);
        members.push((name, raw));
    };
    // An object gets the member that it lacks; nothing where it has one. What is no object stays for
    // the upstream to refuse.
    let within = |of: &str, name: &str, word: &str| -> Option<String> {
        let raw = format!("\"{word}\"");
        let Some(object) = root.get(of).and_then(Value::non_null) else {
            return Some(format!("{{\"{name}\":{raw}}}"));
        };
        let given = object.get(name).is_some_and(|value| !value.is_null());
        if given || object.kind() != Kind::Object {
            return None;
        }
        let text = object.raw();
        let mut tape = Tape::default();
        let object = tape.read(text).ok()?;
        Some(edited(text, object, &[(name, Change::Set(&raw))]))
    };
    if let Some(effort) = alias.effort {
        match dialect {
            Dialect::Chat if !has("reasoning_effort") => {
                add("reasoning_effort", format!("\"{}\"", effort.name()));
            }
            Dialect::Chat => {}
            Dialect::Responses => {
                if let Some(raw) = within("reasoning", "effort", effort.name()) {
                    add("reasoning", raw);
                }
            }
            Dialect::Messages => {
                if let Some(raw) = within("output_config", "effort", effort.name()) {
                    add("output_config", raw);
                }
            }
        }
    }
    if let Some(limit) = alias.max_output_tokens {
        let (name, other) = match dialect {
            Dialect::Chat => ("max_completion_tokens", "max_tokens"),
            Dialect::Responses => ("max_output_tokens", "max_output_tokens"),
            Dialect::Messages => ("max_tokens", "max_tokens"),
        };
        if !has(name) && !has(other) {
            add(name, limit.to_string());
        }
    }
    if let Some(verbosity) = alias.verbosity {
        match dialect {
            Dialect::Chat if !has("verbosity") => {
                add("verbosity", format!("\"{}\"", verbosity.name()));
            }
            Dialect::Responses => {
                if let Some(raw) = within("text", "verbosity", verbosity.name()) {
                    add("text", raw);
                }
            }
            // Messages has no such member.
            Dialect::Chat | Dialect::Messages => {}
        }
    }
    if alias.fast == Some(true) && dialect != Dialect::Messages && !has("service_tier") {
        add("service_tier", "\"priority\"".to_owned());
    }
    members
}
