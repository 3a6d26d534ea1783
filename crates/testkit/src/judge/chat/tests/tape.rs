//! Streams that are right, chunk by chunk, for the judge to accept and for the tests to break.

use serde_json::{Value, json};

/// The chunks of a stream, and how it ends.
#[derive(Clone)]
pub(super) struct Tape {
    pub(super) chunks: Vec<Value>,
    pub(super) tail: &'static str,
}

impl Tape {
    /// The text of the stream.
    pub(super) fn text(&self) -> String {
        let data = |chunk: &Value| format!("data: {chunk}\n\n");
        let chunks: String = self.chunks.iter().map(data).collect();
        format!(": keep-alive\n\n{chunks}{}", self.tail)
    }

    pub(super) fn delta(&mut self, number: usize) -> &mut Value {
        &mut self.chunks[number]["choices"][0]["delta"]
    }

    /// A chunk with this delta, put in before the one of this number.
    pub(super) fn insert(&mut self, number: usize, delta: Value) {
        self.chunks.insert(number, chunk(delta, None));
    }
}

pub(super) const DONE: &str = "data: [DONE]\n\n";

pub(super) fn chunk(delta: Value, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_764_000_000,
        "model": "lab/mock-model", "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]})
}

pub(super) fn tokens() -> Value {
    json!({"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2}})
}

pub(super) fn notes() -> Value {
    json!({"request_id": "req_1", "model": "mock-model", "provider": "lab",
        "notes": [{"code": "web-search-dropped", "at": "tools[4]", "effect": "ignored", "message": "no search here", "count": 2}]})
}

/// Text after reasoning: role, two pieces of each, the finish reason, the usage.
pub(super) fn text() -> Tape {
    let mut last = chunk(json!({}), Some("stop"));
    last["quire"] = notes();
    let mut usage = chunk(json!({}), None);
    usage["choices"] = json!([]);
    usage["usage"] = tokens();
    let chunks = vec![
        chunk(json!({"role": "assistant", "content": ""}), None),
        chunk(json!({"reasoning_content": "let me "}), None),
        chunk(json!({"reasoning_content": "see"}), None),
        chunk(json!({"content": "hel"}), None),
        chunk(json!({"content": "lo"}), None),
        last,
        usage,
    ];
    Tape { chunks, tail: DONE }
}

/// Two calls, each in two pieces, one of them custom.
pub(super) fn calls() -> Tape {
    let call = |call: Value| chunk(json!({"tool_calls": [call]}), None);
    let chunks = vec![
        chunk(json!({"role": "assistant", "content": null}), None),
        call(
            json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}),
        ),
        call(json!({"index": 0, "function": {"arguments": "{\"a\":1}"}})),
        call(
            json!({"index": 1, "id": "call_2", "type": "custom", "custom": {"name": "g", "input": ""}}),
        ),
        call(json!({"index": 1, "custom": {"input": "patch"}})),
        chunk(json!({}), Some("tool_calls")),
    ];
    Tape { chunks, tail: DONE }
}

/// The upstream hung up in the middle.
pub(super) fn failed() -> Tape {
    let mut tape = text();
    tape.chunks.truncate(4);
    tape.chunks.push(json!({"error": {"message": "the upstream hung up", "type": "server_error", "param": null, "code": null}}));
    Tape { tail: "", ..tape }
}

pub(super) fn drop_member(value: &mut Value, name: &str) {
    value.as_object_mut().expect("an object holds it").remove(name);
}
