//! The messages as turns: whose they are, that each says something, how the last one ends.

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Door, Finding, Rule, Vendor};
use super::walk::{content, messages, role};
use super::{INFERRED, QUOTED, REPORTED, models};

/// The last message, if it is the assistant's: the model is asked to go on in its own words.
fn prefill(body: &Value) -> Option<(String, &Value)> {
    messages(body).pop().filter(|(_, message)| role(message) == "assistant")
}

/// The text with which a message ends.
fn ending(message: &Value) -> Option<&str> {
    match &message["content"] {
        Value::String(text) => Some(text),
        Value::Array(blocks) => blocks.last()?["text"].as_str(),
        _ => None,
    }
}

fn is_empty(message: &Value) -> bool {
    message["content"] == "" || message["content"].as_array().is_some_and(Vec::is_empty)
}

/// The first message with the role `system` that `wrong` says something against.
fn system_message(body: &Value, wrong: fn(&Value, usize) -> bool) -> Option<Finding> {
    let messages = messages(body);
    let at_index = (0..messages.len())
        .find(|index| role(messages[*index].1) == "system" && wrong(body, *index))?;
    at(format!("messages.{at_index}.role"))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-message-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| at(messages(body).into_iter().find(|(_, message)| !message.is_object())?.0),
        words: "{at}: Input should be a valid dictionary or object to extract fields from",
        example: r#"{"model":"m","max_tokens":9,"messages":["x"]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-role-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let missing = |message: &Value| given(message, "role").is_none();
            let (place, _) = messages(body).into_iter().find(|(_, message)| missing(message))?;
            at(format!("{place}.role"))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-role-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let known = ["user", "assistant", "system"];
            let (place, _) =
                messages(body).into_iter().find(|(_, message)| !known.contains(&role(message)))?;
            at(format!("{place}.role"))
        },
        words: "{at}: Input should be 'user' or 'assistant'",
        source: "the words that Claude Code knows: recorded in system-role-rejected",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"tool","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-role-system-never",
        vendor: Vendor::MessagesClassic,
        check: |body| system_message(body, |_, _| true),
        words: "{at}: Input should be 'user' or 'assistant'",
        source: "the API before Opus 4.8; recorded in system-role-rejected",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-role-system-old-model",
        check: |body| {
            let model = body["model"].as_str().unwrap_or_default();
            if models::takes_system_messages(model) {
                return None;
            }
            system_message(body, |_, _| true)
        },
        words: "role 'system' is not supported on this model",
        source: "github.com/anthropics/claude-code/issues/61412",
        example: r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-role-system-first",
        check: |body| system_message(body, |_, index| index == 0),
        words: "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role.",
        source: "github.com/kennethreitz/simplemind/pull/37; the page on mid-conversation system messages wants a user message before",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"system","content":"x"},{"role":"user","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-role-system-misplaced",
        check: |body| {
            system_message(body, |body, index| {
                index > 0 && role(&body["messages"][index - 1]) == "assistant"
            })
        },
        words: "{at}: a 'system' message must follow a 'user' message",
        source: "platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages; github.com/pydantic/pydantic-ai/pull/6765",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"},{"role":"system","content":"z"},{"role":"user","content":"x"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-role-system-not-text",
        check: |body| {
            let known = ["text", "tool_addition", "tool_removal", "mcp_tool_listing"];
            let block = messages(body)
                .into_iter()
                .filter(|(_, message)| role(message) == "system")
                .flat_map(|(place, message)| content(&place, message))
                .find(|block| !known.contains(&block.kind))?;
            found(block.at, block.kind)
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'text', 'tool_addition', 'tool_removal'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"system","content":[{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}}]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-content-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let missing = |message: &Value| given(message, "content").is_none();
            let (place, _) = messages(body).into_iter().find(|(_, message)| missing(message))?;
            at(format!("{place}.content"))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-content-wrong-type",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong =
                |message: &Value| !matches!(message["content"], Value::String(_) | Value::Array(_));
            let (place, _) = messages(body).into_iter().find(|(_, message)| wrong(message))?;
            at(format!("{place}.content"))
        },
        words: "{at}: Input should be a valid list",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":{"type":"text","text":"x"}}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-content-empty",
        check: |body| {
            let messages = messages(body);
            let last = messages.len().checked_sub(1)?;
            let wrong = |(index, (_, message)): &(usize, (String, &Value))| {
                is_empty(message) && (*index < last || role(message) != "assistant")
            };
            at(messages.into_iter().enumerate().find(wrong)?.1.0)
        },
        words: "{at}: all messages must have non-empty content except for the optional final assistant message",
        source: "github.com/anthropics/claude-code/issues/6774",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":""},{"role":"user","content":"y"}]}"#,
        ..QUOTED
    },
];

/// What is only looked at when everything else is right.
pub(super) static LAST: &[Rule] = &[
    Rule {
        id: "anthropic-prefill-whitespace",
        door: Door::Answer,
        check: |body| {
            let (_, message) = prefill(body)?;
            ending(message)?.ends_with(char::is_whitespace).then(Default::default)
        },
        words: "messages: final assistant content cannot end with trailing whitespace",
        source: "github.com/tailcallhq/forgecode/issues/1872",
        example: r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y "}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-prefill-thinking-disabled",
        door: Door::Answer,
        check: |body| {
            let (place, message) = prefill(body)?;
            if super::walk::thinks(body) {
                return None;
            }
            let thinks = |kind: &str| matches!(kind, "thinking" | "redacted_thinking");
            let block = content(&place, message).into_iter().find(|block| thinks(block.kind))?;
            found(block.at, block.kind)
        },
        words: "{at}: When thinking is disabled, an `assistant` message in the final position cannot contain `{what}`. To use thinking blocks, enable `thinking` in your request.",
        source: "github.com/tailcallhq/forgecode/issues/1853",
        example: r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"y","signature":"sig-testkit"},{"type":"text","text":"z"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-prefill-with-thinking",
        door: Door::Answer,
        check: |body| {
            let (place, message) = prefill(body)?;
            let first = content(&place, message).first().map(|block| block.kind == "thinking");
            let fits = first.unwrap_or(false) || !super::walk::thinks(body);
            if fits { None } else { at(place) }
        },
        words: "{at}: `assistant` message prefill is not supported when thinking is enabled",
        source: "platform.claude.com/docs/en/build-with-claude/extended-thinking: thinking and prefill exclude each other",
        example: r#"{"model":"claude-sonnet-4-5","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-prefill",
        door: Door::Answer,
        check: |body| {
            let (place, _) = prefill(body)?;
            let model = body["model"].as_str().unwrap_or_default();
            if models::is_adaptive(model) { at(place) } else { None }
        },
        words: "This model does not support assistant message prefill. The conversation must end with a user message.",
        source: "github.com/agenticloops-ai/agentic-ai-engineering/issues/43",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}"#,
        ..QUOTED
    },
];
