//! The members of the body itself: which there are, their types, their limits.

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Door, Rule, Vendor};
use super::walk::{kind, system};
use super::{INFERRED, QUOTED, REPORTED, models, world};

/// Members of Chat Completions and Responses that Messages does not have. Who sends one has
/// forgotten to translate it, whatever the server makes of it.
const FOREIGN: [&str; 24] = [
    "stop",
    "n",
    "seed",
    "user",
    "store",
    "logprobs",
    "logit_bias",
    "functions",
    "function_call",
    "stream_options",
    "response_format",
    "presence_penalty",
    "frequency_penalty",
    "parallel_tool_calls",
    "max_completion_tokens",
    "max_output_tokens",
    "reasoning_effort",
    "reasoning",
    "instructions",
    "input",
    "include",
    "text",
    "prompt_cache_key",
    "safety_identifier",
];

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-body-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| if body.is_object() { None } else { at("") },
        words: "Input should be a valid dictionary or object to extract fields from",
        example: r"[]",
        ..INFERRED
    },
    Rule {
        id: "anthropic-model-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| if given(body, "model").is_some() { None } else { at("model") },
        words: "{at}: Field required",
        example: r#"{"max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-model-not-string",
        vendor: Vendor::MessagesEvery,
        check: |body| if body["model"].is_string() { None } else { at("model") },
        words: "{at}: Input should be a valid string",
        example: r#"{"model":7,"max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-max-tokens-missing",
        vendor: Vendor::MessagesEvery,
        door: Door::Answer,
        check: |body| if given(body, "max_tokens").is_some() { None } else { at("max_tokens") },
        words: "{at}: Field required",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-max-tokens-not-integer",
        vendor: Vendor::MessagesEvery,
        door: Door::Answer,
        check: |body| match given(body, "max_tokens")? {
            Value::Number(number) if number.is_i64() || number.is_u64() => None,
            _ => at("max_tokens"),
        },
        words: "{at}: Input should be a valid integer",
        example: r#"{"model":"m","max_tokens":9.5,"messages":[{"role":"user","content":"x"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-max-tokens-negative",
        vendor: Vendor::MessagesEvery,
        door: Door::Answer,
        check: |body| if body["max_tokens"].as_i64()? < 0 { at("max_tokens") } else { None },
        words: "{at}: must be greater than or equal to 0",
        source: "the SDK's note on `max_tokens`: 0 fills the cache without an answer",
        example: r#"{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"x"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-max-tokens-zero",
        vendor: Vendor::MessagesOthers,
        door: Door::Answer,
        check: |body| if body["max_tokens"].as_i64()? == 0 { at("max_tokens") } else { None },
        words: "{at}: must be greater than or equal to 1",
        source: "Anthropic's own answer until 2026; servers that copy the dialect still say so",
        example: r#"{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-max-tokens-zero-streamed",
        door: Door::Answer,
        check: |body| {
            let streams = body["stream"] == true && body["max_tokens"].as_i64() == Some(0);
            if streams { at("max_tokens") } else { None }
        },
        words: "{at}: 0 is only allowed without `stream`",
        example: r#"{"model":"m","max_tokens":0,"stream":true,"messages":[{"role":"user","content":"x"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-max-tokens-over-model",
        door: Door::Answer,
        check: |body| {
            let (asked, model) = (body["max_tokens"].as_u64()?, body["model"].as_str()?);
            let most = models::most_tokens(model);
            if asked <= most {
                return None;
            }
            let what = format!(
                "{asked} > {most}, which is the maximum allowed number of output tokens for {model}"
            );
            found("max_tokens", what)
        },
        words: "{at}: {what}",
        source: "github.com/danny-avila/LibreChat, github.com/cline/cline and many more quote these words",
        example: r#"{"model":"claude-sonnet-4-5","max_tokens":128000,"messages":[{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-messages-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| if given(body, "messages").is_some() { None } else { at("messages") },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-messages-not-list",
        vendor: Vendor::MessagesEvery,
        check: |body| if body["messages"].is_array() { None } else { at("messages") },
        words: "{at}: Input should be a valid list",
        example: r#"{"model":"m","max_tokens":9,"messages":"x"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-messages-empty",
        vendor: Vendor::MessagesEvery,
        check: |body| if body["messages"].as_array()?.is_empty() { at("messages") } else { None },
        words: "{at}: at least one message is required",
        example: r#"{"model":"m","max_tokens":9,"messages":[]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-foreign-member",
        vendor: Vendor::MessagesEvery,
        check: |body| at(*FOREIGN.iter().find(|name| body.get(**name).is_some())?),
        words: "{at}: Extra inputs are not permitted",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stop":["y"]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-unknown-member",
        door: Door::Answer,
        check: |body| at(world::stranger(body, world::Known::All)?),
        words: "{at}: Extra inputs are not permitted",
        source: "github.com/router-for-me/CLIProxyAPI/issues/512 and many more",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x","name":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-count-unknown-member",
        door: Door::Count,
        check: |body| at(world::stranger_to_count(body)?),
        words: "{at}: Extra inputs are not permitted",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-stream-not-boolean",
        vendor: Vendor::MessagesEvery,
        check: |body| if given(body, "stream")?.is_boolean() { None } else { at("stream") },
        words: "{at}: Input should be a valid boolean",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stream":"yes"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-system-wrong-type",
        vendor: Vendor::MessagesEvery,
        check: |body| match given(body, "system")? {
            Value::String(_) | Value::Array(_) => None,
            _ => at("system"),
        },
        words: "{at}: Input should be a valid string or list",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"system":{"type":"text","text":"y"}}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-system-not-text",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let block = system(body).into_iter().find(|block| block.kind != "text")?;
            at(format!("{}.type", block.at))
        },
        words: "{at}: Input should be 'text'",
        source: "the reference: a system prompt is a string or text blocks",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"system":[{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-system-empty-text",
        check: |body| {
            let empty = |block: &Value| block["text"].as_str().is_some_and(str::is_empty);
            system(body).into_iter().any(|block| empty(block.value)).then(Default::default)
        },
        words: "system: text content blocks must be non-empty",
        source: "github.com/omnara-ai/omnara/pull/443; the same words as for messages",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"system":[{"type":"text","text":""}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-metadata-not-object",
        check: |body| if given(body, "metadata")?.is_object() { None } else { at("metadata") },
        words: "{at}: Input should be a valid dictionary or object to extract fields from",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"metadata":"y"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-user-id-not-string",
        check: |body| {
            if given(&body["metadata"], "user_id")?.is_string() {
                None
            } else {
                at("metadata.user_id")
            }
        },
        words: "{at}: Input should be a valid string",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"metadata":{"user_id":7}}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-user-id-too-long",
        check: |body| {
            let long = body["metadata"]["user_id"].as_str()?.chars().count() > 256;
            if long { at("metadata.user_id") } else { None }
        },
        words: "{at}: String should have at most 256 characters",
        source: "platform.claude.com/docs/en/api/messages#metadata: maxLength 256",
        // Made by the test of the table: it is too long to read.
        example: "long user_id",
        ..REPORTED
    },
    Rule {
        id: "anthropic-user-id-email",
        check: |body| {
            let id = body["metadata"]["user_id"].as_str()?;
            let (name, host) = id.split_once('@')?;
            let plain = |part: &str| !part.is_empty() && !part.contains([' ', '"', '{', '@']);
            if plain(name) && plain(host) && host.contains('.') {
                at("metadata.user_id")
            } else {
                None
            }
        },
        words: "{at}: user_id appears to contain an email address",
        source: "github.com/BerriAI/litellm/pull/10102",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"metadata":{"user_id":"me@a.example"}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-service-tier-unknown",
        check: |body| match given(body, "service_tier")?.as_str() {
            Some("auto" | "standard_only") => None,
            _ => at("service_tier"),
        },
        words: "{at}: Input should be 'auto' or 'standard_only'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"service_tier":"priority"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-speed-unknown",
        check: |body| match given(body, "speed")?.as_str() {
            Some("standard" | "fast") => None,
            _ => at("speed"),
        },
        words: "{at}: Input should be 'standard' or 'fast'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"speed":"slow"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-container-wrong-type",
        check: |body| match given(body, "container")? {
            Value::String(_) | Value::Object(_) => None,
            _ => at("container"),
        },
        words: "{at}: Input should be a valid string",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"container":7}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-edit-unknown",
        check: |body| {
            let edits = &body["context_management"]["edits"];
            let known = ["clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112"];
            let (place, edit) = super::walk::elements(edits, "context_management.edits")
                .find(|(_, edit)| !known.contains(&kind(edit)))?;
            found(place, kind(edit))
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'clear_thinking_20251015', 'clear_tool_uses_20250919', 'compact_20260112'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"context_management":{"edits":[{"type":"y"}]}}"#,
        ..INFERRED
    },
];
