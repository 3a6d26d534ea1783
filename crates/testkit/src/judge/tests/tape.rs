//! Streams that are right, written out event by event, for the judge to accept and for the tests
//! to break.

use serde_json::{Value, json};

/// The events of a stream, numbered as they are put in.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    pub(super) events: Vec<Value>,
    output: Vec<Value>,
}

/// The frames of these events, and the `[DONE]` line.
pub(super) fn frames(events: &[Value]) -> Vec<(String, String)> {
    let mut frames: Vec<_> = events
        .iter()
        .map(|event| (event["type"].as_str().unwrap_or_default().to_owned(), event.to_string()))
        .collect();
    frames.push((String::new(), "[DONE]".to_owned()));
    frames
}

/// Every stream here, named.
pub(super) fn good() -> Vec<(&'static str, Tape)> {
    vec![
        ("text", Tape::text()),
        ("refusal", Tape::refusal()),
        ("summary", Tape::summary()),
        ("raw reasoning", Tape::raw_reasoning()),
        ("parallel calls", Tape::parallel_calls()),
        ("custom tool", Tape::custom_tool()),
        ("web search", Tape::web_search()),
        ("tool search", Tape::tool_search()),
        ("compaction", Tape::compaction()),
        ("kept alive", Tape::kept_alive()),
        ("cut", Tape::cut()),
        ("cut in a call", Tape::cut_in_a_call()),
        ("length", Tape::length()),
        ("error then failed", Tape::error_then_failed()),
    ]
}

/// The response as it is before anything was generated.
pub(super) fn response() -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "completed_at": null,
        "status": "in_progress", "incomplete_details": null, "model": "lab/mock-model",
        "previous_response_id": null, "instructions": null, "output": [], "error": null,
        "tools": [
            {"type": "function", "name": "exec_command", "description": null, "parameters": {"type": "object"}, "strict": false},
            {"type": "custom", "name": "apply_patch", "description": "Edits files", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}},
            {"type": "namespace", "name": "mcp__toy", "description": "Toys", "tools": [{"type": "function", "name": "add_two"}]},
            {"type": "tool_search", "execution": "client", "description": "Finds tools", "parameters": {}},
            {"type": "web_search", "external_web_access": true},
            {"type": "not_invented_yet", "depth": 3},
        ],
        "tool_choice": "auto", "truncation": "disabled", "parallel_tool_calls": true,
        "text": {"format": {"type": "json_schema", "name": "answer", "description": null, "schema": {"type": "object"}, "strict": true}, "verbosity": "low"},
        "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0, "top_logprobs": 0,
        "temperature": 1, "reasoning": {"effort": "ultra", "summary": null}, "usage": null,
        "max_output_tokens": null, "max_tool_calls": null, "store": false, "background": false,
        "service_tier": "default", "metadata": {}, "safety_identifier": null,
        "prompt_cache_key": null,
    })
}

impl Tape {
    fn begin() -> Self {
        let mut tape = Self { events: Vec::new(), output: Vec::new() };
        tape.put("response.created", json!({"response": response()}));
        tape.put("response.in_progress", json!({"response": response()}));
        tape
    }

    fn put(&mut self, name: &str, mut event: Value) {
        event["type"] = json!(name);
        event["sequence_number"] = json!(self.events.len());
        self.events.push(event);
    }

    /// An event about an item.
    fn say(&mut self, name: &str, index: u64, id: &str, mut event: Value) {
        event["output_index"] = json!(index);
        event["item_id"] = json!(id);
        self.put(name, event);
    }

    fn add(&mut self, index: u64, item: Value) {
        self.put("response.output_item.added", json!({"output_index": index, "item": item}));
    }

    fn done(&mut self, index: u64, item: Value) {
        self.output.push(item.clone());
        self.put("response.output_item.done", json!({"output_index": index, "item": item}));
    }

    fn end(mut self, status: &str) -> Self {
        let mut last = response();
        last["status"] = json!(status);
        last["output"] = json!(self.output);
        match status {
            "completed" => last["completed_at"] = json!(1_700_000_003),
            "failed" => {
                last["error"] = json!({"code": "server_error", "message": "the upstream hung up"});
            }
            _ => last["incomplete_details"] = json!({"reason": "max_output_tokens"}),
        }
        if status != "failed" {
            last["usage"] = json!({
                "input_tokens": 12, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
                "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2},
                "total_tokens": 17,
            });
        }
        last["quire"] = json!({
            "request_id": "req_1", "model": "mock-model", "provider": "lab",
            "notes": [{"code": "web-search-dropped", "at": "tools[4]", "effect": "ignored", "message": "no search here"}],
        });
        self.put(&format!("response.{status}"), json!({"response": last}));
        self
    }

    /// The first event of this name.
    pub(super) fn position(&self, name: &str) -> usize {
        self.events.iter().position(|event| event["type"] == name).expect("the event is there")
    }

    /// A message of one text part in two deltas; open until the caller ends it.
    fn message(&mut self, index: u64, status: &str) {
        let id = format!("msg_{index}");
        self.add(index, json!({"type": "message", "id": id, "status": "in_progress", "role": "assistant", "content": []}));
        let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
        self.say(
            "response.content_part.added",
            index,
            &id,
            json!({"content_index": 0, "part": part("")}),
        );
        for delta in ["Hello ", "world"] {
            self.say(
                "response.output_text.delta",
                index,
                &id,
                json!({"content_index": 0, "delta": delta, "logprobs": []}),
            );
        }
        self.say(
            "response.output_text.done",
            index,
            &id,
            json!({"content_index": 0, "text": "Hello world", "logprobs": []}),
        );
        self.say(
            "response.content_part.done",
            index,
            &id,
            json!({"content_index": 0, "part": part("Hello world")}),
        );
        self.done(index, json!({"type": "message", "id": id, "status": status, "role": "assistant", "content": [part("Hello world")]}));
    }

    pub(super) fn text() -> Self {
        let mut tape = Self::begin();
        tape.message(0, "completed");
        tape.end("completed")
    }

    pub(super) fn refusal() -> Self {
        let mut tape = Self::begin();
        tape.add(0, json!({"type": "message", "id": "msg_0", "status": "in_progress", "role": "assistant", "content": []}));
        let part = |text: &str| json!({"type": "refusal", "refusal": text});
        tape.say(
            "response.content_part.added",
            0,
            "msg_0",
            json!({"content_index": 0, "part": part("")}),
        );
        tape.say("response.refusal.delta", 0, "msg_0", json!({"content_index": 0, "delta": "No."}));
        tape.say(
            "response.refusal.done",
            0,
            "msg_0",
            json!({"content_index": 0, "refusal": "No."}),
        );
        tape.say(
            "response.content_part.done",
            0,
            "msg_0",
            json!({"content_index": 0, "part": part("No.")}),
        );
        tape.done(0, json!({"type": "message", "id": "msg_0", "status": "completed", "role": "assistant", "content": [part("No.")]}));
        tape.end("completed")
    }

    /// Reasoning shown as two summary parts, then the answer.
    pub(super) fn summary() -> Self {
        let mut tape = Self::begin();
        tape.add(0, json!({"type": "reasoning", "id": "rs_0", "summary": []}));
        let part = |text: &str| json!({"type": "summary_text", "text": text});
        for (index, text) in ["First", "Second"].into_iter().enumerate() {
            let at = json!({"summary_index": index});
            let with = |member: &str, value: Value| {
                let mut event = at.clone();
                event[member] = value;
                event
            };
            tape.say("response.reasoning_summary_part.added", 0, "rs_0", with("part", part("")));
            tape.say(
                "response.reasoning_summary_text.delta",
                0,
                "rs_0",
                with("delta", json!(text)),
            );
            tape.say("response.reasoning_summary_text.done", 0, "rs_0", with("text", json!(text)));
            tape.say("response.reasoning_summary_part.done", 0, "rs_0", with("part", part(text)));
        }
        tape.done(0, json!({"type": "reasoning", "id": "rs_0", "summary": [part("First"), part("Second")], "encrypted_content": "sealed"}));
        tape.message(1, "completed");
        tape.end("completed")
    }

    /// Reasoning shown as text.
    pub(super) fn raw_reasoning() -> Self {
        let mut tape = Self::begin();
        tape.add(0, json!({"type": "reasoning", "id": "rs_0", "summary": [], "content": [], "status": "in_progress"}));
        let part = |text: &str| json!({"type": "reasoning_text", "text": text});
        tape.say(
            "response.content_part.added",
            0,
            "rs_0",
            json!({"content_index": 0, "part": part("")}),
        );
        tape.say(
            "response.reasoning_text.delta",
            0,
            "rs_0",
            json!({"content_index": 0, "delta": "hmm"}),
        );
        tape.say(
            "response.reasoning_text.done",
            0,
            "rs_0",
            json!({"content_index": 0, "text": "hmm"}),
        );
        tape.say(
            "response.content_part.done",
            0,
            "rs_0",
            json!({"content_index": 0, "part": part("hmm")}),
        );
        tape.done(0, json!({"type": "reasoning", "id": "rs_0", "summary": [], "content": [part("hmm")], "status": "completed"}));
        tape.message(1, "completed");
        tape.end("completed")
    }

    /// Two calls whose deltas alternate, one of them into a namespace.
    pub(super) fn parallel_calls() -> Self {
        let mut tape = Self::begin();
        let call = |index: usize, status: &str, arguments: &str| {
            let mut item = json!({"type": "function_call", "id": format!("fc_{index}"), "call_id": format!("call_{index}"), "name": "exec_command", "arguments": arguments, "status": status});
            if index == 1 {
                item["namespace"] = json!("mcp__toy");
                item["name"] = json!("add_two");
            }
            item
        };
        tape.add(0, call(0, "in_progress", ""));
        tape.add(1, call(1, "in_progress", ""));
        for (index, id, delta) in [(0, "fc_0", "{\"a\":"), (1, "fc_1", "{}"), (0, "fc_0", "1}")] {
            tape.say("response.function_call_arguments.delta", index, id, json!({"delta": delta}));
        }
        for (index, id, whole) in [(0, "fc_0", "{\"a\":1}"), (1, "fc_1", "{}")] {
            tape.say(
                "response.function_call_arguments.done",
                index,
                id,
                json!({"arguments": whole}),
            );
            let number = usize::try_from(index).expect("a small number");
            tape.done(index, call(number, "completed", whole));
        }
        tape.end("completed")
    }

    pub(super) fn custom_tool() -> Self {
        let mut tape = Self::begin();
        let call = |status: &str, input: &str| json!({"type": "custom_tool_call", "id": "ctc_0", "call_id": "call_0", "name": "apply_patch", "input": input, "status": status});
        tape.add(0, call("in_progress", ""));
        for delta in ["*** Begin", " Patch\n"] {
            tape.say("response.custom_tool_call_input.delta", 0, "ctc_0", json!({"delta": delta}));
        }
        tape.say(
            "response.custom_tool_call_input.done",
            0,
            "ctc_0",
            json!({"input": "*** Begin Patch\n"}),
        );
        tape.done(0, call("completed", "*** Begin Patch\n"));
        tape.end("completed")
    }

    /// A hosted search, then text that cites what it found.
    pub(super) fn web_search() -> Self {
        let mut tape = Self::begin();
        tape.add(0, json!({"type": "web_search_call", "id": "ws_0", "status": "in_progress"}));
        for stage in ["in_progress", "searching", "completed"] {
            tape.say(&format!("response.web_search_call.{stage}"), 0, "ws_0", json!({}));
        }
        tape.done(0, json!({"type": "web_search_call", "id": "ws_0", "status": "completed", "action": {"type": "search", "query": "sse", "queries": ["sse"], "sources": [{"type": "url", "url": "https://example.com"}]}}));
        tape.add(1, json!({"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": [], "phase": "final_answer"}));
        let cited = json!({"type": "url_citation", "url": "https://example.com", "start_index": 0, "end_index": 3, "title": "SSE"});
        let part = |text: &str, cited: Vec<&Value>| json!({"type": "output_text", "text": text, "annotations": cited});
        tape.say(
            "response.content_part.added",
            1,
            "msg_1",
            json!({"content_index": 0, "part": part("", vec![])}),
        );
        tape.say(
            "response.output_text.delta",
            1,
            "msg_1",
            json!({"content_index": 0, "delta": "SSE", "logprobs": []}),
        );
        tape.say(
            "response.output_text.annotation.added",
            1,
            "msg_1",
            json!({"content_index": 0, "annotation_index": 0, "annotation": cited}),
        );
        tape.say(
            "response.output_text.done",
            1,
            "msg_1",
            json!({"content_index": 0, "text": "SSE", "logprobs": []}),
        );
        tape.say(
            "response.content_part.done",
            1,
            "msg_1",
            json!({"content_index": 0, "part": part("SSE", vec![&cited])}),
        );
        tape.done(1, json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part("SSE", vec![&cited])], "phase": "final_answer"}));
        tape.end("completed")
    }

    pub(super) fn tool_search() -> Self {
        let mut tape = Self::begin();
        let call = |status: &str| json!({"type": "tool_search_call", "id": "tsc_0", "call_id": "call_0", "execution": "client", "arguments": {"query": "agent", "limit": 2}, "status": status});
        tape.add(0, call("in_progress"));
        tape.done(0, call("completed"));
        tape.end("completed")
    }

    pub(super) fn compaction() -> Self {
        let mut tape = Self::begin();
        let item = json!({"type": "compaction", "id": "cmp_0", "encrypted_content": "sealed"});
        tape.add(0, item.clone());
        tape.done(0, item);
        tape.end("completed")
    }

    /// Text with a repeated `response.in_progress` in its middle.
    pub(super) fn kept_alive() -> Self {
        let mut tape = Self::text();
        tape.events.insert(5, json!({"type": "response.in_progress", "response": response()}));
        tape.renumber();
        tape
    }

    /// The upstream hung up in the middle of a text: what came is closed as incomplete.
    pub(super) fn cut() -> Self {
        let mut tape = Self::begin();
        tape.message(0, "incomplete");
        tape.end("failed")
    }

    /// The upstream hung up in the middle of a patch: nobody may apply the half of it.
    pub(super) fn cut_in_a_call() -> Self {
        let mut tape = Self::begin();
        tape.message(0, "completed");
        let call = Self::custom_tool();
        for mut event in call.events.into_iter().skip(2).take(2) {
            event["output_index"] = json!(1);
            event["sequence_number"] = json!(tape.events.len());
            tape.events.push(event);
        }
        tape.end("failed")
    }

    pub(super) fn length() -> Self {
        let mut tape = Self::begin();
        tape.message(0, "incomplete");
        tape.end("incomplete")
    }

    pub(super) fn error_then_failed() -> Self {
        let mut tape = Self::begin();
        tape.put("error", json!({"error": {"type": "server_error", "code": null, "message": "gone", "param": null}}));
        tape.end("failed")
    }

    pub(super) fn renumber(&mut self) {
        for (number, event) in self.events.iter_mut().enumerate() {
            event["sequence_number"] = json!(number);
        }
    }
}
