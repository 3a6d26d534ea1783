//! What contradicts the server's state, or itself: responses and items that it does not keep,
//! sealed reasoning that it did not issue, calls without outputs and outputs without calls.

use serde_json::Value;

use super::super::walk::{at, found, given, list};
use super::super::{Finding, Rule};
use super::items::ids;
use super::walk::{items, items_of, kind_of};
use super::{INFERRED, MEASURED, QUOTED, RESPONSE};
use crate::seal::is_seal_of;

/// Calls that a client answers: the kind, the kind of its output, what the words call it.
const PAIRS: [(&str, &str, &str); 7] = [
    ("function_call", "function_call_output", "function call"),
    ("custom_tool_call", "custom_tool_call_output", "custom tool call"),
    ("tool_search_call", "tool_search_output", "tool search call"),
    ("local_shell_call", "local_shell_call_output", "local shell call"),
    ("shell_call", "shell_call_output", "shell call"),
    ("apply_patch_call", "apply_patch_call_output", "apply patch call"),
    ("computer_call", "computer_call_output", "computer call"),
];

/// Whether earlier items stand elsewhere, so that calls may too.
fn continues(body: &Value) -> bool {
    ["previous_response_id", "conversation"].iter().any(|name| given(body, name).is_some())
}

/// The id by which a call and its output know each other. What the server ran itself has none.
fn call_id(item: &Value) -> Option<&str> {
    let own = |name: &str| item[name].as_str().filter(|id| !id.is_empty());
    match kind_of(item) {
        _ if item["execution"] == "server" => None,
        // The SDK's output of a local shell has an id alone, which is that of the call.
        "local_shell_call_output" => own("call_id").or_else(|| own("id")),
        _ => own("call_id"),
    }
}

/// The first item of one side whose other side is missing; `{what}` says which call.
fn unpaired(body: &Value, calls: bool) -> Option<Finding> {
    items(body).enumerate().find_map(|(number, (_, item))| {
        let (call, output, name) = PAIRS
            .into_iter()
            .find(|(call, output, _)| kind_of(item) == *if calls { call } else { output })?;
        let other = if calls { output } else { call };
        let id = call_id(item)?;
        // An output that stands before its call answers nothing.
        let is_partner = |(at, (_, other_item)): (usize, (String, &Value))| {
            kind_of(other_item) == other
                && call_id(other_item) == Some(id)
                && if calls { at > number } else { at < number }
        };
        if items(body).enumerate().any(is_partner) {
            return None;
        }
        let what =
            if calls { format!("{name} {id}") } else { format!("{name} output with call_id {id}") };
        found("input", what)
    })
}

/// The first value that an earlier item had already.
fn twice<'a>(values: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = Vec::new();
    for value in values {
        if seen.contains(&value) {
            return Some(value);
        }
        seen.push(value);
    }
    None
}

/// Whether an item can be what a reasoning item led to.
fn is_generated(item: &Value) -> bool {
    match kind_of(item) {
        "message" => item["role"] == "assistant",
        kind => !kind.ends_with("_output"),
    }
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-conversation-and-previous",
        check: |body| {
            given(body, "conversation")?;
            given(body, "previous_response_id")?;
            at("")
        },
        code: Some("mutually_exclusive_parameters"),
        words: "Mutually exclusive parameters: ''. Ensure you are only providing one of: 'previous_response_id' or 'conversation'.",
        example: r#"{"model":"m","input":"x","conversation":"conv_1","previous_response_id":"resp_testkit_1"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-conversation-unknown",
        check: |body| {
            let conversation = given(body, "conversation")?;
            let id = conversation["id"].as_str().or_else(|| conversation.as_str());
            found("", id.unwrap_or_default())
        },
        status: 404,
        words: "Conversation with id '{what}' not found.",
        example: r#"{"model":"m","input":"x","conversation":"conv_1"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-prompt-unknown",
        check: |body| found("", given(body, "prompt")?["id"].as_str().unwrap_or_default()),
        status: 404,
        words: "Prompt with id '{what}' not found.",
        example: r#"{"model":"m","input":"x","prompt":{"id":"pmpt_1"}}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-previous-unknown",
        check: |body| {
            let id = given(body, "previous_response_id")?.as_str()?;
            if id.starts_with(RESPONSE) { None } else { found("previous_response_id", id) }
        },
        code: Some("previous_response_not_found"),
        words: "Previous response with id '{what}' not found.",
        source: "measured on 2026-08-31; github.com/maximhq/bifrost/issues/2441",
        example: r#"{"model":"m","input":"x","previous_response_id":"resp_1"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-input-empty",
        check: |body| {
            let empty = body["input"] == "" || body["input"] == serde_json::json!([]);
            if empty && !continues(body) { at("") } else { None }
        },
        code: Some("missing_required_parameter"),
        words: "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
        example: r#"{"model":"m","input":[],"instructions":"x"}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-background-unstored",
        check: |body| {
            if body["background"] == true && body["store"] == false {
                at("background")
            } else {
                None
            }
        },
        words: "Invalid '{at}': a background response requires 'store' to be true.",
        source: "OpenAI's guide to background mode: stateless requests are refused",
        example: r#"{"model":"m","input":"x","background":true,"store":false}"#,
        ..INFERRED
    },
    Rule {
        id: "responses-item-reference-unknown",
        check: |body| {
            let (_, item) = items_of(body, "item_reference").next()?;
            found("input", item["id"].as_str().unwrap_or_default())
        },
        status: 404,
        words: "Item with id '{what}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.",
        source: "github.com/can1357/oh-my-pi/issues/41, github.com/anomalyco/opencode/issues/7724",
        example: r#"{"model":"m","input":[{"type":"item_reference","id":"msg_1"},{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-reasoning-unstored",
        check: |body| {
            let (_, item) = items_of(body, "reasoning").find(|(_, item)| {
                item["id"].is_string()
                    && item["encrypted_content"].as_str().is_none_or(str::is_empty)
            })?;
            found("input", item["id"].as_str().unwrap_or_default())
        },
        status: 404,
        words: "Item with id '{what}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.",
        source: "github.com/can1357/oh-my-pi/issues/41, github.com/anomalyco/opencode/issues/7724",
        example: r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[]},{"role":"assistant","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-sealed-by-another",
        check: |body| {
            let foreign = |item: &Value| {
                let seal = match kind_of(item) {
                    "reasoning" | "compaction" => item["encrypted_content"].as_str()?,
                    _ => return None,
                };
                let shown: String = list(item, "", "summary")
                    .filter_map(|(_, part)| part["text"].as_str())
                    .collect();
                (!seal.is_empty() && !is_seal_of(seal, &shown)).then(|| seal.to_owned())
            };
            let seal = items(body).find_map(|(_, item)| foreign(item))?;
            let letters: Vec<char> = seal.chars().collect();
            let head: String = letters.iter().take(4).collect();
            let tail: String = letters[letters.len().saturating_sub(4)..].iter().collect();
            found("", format!("{head}...{tail}"))
        },
        code: Some("invalid_encrypted_content"),
        words: "The encrypted content {what} could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
        source: "github.com/openai/codex/issues/8145, github.com/Wei-Shaw/sub2api/issues/2863",
        example: r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAAAABelsewhere"},{"role":"assistant","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-reasoning-without-following",
        check: |body| {
            let all: Vec<_> = items(body).map(|(_, item)| item).collect();
            let dangling = |number: usize| {
                let next = all[number + 1..].iter().find(|next| kind_of(next) != "reasoning");
                kind_of(all[number]) == "reasoning" && !next.is_some_and(|next| is_generated(next))
            };
            let number = (0..all.len()).find(|number| dangling(*number))?;
            found("input", all[number]["id"].as_str().unwrap_or_default())
        },
        words: "Item '{what}' of type 'reasoning' was provided without its required following item.",
        source: "github.com/continuedev/continue/issues/8933, github.com/vercel/ai/issues/7099",
        example: r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"sig-testkit"},{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-item-id-twice",
        check: |body| found("input", twice(ids(body).map(|(_, id, _)| id))?),
        words: "Duplicate item found with id {what}. Remove duplicate items from your input and try again.",
        source: "github.com/continuedev/continue/issues/10723, github.com/earendil-works/pi/issues/5165",
        example: r#"{"model":"m","input":[{"type":"message","id":"msg_1","role":"user","content":"x"},{"type":"message","id":"msg_1","role":"user","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-call-id-twice",
        check: |body| {
            let calls = items(body).filter(|(_, item)| kind_of(item).ends_with("_call"));
            found("input", twice(calls.filter_map(|(_, item)| call_id(item)))?)
        },
        words: "Duplicate tool call found with call_id {what}. Remove duplicate items from your input and try again.",
        source: "the rule for ids of items, which call ids share; the words are those",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "responses-output-twice",
        check: |body| {
            let outputs = items(body).filter(|(_, item)| kind_of(item).ends_with("_output"));
            found("input", twice(outputs.filter_map(|(_, item)| call_id(item)))?)
        },
        words: "Duplicate tool output found for call_id {what}. Remove duplicate items from your input and try again.",
        source: "the rule for ids of items; Chat Completions refuses a second answer to a call in words of its own",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"},{"type":"function_call_output","call_id":"c","output":"y"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "responses-call-without-output",
        check: |body| unpaired(body, true),
        words: "No tool output found for {what}.",
        source: "github.com/tjardoo/openai-client/pull/124, github.com/jlcodes99/cockpit-tools/issues/1234",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-output-without-call",
        check: |body| if continues(body) { None } else { unpaired(body, false) },
        words: "No tool call found for {what}.",
        source: "github.com/continuedev/continue/issues/10092, github.com/microsoft/vscode/issues/320060",
        example: r#"{"model":"m","input":[{"role":"user","content":"x"},{"type":"function_call_output","call_id":"c","output":"y"}]}"#,
        ..QUOTED
    },
];
