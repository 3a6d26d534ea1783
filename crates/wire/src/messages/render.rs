//! A [`Turn`] to a Messages request.

use super::cache::MARK;
use super::declare::Offered;
use super::history::{self, For};
use super::sampling;
use super::schemas;
use super::think::{Plan, Thinking};
use crate::fault::Fault;
use crate::json::{Tape, quote_into};
use crate::names::Names;
use crate::note::{Code, Notes};
use crate::target::{Rendered, Structured, Target};
use crate::turn::{Format, Turn, Vault};
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
    let offered = Offered::of(turn, target, &mut names, notes);
    let mut plan = Plan::of(turn, target, notes);
    out.push_str("{\"model\":");
    quote_into(&target.model, &mut out);
    out.push_str(",\"max_tokens\":");
    let limit = out.len();
    write!(out, "{}", plan.max_tokens).expect("a String takes every write");
    let limit = limit..out.len();
    let has_system = system(turn, target, notes, &mut out);
    offered.write(target, notes, &mut out);
    out.push_str(",\"messages\":[");
    let to = For { target, names: &names, vault, thinking: plan.thinking, has_system };
    if !messages(turn, to, &mut plan, notes, &mut out) {
        let text = "the conversation holds nothing that this model can be told";
        return Err(Fault::bad_request("input", text));
    }
    out.push(']');
    if plan.thinking == Thinking::Off {
        // It may have been left out on the way.
        out.replace_range(limit, &plan.max_tokens.to_string());
    }
    let thinks = plan.thinking.is_asked();
    offered.write_choice(turn, &names, thinks, target, notes, &mut out);
    if let Some(member) = &plan.member {
        write!(out, ",\"thinking\":{member}").expect("a String takes every write");
    }
    output_config(turn, &plan, target, notes, &mut out);
    for member in &plan.others {
        write!(out, ",\"{}\":{}", member.name, member.json).expect("a String takes every write");
    }
    sampling::write(turn, target, thinks, notes, &mut out);
    if turn.settings.stream {
        out.push_str(",\"stream\":true");
    }
    out.push('}');
    Ok(Rendered { body: out, names })
}

/// Writes the member `system` and says whether there is one.
fn system(turn: &Turn<'_>, target: &Target, notes: &mut Notes, out: &mut String) -> bool {
    let before = out.len();
    out.push_str(",\"system\":[");
    let from = out.len();
    history::system(&turn.items, notes, out);
    if out.len() == from {
        out.truncate(before);
        return false;
    }
    if target.takes("cache_control") {
        out.insert_str(out.len() - 1, MARK);
    }
    out.push(']');
    true
}

/// Writes the messages and says whether there are any. Thinking that the history forbids is left
/// out: then they are written once more, without the thoughts.
fn messages(
    turn: &Turn<'_>,
    to: For<'_>,
    plan: &mut Plan<'_>,
    notes: &mut Notes,
    out: &mut String,
) -> bool {
    // An endpoint that takes thinking without a signature does not look for it either.
    let is_checked = plan.thinking == Thinking::Budget && !to.target.unsigned_thinking;
    let before = is_checked.then(|| (notes.clone(), out.len()));
    let written = history::write(&turn.items, to, notes, out);
    match before {
        Some((mut as_before, from)) if written.lacks_thought => {
            plan.leave_out(turn, to.target, &mut as_before);
            *notes = as_before;
            out.truncate(from);
            history::write(&turn.items, For { thinking: plan.thinking, ..to }, notes, out).any
        }
        _ => written.any,
    }
}

/// Writes what the effort sends in it, and the form of the answer.
fn output_config(
    turn: &Turn<'_>,
    plan: &Plan<'_>,
    target: &Target,
    notes: &mut Notes,
    out: &mut String,
) {
    let schema = match (&turn.settings.format, target.structured) {
        (Format::Text, _) => None,
        (Format::JsonSchema { schema, .. }, Structured::Schema)
            if schemas::can_be_followed(schema) =>
        {
            Some(*schema)
        }
        // Every object must be closed, so no schema allows just any object.
        (Format::JsonObject | Format::JsonSchema { .. }, _) => {
            notes.add(Code::FormatIgnored, "text.format");
            None
        }
    };
    let Some(schema) = schema else {
        if let Some(raw) = plan.output_config {
            write!(out, ",\"output_config\":{raw}").expect("a String takes every write");
        }
        return;
    };
    out.push_str(",\"output_config\":{");
    let mut tape = Tape::default();
    if let Some(Ok(config)) = plan.output_config.map(|raw| tape.read(raw)) {
        for (key, value) in config.members().filter(|(key, _)| !key.is("format")) {
            write!(out, "\"{}\":{},", key.escaped(), value.raw())
                .expect("a String takes every write");
        }
    }
    out.push_str(r#""format":{"type":"json_schema","schema":"#);
    out.push_str(&schemas::of_answer(schema, notes));
    out.push_str("}}");
}
