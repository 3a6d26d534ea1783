//! The body as a whole: that it is one, its model, and members that it must not have.

use super::super::walk::{at, found, given, kind, stranger};
use super::super::{Rule, Vendor};
use super::{INFERRED, QUOTED, REPORTED};

/// The members of OpenAI's own reference.
pub(super) const OPENAI: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// The members that other vendors added, each known at one of them at least.
const ADDED: &[&str] = &[
    "chat_template_kwargs", // vLLM, SGLang
    "do_sample",            // Zhipu
    "enable_thinking",      // Qwen
    "include_reasoning",    // OpenRouter, Groq
    "keep_alive",           // Ollama
    "min_p",                // vLLM, OpenRouter
    "models",               // OpenRouter
    "plugins",              // OpenRouter
    "prompt_mode",          // Mistral
    "provider",             // OpenRouter
    "random_seed",          // Mistral
    "reasoning",            // OpenRouter
    "reasoning_format",     // Groq
    "reasoning_split",      // MiniMax
    "repetition_penalty",   // vLLM, Qwen
    "request_id",           // Zhipu, vLLM
    "safe_prompt",          // Mistral
    "structured_outputs",   // vLLM
    "thinking",             // DeepSeek, Zhipu, MiMo, MiniMax
    "thinking_budget",      // Qwen
    "tool_stream",          // Zhipu
    "top_k",                // vLLM, OpenRouter
    "usage",                // OpenRouter
    "user_id",              // Zhipu
];

/// Members of the Responses API that Chat Completions never had.
const RESPONSES: &[&str] = &[
    "background",
    "client_metadata",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "prompt",
    "text",
    "truncation",
];

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "body-not-object",
        vendor: Vendor::Every,
        check: |body| if body.is_object() { None } else { at("") },
        words: "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.",
        example: "[]",
        ..QUOTED
    },
    Rule {
        id: "model-missing",
        vendor: Vendor::Every,
        check: |body| match given(body, "model") {
            None => at(""),
            Some(model) => (model == "").then(Default::default),
        },
        words: "you must provide a model parameter",
        example: r#"{"messages":[{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "model-not-string",
        vendor: Vendor::Every,
        check: |body| match given(body, "model")? {
            model if model.is_string() => None,
            model => found("model", kind(model)),
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":7,"messages":[{"role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "messages-missing",
        vendor: Vendor::Every,
        check: |body| if given(body, "messages").is_some() { None } else { at("messages") },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m"}"#,
        ..QUOTED
    },
    Rule {
        id: "messages-not-array",
        vendor: Vendor::Every,
        check: |body| match given(body, "messages")? {
            messages if messages.is_array() => None,
            messages => found("messages", kind(messages)),
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an array of objects, but got {what} instead.",
        example: r#"{"model":"m","messages":"x"}"#,
        ..QUOTED
    },
    Rule {
        id: "messages-empty",
        check: |body| if body["messages"] == serde_json::json!([]) { at("messages") } else { None },
        code: Some("empty_array"),
        words: "Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        example: r#"{"model":"m","messages":[]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-member",
        check: |body| {
            let name = RESPONSES.iter().find(|name| body.get(**name).is_some())?;
            found("", name)
        },
        words: "Unrecognized request argument supplied: {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"instructions":"y"}"#,
        ..QUOTED
    },
    Rule {
        id: "body-unknown-member",
        check: |body| {
            let known: Vec<&str> = OPENAI.iter().chain(ADDED).copied().collect();
            found("", stranger(body, &known)?)
        },
        words: "Unrecognized request argument supplied: {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"colour":"red"}"#,
        ..QUOTED
    },
    Rule {
        id: "stream-not-boolean",
        vendor: Vendor::Every,
        check: |body| match given(body, "stream")? {
            stream if stream.is_boolean() => None,
            stream => found("stream", kind(stream)),
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a boolean, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":"yes"}"#,
        ..QUOTED
    },
    Rule {
        id: "stream-options-without-stream",
        check: |body| {
            given(body, "stream_options")?;
            if body["stream"] == true { None } else { at("stream_options") }
        },
        words: "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true}}"#,
        ..QUOTED
    },
    Rule {
        id: "stream-options-unknown-member",
        check: |body| {
            // `include_obfuscation` is OpenAI's, `continuous_usage_stats` is vLLM's.
            let known = ["include_usage", "include_obfuscation", "continuous_usage_stats"];
            let name = stranger(&body["stream_options"], &known)?;
            at(format!("stream_options.{name}"))
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":true,"stream_options":{"reasoning_summary_delivery":"x"}}"#,
        ..REPORTED
    },
    Rule {
        id: "user-not-string",
        check: |body| {
            let bad = |name: &&str| given(body, name).is_some_and(|value| !value.is_string());
            let name = ["user", "safety_identifier", "prompt_cache_key", "service_tier"]
                .into_iter()
                .find(bad)?;
            found(name, kind(&body[name]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"user":{"id":1}}"#,
        ..QUOTED
    },
    Rule {
        id: "identifier-too-long",
        check: |body| {
            let length = |name: &str| body[name].as_str().map_or(0, |text| text.chars().count());
            let name =
                ["safety_identifier", "prompt_cache_key"].into_iter().find(|n| length(n) > 64)?;
            found(name, length(name))
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"safety_identifier":"0123456789012345678901234567890123456789012345678901234567890123456789"}"#,
        ..REPORTED
    },
    Rule {
        id: "metadata-too-large",
        check: |body| {
            let metadata = given(body, "metadata")?;
            let Some(members) = metadata.as_object() else {
                return found(
                    "metadata",
                    format!("expected an object, but got {} instead", kind(metadata)),
                );
            };
            if members.len() > 16 {
                return found("metadata", "too many members, at most 16 are allowed");
            }
            members.iter().find_map(|(name, value)| match value.as_str() {
                None => found(format!("metadata.{name}"), "expected a string"),
                Some(text) if text.chars().count() > 512 || name.chars().count() > 64 => {
                    found(format!("metadata.{name}"), "string too long")
                }
                Some(_) => None,
            })
        },
        words: "Invalid '{at}': {what}.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"a":1}}"#,
        ..INFERRED
    },
    Rule {
        id: "openai-unknown-member",
        vendor: Vendor::OpenAi,
        check: |body| {
            body.get("messages")?;
            found("", stranger(body, OPENAI)?)
        },
        words: "Unrecognized request argument supplied: {what}",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled"}}"#,
        ..QUOTED
    },
    Rule {
        id: "openai-metadata-without-store",
        vendor: Vendor::OpenAi,
        check: |body| {
            given(body, "metadata")?;
            if body["store"] == true { None } else { at("metadata") }
        },
        words: "The 'metadata' parameter is only allowed when 'store' is enabled.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"a":"b"}}"#,
        ..QUOTED
    },
];
