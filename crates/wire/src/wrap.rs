//! Tools that take something else than a JSON object, as functions: for targets that know nothing
//! else. The names that come back are [`crate::names`]'s business, and unwrapping is
//! [`crate::partial::InputReader`]'s.

use crate::json::{Escaped, Kind, Tape};
use crate::note::{Code, Notes};
use crate::schema;
use crate::target::Target;
use crate::turn::{Grammar, Payload, Tool, ToolKind};
use std::borrow::Cow;

const INPUT: &str = r#"{"type":"object","properties":{"input":{"type":"string","description":"The tool's whole input, as plain text."}},"required":["input"],"additionalProperties":false}"#;
const SHELL: &str = r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"The program and its arguments."},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"}},"required":["command"]}"#;

/// `,"description":"…"`, with the grammar that a function cannot be told otherwise; nothing where
/// there is nothing to say.
pub(crate) fn description(tool: &Tool<'_>, out: &mut String) {
    let grammar = match &tool.kind {
        ToolKind::Custom { grammar } => grammar.as_ref(),
        ToolKind::Function { .. }
        | ToolKind::ToolSearch { .. }
        | ToolKind::LocalShell
        | ToolKind::WebSearch(_) => None,
    };
    if tool.description.is_none() && grammar.is_none() {
        return;
    }
    out.push_str(r#","description":""#);
    out.push_str(tool.description.as_ref().map_or("", Escaped::escaped));
    if let Some(Grammar { syntax, definition }) = grammar {
        out.push_str(r"\n\nThe `input` string must follow this ");
        out.push_str(syntax.escaped());
        out.push_str(r" grammar:\n");
        out.push_str(definition.escaped());
    }
    out.push('"');
}

/// The schema of the function that stands for `tool`.
pub(crate) fn parameters<'a>(tool: &Tool<'a>, target: &Target, notes: &mut Notes) -> Cow<'a, str> {
    match &tool.kind {
        ToolKind::Function { parameters, .. } | ToolKind::ToolSearch { parameters } => {
            schema::accepted(*parameters, target, notes)
        }
        ToolKind::Custom { .. } => Cow::Borrowed(INPUT),
        ToolKind::LocalShell => Cow::Borrowed(SHELL),
        // Never declared as a function.
        ToolKind::WebSearch(_) => Cow::Borrowed("{}"),
    }
}

/// Appends what a call of the history was called with, as a JSON object inside of a JSON string:
/// servers read it as one.
pub(crate) fn arguments(
    payload: &Payload<'_>,
    tape: &mut Tape,
    notes: &mut Notes,
    out: &mut String,
) {
    match payload {
        Payload::Arguments(text) => {
            let plain = text.text();
            if tape.read(&plain).is_ok_and(|value| value.kind() == Kind::Object) {
                out.push_str(text.escaped());
            } else if plain.trim().is_empty() {
                out.push_str("{}");
            } else {
                notes.add(Code::ArgumentsRepaired, "input[].arguments");
                wrapped("arguments", text, out);
            }
        }
        Payload::Object(raw) => out.push_str(Escaped::plain(raw).escaped()),
        Payload::Input(text) => wrapped("input", text, out),
    }
}

/// `{"name":"text"}` inside a JSON string.
fn wrapped(name: &str, text: &Escaped<'_>, out: &mut String) {
    out.push_str(r#"{\""#);
    out.push_str(name);
    out.push_str(r#"\":\""#);
    out.push_str(text.escape_again().escaped());
    out.push_str(r#"\"}"#);
}
