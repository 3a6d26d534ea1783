//! Words that stand for what a target cannot take as it is: a short marker for an image, a text for a
//! summary. Every dialect uses the same. For tools see [`crate::wrap`].

use crate::json::Escaped;
use crate::note::{Code, Notes};
use crate::turn::Part;

/// Writes a part as text, escaped: what it says, or the marker that stands for it.
pub(crate) fn text_of(part: &Part<'_>, at: &'static str, notes: &mut Notes, out: &mut String) {
    match part {
        Part::Text(text) | Part::Refusal(text) => out.push_str(text.escaped()),
        Part::Image { .. } => {
            notes.add(Code::ImageOmitted, at);
            out.push_str("[image omitted: this model cannot see images]");
        }
        Part::File { name, .. } => {
            notes.add(Code::FileOmitted, at);
            out.push_str("[file ");
            out.push_str(name.as_ref().map_or("", Escaped::escaped));
            out.push_str(" omitted: this model cannot read files]");
        }
        Part::Other { kind, code } => {
            notes.add(*code, at);
            out.push('[');
            out.push_str(kind.escaped());
            out.push_str(" omitted: this model cannot take it]");
        }
    }
}

/// What a user says in place of everything before, once it was summed up.
pub(crate) fn summary(summary: &str) -> String {
    format!("Summary of the conversation so far:\n\n{summary}")
}
