//! The table of Chat Completions, theme by theme. A row is a [`Rule`]; what its words leave open the check fills in.

mod body;
mod content;
mod format;
mod messages;
mod rounds;
mod sampling;
mod tools;
mod vendors;

pub(super) use tools::{not_strict, schemas};

use super::{Confidence, Door, Rule, Vendor};

/// The themes. Within a vendor, rows are tried in this order: the more basic fault first.
pub(super) static RULES: &[&[Rule]] = &[
    vendors::RULES,
    body::RULES,
    messages::RULES,
    content::RULES,
    rounds::RULES,
    tools::RULES,
    format::RULES,
    sampling::RULES,
];

/// What rows have in common that quote OpenAI: each row says what differs.
const QUOTED: Rule = Rule {
    id: "",
    vendor: Vendor::Most,
    door: Door::Answer,
    check: |_| None,
    status: 400,
    code: None,
    words: "",
    source: "answers of api.openai.com, as quoted in public issue reports",
    confidence: Confidence::Quoted,
    example: "",
};

/// Rows whose rule is documented or reported, but whose words may differ.
const REPORTED: Rule = Rule {
    source: "OpenAI's API reference for Chat Completions, and public issue reports",
    confidence: Confidence::Reported,
    ..QUOTED
};

/// Rows that follow from a vendor's reference alone; the words are ours.
const INFERRED: Rule = Rule {
    source: "inferred from OpenAI's API reference for Chat Completions",
    confidence: Confidence::Inferred,
    ..QUOTED
};
