//! Settings that both sides know under the same or nearly the same name, in the ranges that Messages
//! servers take.

use crate::json::{Escaped, Tape};
use crate::note::{Code, Notes};
use crate::target::Target;
use crate::turn::{Settings, Turn};
use std::fmt::Write as _;

/// The longest `metadata.user_id`, in characters (Anthropic's API reference).
const MAX_USER: usize = 256;
/// The least `top_p` beside thinking (platform.claude.com, "Extended thinking").
const LEAST_TOP_P: f64 = 0.95;

/// Writes the settings. `thinks` says that the model is asked to think.
pub(super) fn write(
    turn: &Turn<'_>,
    target: &Target,
    thinks: bool,
    notes: &mut Notes,
    out: &mut String,
) {
    let settings = &turn.settings;
    stops(&settings.stop, target, notes, out);
    let has_temperature =
        settings.shared.iter().any(|&(name, _)| name == "temperature" && target.takes(name));
    let mut user = None;
    for &(name, raw) in &settings.shared {
        let known = match name {
            // OpenAI's is for its storage; the only member here is `user_id`.
            "metadata" => false,
            _ => target.takes(name),
        };
        match name {
            _ if !known => notes.add(Code::FieldIgnored, name),
            "temperature" | "top_p" | "top_k" => {
                number(name, raw, thinks, has_temperature, notes, out);
            }
            "service_tier" => tier(raw, notes, out),
            // `safety_identifier` is the newer name for the same.
            "safety_identifier" => user = Some((name, raw)),
            "user" => user = user.or(Some((name, raw))),
            _ => write!(out, ",\"{name}\":{raw}").expect("a String takes every write"),
        }
    }
    if let Some((name, raw)) = user {
        match opaque_user(raw) {
            true => {
                write!(out, ",\"metadata\":{{\"user_id\":{raw}}}")
                    .expect("a String takes every write");
            }
            false => notes.add(Code::FieldIgnored, name),
        }
    }
    unknown(settings, notes);
}

/// What no Messages server knows.
fn unknown(settings: &Settings<'_>, notes: &mut Notes) {
    if settings.verbosity.is_some() {
        notes.add(Code::FieldIgnored, "text.verbosity");
    }
}

fn stops(stops: &[Escaped<'_>], target: &Target, notes: &mut Notes, out: &mut String) {
    if stops.is_empty() {
        return;
    }
    if !target.takes("stop") {
        return notes.add(Code::FieldIgnored, "stop");
    }
    let mut first = true;
    for stop in stops {
        if stop.text().trim().is_empty() {
            notes.add(Code::StopDropped, "stop");
            continue;
        }
        out.push_str(if std::mem::take(&mut first) { ",\"stop_sequences\":[\"" } else { ",\"" });
        out.push_str(stop.escaped());
        out.push('"');
    }
    if !first {
        out.push(']');
    }
}

fn number(
    name: &'static str,
    raw: &str,
    thinks: bool,
    has_temperature: bool,
    notes: &mut Notes,
    out: &mut String,
) {
    let Ok(value) = raw.parse::<f64>() else {
        // `null` says nothing.
        if raw != "null" {
            notes.add(Code::FieldIgnored, name);
        }
        return;
    };
    let refused = match name {
        // Newer models take one of the two.
        "top_p" if has_temperature => true,
        "temperature" => thinks && value != 1.0,
        "top_p" => thinks && value < LEAST_TOP_P,
        _ => thinks || value.fract() != 0.0,
    };
    if refused {
        return notes.add(Code::SamplingDropped, name);
    }
    let most = if name == "top_k" { f64::MAX } else { 1.0 };
    if (0.0..=most).contains(&value) {
        write!(out, ",\"{name}\":{raw}").expect("a String takes every write");
    } else {
        notes.add(Code::SamplingClamped, name);
        write!(out, ",\"{name}\":{}", value.clamp(0.0, most)).expect("a String takes every write");
    }
}

/// OpenAI's words for what is paid for speed. Anthropic's `auto` uses the bought capacity where there
/// is some, `standard_only` never does (Anthropic's API reference, `service_tier`).
fn tier(raw: &str, notes: &mut Notes, out: &mut String) {
    let (word, is_same) = match raw {
        "\"auto\"" => ("auto", true),
        "\"default\"" => ("standard_only", true),
        "\"priority\"" => ("auto", false),
        "\"standard_only\"" => ("standard_only", true),
        "null" => return,
        _ => return notes.add(Code::FieldIgnored, "service_tier"),
    };
    if !is_same {
        notes.add(Code::TierMapped, "service_tier");
    }
    write!(out, ",\"service_tier\":\"{word}\"").expect("a String takes every write");
}

/// Whether this may be a user's id: Anthropic refuses what is too long or looks like an address or a
/// telephone number (github.com/BerriAI/litellm/pull/10102).
fn opaque_user(raw: &str) -> bool {
    let mut tape = Tape::default();
    let Ok(value) = tape.read(raw) else { return false };
    let Some(text) = value.as_str() else { return false };
    let text = text.text();
    let number = text.chars().filter(char::is_ascii_digit).count() >= 7
        && text.chars().all(|c| c.is_ascii_digit() || " +-().".contains(c));
    !text.is_empty() && text.chars().count() <= MAX_USER && !text.contains('@') && !number
}
