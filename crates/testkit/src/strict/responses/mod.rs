//! The refusal table of OpenAI Responses: what `POST /v1/responses` refuses, with status and words.
//! Rows are tried as api.openai.com tries them: the form of the body, of its items, of its tools,
//! then what its state contradicts, then what the model cannot do. The server keeps nothing: it knows
//! its own responses by their ids ([`RESPONSE`]) and its own reasoning by its [`crate::seal`].

mod body;
mod calls;
mod choice;
mod content;
mod items;
mod model;
mod state;
mod text;
mod tools;
mod values;
mod walk;
mod world;

use super::{Confidence, Door, Rule, Vendor};

/// How the ids of responses begin that this server issued.
pub(crate) const RESPONSE: &str = "resp_testkit_";

/// Every row, the more basic fault first.
pub(super) static RULES: &[&[Rule]] = &[
    body::RULES,
    items::RULES,
    content::RULES,
    calls::RULES,
    tools::RULES,
    choice::RULES,
    text::RULES,
    values::RULES,
    state::RULES,
    model::RULES,
];

/// Rows whose words were read off the server in one measurement of many cases.
const MEASURED: Rule = Rule {
    id: "",
    vendor: Vendor::OpenAiResponses,
    door: Door::Both,
    check: |_| None,
    status: 400,
    code: None,
    words: "",
    source: "api.openai.com, measured case by case on 2026-08-31 for the conformance tests of a public local proxy",
    confidence: Confidence::Quoted,
    example: "",
};

/// Rows whose words public reports quote.
const QUOTED: Rule =
    Rule { source: "answers of api.openai.com, as quoted in public issue reports", ..MEASURED };

/// Rows whose rule is documented or reported, but whose words may differ.
const REPORTED: Rule = Rule {
    source: "OpenAI's API reference for Responses, and public issue reports",
    confidence: Confidence::Reported,
    ..MEASURED
};

/// Rows that follow from the reference alone; the words are ours.
const INFERRED: Rule = Rule {
    source: "inferred from OpenAI's API reference for Responses",
    confidence: Confidence::Inferred,
    ..MEASURED
};

#[cfg(test)]
mod tests;
