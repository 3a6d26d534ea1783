//! What is rendered is right by our own judge, streamed and whole alike.

use std::time::Duration;

use serde_json::{Value, json};

use crate::Dialect;
use crate::judge::{Complaint, responses_answer, responses_stream};
use crate::script::{Citation, ReasoningForm, Says, Usage, says};
use crate::seal::{is_seal_of, seal};
use crate::sse;
use crate::strict::{Profile, check};

/// A request that declares every kind of tool and asks for everything.
fn request() -> Value {
    json!({"model": "gpt-5.6", "input": "x", "stream": true, "store": false,
        "instructions": "be brief", "metadata": {"a": "b"}, "reasoning": {"effort": "high", "summary": "auto"},
        "include": ["reasoning.encrypted_content", "web_search_call.action.sources"],
        "text": {"format": {"type": "json_schema", "name": "out", "strict": false,
            "schema": {"type": "object", "properties": {}}}},
        "tools": [
            {"type": "function", "name": "exec_command", "parameters": {"type": "object", "properties": {}}},
            {"type": "custom", "name": "apply_patch"},
            {"type": "namespace", "name": "mcp__toy", "description": "d", "tools": [
                {"type": "function", "name": "add_two"}]},
            {"type": "tool_search", "execution": "client"},
            {"type": "web_search"}]})
}

fn frames(says: &Says, request: &Value) -> Vec<(String, String)> {
    sse::parse(says.streamed_in(Dialect::Responses, request))
        .into_iter()
        .map(|event| (event.name.unwrap_or_default(), event.data))
        .collect()
}

fn events(says: &Says, request: &Value) -> Vec<Value> {
    sse::json(says.streamed_in(Dialect::Responses, request))
}

fn whole(says: &Says, request: &Value) -> Value {
    let bytes = says.answered_in(Dialect::Responses, request);
    serde_json::from_slice(&bytes).expect("a whole answer is JSON")
}

fn listed(complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("\n  {complaint}")).collect()
}

/// Everything that a model can say, one way each.
fn everything() -> Vec<(&'static str, Says)> {
    let page = Citation::new("https://example.com", "Example", "grün");
    let calls = says()
        .text("I call")
        .call("call_1", "exec_command", json!({"cmd": "echo \"é\"\n"}))
        .call("call_2", "apply_patch", json!("*** Begin Patch\n+é"))
        .call("call_3", "mcp__toy.add_two", json!({"a": 1}))
        .call("call_4", "tool_search", json!({"query": "agent"}))
        .argument_pieces(3);
    vec![
        ("nothing", says()),
        ("text", says().text("hello there, ").text("wörld 😀")),
        ("one delta", says().text("hello there, wörld").delta(0)),
        (
            "ascii",
            says().text("wörld 😀").call("call_1", "exec_command", json!({"cmd": "é"})).ascii(),
        ),
        ("refusal", says().text("Well. ").refusal("I cannot do this.")),
        ("reasoning", says().reasoning("First").reasoning("Second").text("42").reasoning("Third")),
        ("raw reasoning", says().reasoning("hm").text("42").reasoning_as(ReasoningForm::Reasoning)),
        ("redacted", says().redacted("FAKE-SIG-1").text("42")),
        ("calls", calls.clone()),
        ("interleaved calls", calls.interleaved()),
        (
            "search",
            says()
                .searched("ws_1", "green", [page.clone()])
                .text("See: ")
                .cited("it is grün", [page]),
        ),
        ("length", says().text("cut sho").finish("length")),
        (
            "length in a call",
            says().call_raw("call_1", "exec_command", "{\"cmd\":").finish("length"),
        ),
        ("filtered", says().text("a").finish("content_filter")),
        ("asides", says().comment("alive").text("a").pause(Duration::from_secs(9)).text("b")),
        (
            "usage",
            says()
                .text("a")
                .usage(Usage { prompt: 20, completion: 9, cached: 4, reasoning: 3 })
                .cache_written(5),
        ),
        ("failed", says().text("a").error("server_error", "server_is_overloaded", "busy")),
    ]
}

#[test]
fn every_stream_is_right_by_the_judge() {
    let small = json!({"model": "m", "input": "x", "stream": true});
    for (name, says) in everything() {
        for request in [request(), small.clone()] {
            if let Err(complaints) = responses_stream(&frames(&says, &request)) {
                panic!("{name}:{}", listed(&complaints));
            }
        }
    }
}

#[test]
fn a_whole_answer_is_right_and_is_what_the_stream_ends_with() {
    for (name, says) in everything() {
        if name == "failed" {
            continue;
        }
        let whole = whole(&says, &request());
        if let Err(complaints) = responses_answer(&whole) {
            panic!("{name}:{}", listed(&complaints));
        }
        let events = events(&says, &request());
        assert_eq!(events.last().expect("a stream has events")["response"], whole, "{name}");
    }
}

#[test]
fn what_was_said_is_accepted_when_it_is_sent_back() {
    for (name, says) in everything() {
        let output = whole(&says, &request())["output"].take();
        let mut next = request();
        let mut input = vec![json!({"role": "user", "content": "x"})];
        for item in output.as_array().into_iter().flatten() {
            input.push(item.clone());
        }
        let answers = |item: &Value| {
            let kind = match item["type"].as_str()? {
                "function_call" => "function_call_output",
                "custom_tool_call" => "custom_tool_call_output",
                "tool_search_call" => {
                    return Some(json!({"type": "tool_search_output", "call_id": item["call_id"],
                        "execution": "client", "status": "completed", "tools": []}));
                }
                _ => return None,
            };
            Some(json!({"type": kind, "call_id": item["call_id"], "output": "ok"}))
        };
        input.extend(output.as_array().into_iter().flatten().filter_map(answers));
        let ends_thinking = input.last().is_some_and(|item| item["type"] == "reasoning");
        if ends_thinking {
            input.push(json!({"role": "assistant", "content": "so"}));
        }
        input.push(json!({"role": "user", "content": "again"}));
        next["input"] = json!(input);
        let refusal = check(Profile::OpenAiResponses, &next);
        match name {
            // The form of other servers, which OpenAI's does not take back.
            "raw reasoning" => assert!(refusal.is_some()),
            _ => assert_eq!(refusal, None, "{name}"),
        }
    }
}

#[test]
fn reasoning_is_sealed_only_when_that_is_asked_for() {
    let says = says().reasoning("let me ").reasoning("see").text("42");
    let sealed = &whole(&says, &request())["output"][0];
    assert_eq!(sealed["encrypted_content"], seal("let me see"));
    assert_eq!(sealed["summary"][1]["text"], "see");
    let mut plain = request();
    plain["include"] = json!([]);
    plain["reasoning"] = Value::Null;
    let plain = &whole(&says, &plain)["output"][0];
    assert_eq!(plain["summary"], json!([]));
    assert!(plain.get("encrypted_content").is_none());
    let own = says.clone().reasoning_sealed("mine", "sig-testkit-9").text("x");
    let own = &whole(&own, &request())["output"][2];
    assert!(is_seal_of(own["encrypted_content"].as_str().expect("a seal"), "mine"));
}

#[test]
fn calls_take_the_form_of_their_declaration() {
    let says = says()
        .call("call_1", "exec_command", json!({}))
        .call("call_2", "apply_patch", json!("*** Begin"))
        .call_raw("call_3", "apply_patch", "*** Raw")
        .call("call_4", "add_two", json!({}))
        .call("call_5", "not_declared", json!({}));
    let output = whole(&says, &request())["output"].take();
    let of = |index: usize, member: &str| output[index][member].clone();
    assert_eq!((of(0, "type"), of(0, "arguments")), (json!("function_call"), json!("{}")));
    assert_eq!((of(1, "type"), of(1, "input")), (json!("custom_tool_call"), json!("*** Begin")));
    assert_eq!(of(2, "input"), "*** Raw");
    assert_eq!((of(3, "name"), of(3, "namespace")), (json!("add_two"), json!("mcp__toy")));
    assert_eq!((of(4, "type"), of(4, "namespace")), (json!("function_call"), Value::Null));
}

#[test]
fn citations_count_characters() {
    let page = Citation::new("https://example.com", "Example", "grün");
    let says = says().text("é: ").cited("it is grün.", [page]);
    let output = whole(&says, &request())["output"].take();
    let annotation = &output[0]["content"][0]["annotations"][0];
    assert_eq!((&annotation["start_index"], &annotation["end_index"]), (&json!(9), &json!(13)));
}

#[test]
fn a_bare_error_event_ends_the_stream() {
    let says = says()
        .text("a")
        .data(json!({"type": "error", "code": "server_error", "message": "gone", "param": null}))
        .text("b");
    let frames = frames(&says, &request());
    let (name, data) = frames.last().expect("a stream has events");
    let data: Value = serde_json::from_str(data).expect("an event is JSON");
    assert_eq!((name.as_str(), &data["sequence_number"]), ("error", &json!(5)));
    assert!(!frames.iter().any(|(name, _)| name == "response.completed"));
}

#[test]
fn a_failure_tells_what_was_done_before_it() {
    let says = says().reasoning("hm").text("a").error("server_error", "server_error", "gone");
    let events = events(&says, &request());
    let last = events.last().expect("a stream has events");
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["error"], json!({"code": "server_error", "message": "gone"}));
    assert_eq!(last["response"]["output"][0]["type"], "reasoning");
}

#[test]
fn endings_can_be_missing() {
    let cut = events(&says().text("a").without_finish().without_done(), &request());
    assert_eq!(cut.last().expect("there are events")["type"], "response.output_item.done");
    let bytes = says().text("a").without_done().streamed_in(Dialect::Responses, &request());
    assert!(!String::from_utf8_lossy(&bytes).contains("[DONE]"));
}

#[test]
fn surrogates_are_split_between_deltas() {
    let bytes =
        says().text("😀").delta(1).split_surrogates().streamed_in(Dialect::Responses, &request());
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#""delta":"\ud83d""#) && text.contains(r#""delta":"\ude00""#), "{text}");
    assert!(text.contains("event: response.output_text.delta"));
}
