//! A [`Turn`] to a Chat Completions request.

use super::history;
use crate::fault::Fault;
use crate::json::{Escaped, quote_into};
use crate::names::Names;
use crate::note::{Code, Notes};
use crate::strict_schema::is_strict;
use crate::target::{MaxTokens, Quirk, Rendered, Structured, Target};
use crate::turn::{Format, Tool, ToolChoice, ToolKind, Turn, Vault};
use crate::wrap;
use std::fmt::Write as _;

/// Writes the request into `out`, which should have room for it.
///
/// # Errors
/// The turn demands what the target cannot do and what must not be left out.
pub fn render(
    turn: &Turn<'_>,
    target: &Target,
    vault: &dyn Vault,
    out: String,
    notes: &mut Notes,
) -> Result<Rendered, Fault> {
    let mut out = out;
    let mut names = Names::default();
    let offered = offered(turn, target, notes, &mut names);
    out.push_str("{\"model\":");
    quote_into(&target.model, &mut out);
    out.push_str(",\"messages\":[");
    if !history::write(&turn.items, target, &names, vault, notes, &mut out) {
        let text = "the conversation holds nothing that this model can be told";
        return Err(Fault::bad_request("input", text));
    }
    out.push(']');
    if !offered.is_empty() {
        out.push_str(",\"tools\":[");
        for (index, (tool, wire)) in offered.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            declaration(tool, wire, target, notes, &mut out);
        }
        out.push(']');
    }
    settings(turn, target, &names, notes, &mut out);
    out.push('}');
    Ok(Rendered { body: out, names })
}

/// The tools that the model is told of, each with its name on the wire.
fn offered<'t, 'a>(
    turn: &'t Turn<'a>,
    target: &Target,
    notes: &mut Notes,
    names: &mut Names,
) -> Vec<(&'t Tool<'a>, String)> {
    let mut offered = Vec::with_capacity(turn.tools.len());
    if matches!(turn.tool_choice, ToolChoice::None) && !target.tool_choice.none {
        // Not to offer them is the same as to forbid them all.
        return offered;
    }
    for tool in &turn.tools {
        if !turn.tool_choice.allows(&tool.name) {
            continue;
        }
        if !target.tools || target.max_tools.is_some_and(|max| names.len() >= max) {
            notes.add(Code::ToolsCut, "tools[]");
            continue;
        }
        match &tool.kind {
            ToolKind::WebSearch(_) => notes.add(Code::ToolDropped, "tools[].web_search"),
            ToolKind::Custom { .. } => notes.add(Code::CustomTool, "tools[].custom"),
            ToolKind::Function { .. } | ToolKind::ToolSearch { .. } | ToolKind::LocalShell => {}
        }
        if let Some(wire) = names.declare(tool) {
            offered.push((tool, wire.to_owned()));
        }
    }
    offered
}

fn declaration(tool: &Tool<'_>, wire: &str, target: &Target, notes: &mut Notes, out: &mut String) {
    out.push_str(r#"{"type":"function","function":{"name":""#);
    out.push_str(wire);
    out.push('"');
    wrap::description(tool, out);
    out.push_str(",\"parameters\":");
    let parameters = wrap::parameters(tool, target, notes);
    out.push_str(&parameters);
    if let ToolKind::Function { strict, .. } = tool.kind {
        match strict {
            Some(true) if !target.strict_tools || !is_strict(&parameters) => {
                notes.add(Code::StrictIgnored, "tools[].strict");
            }
            Some(strict) if target.strict_tools => {
                write!(out, ",\"strict\":{strict}").expect("a String takes every write");
            }
            Some(_) | None => {}
        }
    }
    out.push_str("}}");
}

fn settings(turn: &Turn<'_>, target: &Target, names: &Names, notes: &mut Notes, out: &mut String) {
    tool_choice(&turn.tool_choice, target, names, notes, out);
    let settings = &turn.settings;
    if let Some(parallel) = settings.parallel_tool_calls.filter(|_| !names.is_empty()) {
        if target.takes("parallel_tool_calls") {
            write!(out, ",\"parallel_tool_calls\":{parallel}").expect("a String takes every write");
        } else if !parallel {
            notes.add(Code::ParallelIgnored, "parallel_tool_calls");
        }
    }
    format(turn, target, notes, out);
    if let Some(verbosity) = &settings.verbosity {
        if target.takes("verbosity") {
            out.push_str(",\"verbosity\":\"");
            out.push_str(verbosity.escaped());
            out.push('"');
        } else {
            notes.add(Code::FieldIgnored, "text.verbosity");
        }
    }
    if let Some(asked) = settings.max_output_tokens {
        let limit = target.max_output_tokens.map_or(asked, |max| max.min(asked));
        if limit < asked {
            notes.add(Code::MaxTokensClamped, "max_output_tokens");
        }
        let member = match target.max_tokens {
            MaxTokens::Classic => "max_tokens",
            MaxTokens::Completion => "max_completion_tokens",
        };
        write!(out, ",\"{member}\":{limit}").expect("a String takes every write");
    }
    stop(&settings.stop, target, notes, out);
    for &(name, raw) in &settings.shared {
        if target.takes(name) {
            write!(out, ",\"{name}\":{raw}").expect("a String takes every write");
        } else {
            notes.add(Code::FieldIgnored, name);
        }
    }
    if let Some(key) = settings.cache_key().filter(|_| target.takes("prompt_cache_key")) {
        write!(out, ",\"prompt_cache_key\":\"{key}\"").expect("a String takes every write");
    }
    effort(turn, target, notes, out);
    if settings.stream {
        out.push_str(",\"stream\":true");
        if target.takes("stream_options") {
            out.push_str(r#","stream_options":{"include_usage":true}"#);
        }
    }
}

/// The most texts at which the model stops (OpenAI's API reference, `stop`).
const MAX_STOPS: usize = 4;

fn stop(texts: &[Escaped<'_>], target: &Target, notes: &mut Notes, out: &mut String) {
    if texts.is_empty() {
        return;
    }
    if !target.takes("stop") {
        return notes.add(Code::FieldIgnored, "stop");
    }
    let most = if target.has(Quirk::OneStop) { 1 } else { MAX_STOPS };
    if texts.len() > most {
        notes.add(Code::StopDropped, "stop");
    }
    out.push_str(",\"stop\":[");
    for (index, text) in texts.iter().take(most).enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        out.push_str(text.escaped());
        out.push('"');
    }
    out.push(']');
}

fn tool_choice(
    choice: &ToolChoice<'_>,
    target: &Target,
    names: &Names,
    notes: &mut Notes,
    out: &mut String,
) {
    if names.is_empty() {
        if matches!(
            choice,
            ToolChoice::Required | ToolChoice::Named(_) | ToolChoice::Allowed { .. }
        ) {
            notes.add(Code::ToolChoice, "tool_choice");
        }
        return;
    }
    let required = |out: &mut String, notes: &mut Notes| {
        if target.tool_choice.required {
            out.push_str(r#","tool_choice":"required""#);
        } else {
            notes.add(Code::ToolChoice, "tool_choice");
        }
    };
    match choice {
        ToolChoice::Auto | ToolChoice::Allowed { required: false, .. } => {}
        ToolChoice::None => out.push_str(r#","tool_choice":"none""#),
        ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => required(out, notes),
        ToolChoice::Named(name) => match names.declared(name) {
            Some(wire) if target.tool_choice.named => {
                out.push_str(r#","tool_choice":{"type":"function","function":{"name":""#);
                out.push_str(wire);
                out.push_str("\"}}");
            }
            Some(_) => {
                if target.tool_choice.required {
                    notes.add(Code::ToolChoice, "tool_choice");
                }
                required(out, notes);
            }
            None => notes.add(Code::ToolChoice, "tool_choice.name"),
        },
    }
}

fn format(turn: &Turn<'_>, target: &Target, notes: &mut Notes, out: &mut String) {
    // OpenAI, DeepSeek and others refuse `json_object` unless the prompt mentions JSON.
    let mentions_json = || {
        turn.items.iter().any(|item| match item {
            crate::turn::Item::Message { parts, .. } => parts.iter().any(|part| match part {
                crate::turn::Part::Text(text) => {
                    memchr::memmem::find(text.escaped().as_bytes(), b"json").is_some()
                        || memchr::memmem::find(text.escaped().as_bytes(), b"JSON").is_some()
                }
                _ => false,
            }),
            _ => false,
        })
    };
    match (&turn.settings.format, target.structured) {
        (Format::Text, _) => {}
        (Format::JsonSchema { name, description, schema, strict }, Structured::Schema) => {
            out.push_str(r#","response_format":{"type":"json_schema","json_schema":{"name":""#);
            out.push_str(name.escaped());
            out.push('"');
            if let Some(description) = description {
                out.push_str(",\"description\":\"");
                out.push_str(description.escaped());
                out.push('"');
            }
            if let Some(strict) = strict {
                write!(out, ",\"strict\":{strict}").expect("a String takes every write");
            }
            out.push_str(",\"schema\":");
            out.push_str(schema);
            out.push_str("}}");
        }
        (Format::JsonObject, Structured::Schema) if mentions_json() && !target.has(Quirk::NoJsonObject) => {
            out.push_str(r#","response_format":{"type":"json_object"}"#);
        }
        // The same wish in words that nobody refuses.
        (Format::JsonObject, Structured::Schema) => out.push_str(
            r#","response_format":{"type":"json_schema","json_schema":{"name":"object","schema":{"type":"object"}}}"#,
        ),
        (format, Structured::Object) if mentions_json() => {
            if matches!(format, Format::JsonSchema { .. }) {
                notes.add(Code::SchemaAsObject, "text.format");
            }
            out.push_str(r#","response_format":{"type":"json_object"}"#);
        }
        (_, Structured::Object | Structured::None) => notes.add(Code::FormatIgnored, "text.format"),
    }
}

fn effort(turn: &Turn<'_>, target: &Target, notes: &mut Notes, out: &mut String) {
    let row = turn.settings.effort.and_then(|effort| match target.efforts.get(effort) {
        Some(row) => {
            if row.acts_as != effort {
                notes.add(Code::EffortMapped, "reasoning.effort");
            }
            Some(row)
        }
        None => {
            notes.add(Code::EffortIgnored, "reasoning.effort");
            None
        }
    });
    let members = row.map_or(&[][..], |row| &row.members);
    let overridden = |name: &str| members.iter().any(|member| member.name == name);
    let always = target.always.iter().filter(|member| !overridden(&member.name));
    for member in always.chain(members) {
        write!(out, ",\"{}\":{}", member.name, member.json).expect("a String takes every write");
    }
}
