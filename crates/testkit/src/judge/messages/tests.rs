//! Good streams and answers, and each broken in one way: the judge must refuse it for that and
//! nothing else.

mod broken;
mod fixtures;

use serde_json::{Value, json};

use super::shape;
use crate::Dialect;
use crate::judge::{
    Complaint, Rule, frames, messages_answer, messages_fold, messages_same, messages_stream,
};
use crate::script::{Citation, Says, Usage, says};

fn listed(complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("\n  {complaint}")).collect()
}

fn asked(stream: bool) -> Value {
    json!({"model": "m", "stream": stream})
}

/// The frames of a tape.
fn written(events: &[Value]) -> Vec<(String, String)> {
    let name = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| (name(event), event.to_string())).collect()
}

/// A stream with everything in it that most answers have, written by hand.
fn tape() -> Vec<Value> {
    let delta = |index: usize, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let open = |index: usize, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let close = |index: usize| json!({"type": "content_block_stop", "index": index});
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}});
    vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
            "role": "assistant", "model": "m", "content": [], "stop_reason": null,
            "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 1}}}),
        open(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        json!({"type": "ping"}),
        delta(0, json!({"type": "thinking_delta", "thinking": "let me "})),
        delta(0, json!({"type": "thinking_delta", "thinking": "see"})),
        delta(0, json!({"type": "signature_delta", "signature": "sig"})),
        close(0),
        open(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "I look"})),
        close(1),
        open(2, call),
        delta(2, json!({"type": "input_json_delta", "partial_json": "{\"a\":"})),
        delta(2, json!({"type": "input_json_delta", "partial_json": "1}"})),
        close(2),
        json!({"type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": null},
            "usage": {"input_tokens": 9, "output_tokens": 20,
                "output_tokens_details": {"thinking_tokens": 5}},
            "quire": {"request_id": "r1", "model": "m", "provider": "p", "notes": []}}),
        json!({"type": "message_stop"}),
    ]
}

/// The whole answer that the tape adds up to.
fn answer() -> Value {
    json!({"id": "msg_2", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "let me see", "signature": "sig"},
            {"type": "text", "text": "I look"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 9, "output_tokens": 20,
            "output_tokens_details": {"thinking_tokens": 5}},
        "quire": {"request_id": "r2", "model": "m", "provider": "p", "notes": []}})
}

/// What scripts say, each in another way.
fn scripts() -> Vec<(&'static str, Says)> {
    let page = Citation::new("https://a.example", "A", "words");
    let call = |says: Says, id: &str| says.call(id, "f", json!({"a": [1, "é😀"]}));
    vec![
        ("text", says().text("hello there")),
        ("nothing", says()),
        ("thinking", says().reasoning("hm").redacted("blob").text("ok")),
        ("calls", call(call(says().text("I look"), "toolu_1"), "toolu_2").argument_pieces(1)),
        ("no arguments", says().call_raw("toolu_1", "f", "")),
        ("search", says().searched("srvtoolu_1", "q", [page.clone()]).cited("found", [page])),
        ("refusal", says().refusal("I cannot")),
        ("length", says().text("so far").finish("length")),
        ("sequence", says().text("until").stop_sequence("END")),
        (
            "cache",
            says().text("x").usage(Usage { cached: 5, ..Usage::new(20, 3) }).cache_written(4),
        ),
        ("split surrogates", says().text("a😀b").ascii()),
    ]
}

#[test]
fn the_tape_is_accepted_and_is_its_answer() {
    let frames = written(&tape());
    if let Err(complaints) = messages_stream(&frames) {
        panic!("{}", listed(&complaints));
    }
    if let Err(complaints) = messages_answer(&answer()) {
        panic!("{}", listed(&complaints));
    }
    if let Err(complaints) = messages_same(&frames, &answer()) {
        panic!("{}", listed(&complaints));
    }
}

#[test]
fn what_scripts_say_is_accepted_and_the_same_streamed_and_whole() {
    for (name, says) in scripts() {
        let frames = frames(says.streamed_in(Dialect::Messages, &asked(true)));
        let whole = says.answered_in(Dialect::Messages, &asked(false));
        let whole: Value = serde_json::from_slice(&whole).expect("an answer is JSON");
        let verdicts =
            [messages_stream(&frames), messages_answer(&whole), messages_same(&frames, &whole)];
        let complaints: Vec<_> = verdicts.into_iter().filter_map(Result::err).flatten().collect();
        assert!(complaints.is_empty(), "{name}:{}", listed(&complaints));
    }
}

#[test]
fn an_error_ends_a_stream_at_any_place() {
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    for at in [0, 1, 4, 9, 15] {
        let mut events = tape();
        events.truncate(at);
        events.push(error.clone());
        if let Err(complaints) = messages_stream(&written(&events)) {
            panic!("after {at}:{}", listed(&complaints));
        }
        assert!(messages_fold(&written(&events)).is_err());
        events.push(json!({"type": "message_stop"}));
        let complaints = messages_stream(&written(&events)).expect_err("it goes on");
        assert_eq!(complaints.iter().map(|c| c.rule).collect::<Vec<_>>(), [Rule::Terminal]);
    }
}

#[test]
fn a_call_that_a_limit_cut_never_ends_and_is_no_part_of_the_answer() {
    let mut events = tape();
    events.remove(13);
    events[13]["delta"]["stop_reason"] = json!("max_tokens");
    let frames = written(&events);
    if let Err(complaints) = messages_stream(&frames) {
        panic!("{}", listed(&complaints));
    }
    let message = messages_fold(&frames).expect("it is a message");
    let kinds = message["content"].as_array().expect("a list").iter().map(|block| &block["type"]);
    assert_eq!(kinds.collect::<Vec<_>>(), ["thinking", "text"]);
}

#[test]
fn an_empty_or_cut_stream_has_no_end() {
    for at in 0..15 {
        let complaints = messages_stream(&written(&tape()[..at])).expect_err("it has no end");
        assert_eq!(complaints.len(), 1, "after {at}:{}", listed(&complaints));
        assert_eq!(complaints[0].rule, Rule::Terminal);
    }
}

#[test]
fn complaints_say_where_and_what() {
    let mut events = tape();
    events[8]["delta"]["text"] = Value::Null;
    let complaints = messages_stream(&written(&events)).expect_err("null is no text");
    assert_eq!(
        complaints[0].to_string(),
        "Shape at frame 8 (content_block_delta) `delta.text`: null is not a string"
    );
}

#[test]
fn a_stream_that_adds_up_to_something_else_is_told_where() {
    let cases: [(&str, Value, &str); 6] = [
        ("/content/0/signature", json!("other"), "content[0].signature"),
        ("/content/1/text", json!("I look."), "content[1].text"),
        ("/content/2/input/a", json!(2), "content[2].input.a"),
        ("/stop_reason", json!("end_turn"), "stop_reason"),
        ("/usage/output_tokens", json!(21), "usage.output_tokens"),
        ("/quire/notes", json!([{"code": "x"}]), "quire.notes"),
    ];
    for (pointer, value, place) in cases {
        let mut answer = answer();
        *answer.pointer_mut(pointer).expect("the member is there") = value;
        let complaints = messages_same(&written(&tape()), &answer).expect_err(pointer);
        assert_eq!(complaints.len(), 1, "{}", listed(&complaints));
        assert_eq!((complaints[0].rule, complaints[0].at.as_str()), (Rule::Output, place));
    }
}

#[test]
fn answers_are_judged_without_a_stream() {
    let broken: [(&str, Value, Rule, &str); 17] = [
        ("/id", json!("chatcmpl-1"), Rule::Identity, "not the id of a message"),
        ("/type", json!("completion"), Rule::Shape, "is not one of"),
        ("/role", json!("user"), Rule::Shape, "is not one of"),
        ("/content", Value::Null, Rule::Shape, "is not a list"),
        ("/stop_reason", Value::Null, Rule::Status, "has a reason to stop"),
        ("/stop_reason", json!("stop"), Rule::Shape, "is not one of"),
        ("/stop_reason", json!("end_turn"), Rule::Status, "does not wait"),
        ("/stop_sequence", json!("END"), Rule::Status, "`stop_sequence` is \"END\""),
        ("/usage", Value::Null, Rule::Shape, "is not an object"),
        ("/usage/input_tokens", json!(-1), Rule::Shape, "is not a count"),
        ("/usage/output_tokens_details/thinking_tokens", json!(99), Rule::Usage, "99 thinking"),
        ("/content/0/signature", json!(""), Rule::Shape, "without a signature"),
        ("/content/1/text", json!(""), Rule::Shape, "empty text block"),
        ("/content/1/type", json!("output_text"), Rule::UnknownType, "`output_text`"),
        ("/content/2/input", json!("{}"), Rule::Shape, "is not an object"),
        ("/content/2/id", json!("call:1"), Rule::Identity, "cannot be sent back"),
        ("/content/2/name", json!(""), Rule::Shape, "with something in it"),
    ];
    for (pointer, value, rule, reason) in broken {
        let mut answer = answer();
        *answer.pointer_mut(pointer).expect("the member is there") = value;
        let complaints = messages_answer(&answer).expect_err(pointer);
        let said = listed(&complaints);
        assert!(complaints.iter().any(|complaint| complaint.rule == rule), "{pointer}:{said}");
        assert!(said.contains(reason), "{pointer}:{said}");
    }
}

#[test]
fn every_member_of_an_answer_is_required() {
    for member in
        ["id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"]
    {
        let mut answer = answer();
        answer.as_object_mut().expect("an object").remove(member);
        let complaints = messages_answer(&answer).expect_err(member);
        let reason = format!("`{member}` is required");
        assert!(listed(&complaints).contains(&reason), "{member}:{}", listed(&complaints));
    }
    let mut answer = answer();
    answer["choices"] = json!([]);
    let complaints = messages_answer(&answer).expect_err("it does not belong there");
    assert_eq!(complaints[0].rule, Rule::UnknownMember);
}

#[test]
fn every_event_and_block_that_the_judge_accepts_is_in_the_closed_world() {
    const WORLD: &str = include_str!("../../../../../corpus/world/messages.txt");
    let lines: Vec<_> = WORLD.lines().filter_map(|line| line.split('\t').next()).collect();
    let names = shape::events()
        .map(|name| format!("event {name}"))
        .chain(shape::blocks().map(|name| format!("block {name}")));
    for name in names {
        assert!(lines.contains(&name.as_str()), "`{name}` is not in the world");
    }
}
