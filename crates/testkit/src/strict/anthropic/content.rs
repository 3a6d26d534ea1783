//! Content blocks: which there are, what each must have, and where it may stand.

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Finding, Rule, Vendor};
use super::walk::{Block, blocks, content, elements, kind, messages};
use super::{INFERRED, QUOTED, REPORTED, world};

/// What every content block of a message may be, in the words of the refusal.
const TAGS: &str = "'document', 'image', 'redacted_thinking', 'search_result', 'server_tool_use', 'text', 'thinking', 'tool_result', 'tool_use', 'web_search_tool_result'";

/// What only a user says.
const USERS: [&str; 5] = ["tool_result", "image", "document", "search_result", "container_upload"];

/// What only the assistant says.
const ASSISTANTS: [&str; 5] =
    ["tool_use", "thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use"];

/// What may stand in a tool's result.
const RESULTS: [&str; 6] =
    ["text", "image", "document", "search_result", "tool_reference", "browser_state"];

/// The first block of a message (not one inside another) that is wrong.
fn first<'a>(body: &'a Value, wrong: impl Fn(&Block<'a>) -> bool) -> Option<Block<'a>> {
    let blocks = messages(body).into_iter().flat_map(|(at, message)| content(&at, message));
    blocks.into_iter().find(wrong)
}

/// The first text block anywhere in the messages, plain string content included, whose text is
/// wrong.
fn text(body: &Value, wrong: fn(&str) -> bool) -> Option<Finding> {
    let plain = messages(body)
        .into_iter()
        .filter(|(_, message)| super::walk::role(message) != "assistant")
        .any(|(_, message)| message["content"].as_str().is_some_and(wrong));
    let block = blocks(body)
        .into_iter()
        .any(|block| block.kind == "text" && block.value["text"].as_str().is_some_and(wrong));
    (plain || block).then(Finding::default)
}

fn results(body: &Value) -> impl Iterator<Item = Block<'_>> {
    blocks(body).into_iter().filter(|block| block.kind == "tool_result" && !block.nested)
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-block-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| at(first(body, |block| !block.value.is_object())?.at),
        words: "{at}: Input should be a valid dictionary or object to extract fields from",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":["x"]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-block-without-type",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let block = first(body, |block| given(block.value, "type").is_none())?;
            at(format!("{}.type", block.at))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"text":"x"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-block-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let block = first(body, |block| !world::is_block(block.kind))?;
            found(
                block.at,
                format!(
                    "'{}' found using 'type' does not match any of the expected tags: {TAGS}",
                    block.kind
                ),
            )
        },
        words: "{at}: Input tag {what}",
        source: "github.com/anthropics/anthropic-sdk-go/issues/235 has the form, for a tool",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"input_text","text":"x"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-block-of-user",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let block =
                first(body, |block| block.role == "assistant" && USERS.contains(&block.kind))?;
            found(block.at, block.kind)
        },
        words: "{at}: `{what}` blocks can only be in `user` messages",
        source: "the counterpart of what github.com/microsoft/agent-framework/issues/4328 quotes",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}}]},{"role":"user","content":"y"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-block-of-assistant",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let block =
                first(body, |block| block.role == "user" && ASSISTANTS.contains(&block.kind))?;
            found(block.at, block.kind)
        },
        words: "{at}: `{what}` blocks can only be in `assistant` messages",
        source: "github.com/microsoft/agent-framework/issues/4328",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"thinking","thinking":"x","signature":"sig-testkit"},{"type":"text","text":"y"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-text-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong =
                |block: &Block<'_>| block.kind == "text" && !block.value["text"].is_string();
            let block = blocks(body).into_iter().find(wrong)?;
            at(block.member("text"))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-text-cached-empty",
        check: |body| {
            let wrong = |block: &Block<'_>| {
                block.value["text"] == "" && given(block.value, "cache_control").is_some()
            };
            let block =
                blocks(body).into_iter().find(|block| block.kind == "text" && wrong(block))?;
            at(block.tagged())
        },
        words: "{at}: cache_control cannot be set for empty text blocks",
        source: "github.com/anthropics/claude-code/issues/55302",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"","cache_control":{"type":"ephemeral"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-text-empty",
        check: |body| text(body, str::is_empty),
        words: "messages: text content blocks must be non-empty",
        source: "github.com/anthropics/claude-code/issues/59812",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"x"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-text-blank",
        check: |body| text(body, |text| !text.is_empty() && text.trim().is_empty()),
        words: "messages: text content blocks must contain non-whitespace text",
        source: "quoted in many public repositories that filter such blocks",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":" \n"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-result-content-wrong-type",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |block: &Block<'_>| {
                given(block.value, "content")
                    .is_some_and(|content| !matches!(content, Value::String(_) | Value::Array(_)))
            };
            at(results(body).find(wrong)?.member("content"))
        },
        words: "{at}: Input should be a valid list",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":{"a":1}}]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-result-content-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let inner = |block: Block<'_>| {
                let list = elements(&block.value["content"], &block.member("content"));
                let mut wrong = list.filter(|(_, block)| !RESULTS.contains(&kind(block)));
                wrong.next().map(|(place, block)| (place, kind(block).to_owned()))
            };
            let (place, what) = results(body).find_map(inner)?;
            found(place, what)
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'document', 'image', 'search_result', 'text', 'tool_reference'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"output_text","text":"y"}]}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-result-error-not-boolean",
        check: |body| {
            let wrong = |block: &Block<'_>| {
                given(block.value, "is_error").is_some_and(|error| !error.is_boolean())
            };
            at(results(body).find(wrong)?.member("is_error"))
        },
        words: "{at}: Input should be a valid boolean",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"y","is_error":"no"}]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-result-error-not-text",
        check: |body| {
            let wrong = |block: &Block<'_>| {
                block.value["is_error"] == true
                    && elements(&block.value["content"], "").any(|(_, part)| kind(part) != "text")
            };
            at(results(body).find(wrong)?.tagged())
        },
        words: "{at}: all content must be type \"text\" if \"is_error\" is true",
        source: "quoted in public repositories that recover from it",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"content":[{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}}]}]}]}"#,
        ..QUOTED
    },
];
