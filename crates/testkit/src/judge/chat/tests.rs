//! The judge accepts what is right and refuses what is wrong, each for its own reason.

mod broken;
mod tape;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::judge::{Complaint, Rule, chat_answer, chat_fold, chat_same, chat_stream};
use crate::script::{ReasoningForm, Says, says};
use tape::{Tape, calls, chunk, drop_member, failed, notes, text, tokens};

fn listed(complaints: &[Complaint]) -> String {
    complaints.iter().map(|complaint| format!("\n  {complaint}")).collect()
}

fn judged(tape: &Tape) -> Vec<Complaint> {
    let text = tape.text();
    chat_stream(&text, text.contains("prompt_tokens")).err().unwrap_or_default()
}

#[test]
fn good_streams_are_accepted() {
    let mut parallel = text();
    parallel.chunks.truncate(1);
    let mut second = chunk(json!({"role": "assistant", "content": "b"}), None);
    second["choices"][0]["index"] = json!(1);
    let mut end = second.clone();
    end["choices"][0]["delta"] = json!({});
    end["choices"][0]["finish_reason"] = json!("length");
    parallel.chunks.extend([second, chunk(json!({}), Some("stop")), end]);
    let mut only_error = failed();
    only_error.chunks.drain(..4);
    for (name, tape) in [
        ("text", text()),
        ("calls", calls()),
        ("failed", failed()),
        ("only an error", only_error),
        ("two choices", parallel),
    ] {
        let complaints = judged(&tape);
        assert!(complaints.is_empty(), "{name}:{}", listed(&complaints));
    }
}

#[test]
fn frames_must_be_nameless_json() {
    let rules = |text: &str| {
        let complaints = chat_stream(text, true).expect_err("the frames are broken");
        complaints.into_iter().map(|complaint| complaint.rule).collect::<Vec<_>>()
    };
    let good = text().text();
    assert_eq!(rules(&good.replacen("data: {", "event: chunk\ndata: {", 1)), [Rule::Name]);
    assert_eq!(rules(&good.replacen("data: {", "data: half\n\ndata: {", 1)), [Rule::Json]);
    assert_eq!(rules(&good.replacen("data: {", "data: []\n\ndata: {", 1)), [Rule::Json]);
    assert_eq!(rules(""), [Rule::Terminal, Rule::Done]);
}

#[test]
fn the_usage_is_told_to_who_asked_only() {
    let stream = text().text();
    assert_eq!(chat_stream(&stream, true), Ok(()));
    let complaints = chat_stream(&stream, false).expect_err("nobody asked");
    assert!(listed(&complaints).contains("was not asked for"));
    assert_eq!(chat_stream(&calls().text(), true), Ok(()), "an upstream may count nothing");
}

/// The whole answer that says what [`text`] says.
fn whole() -> Value {
    json!({"id": "chatcmpl-9", "object": "chat.completion", "created": 1_764_000_009, "model": "lab/mock-model",
        "choices": [{"index": 0, "logprobs": null, "finish_reason": "stop", "message":
            {"role": "assistant", "content": "hello", "refusal": null, "reasoning_content": "let me see"}}],
        "usage": tokens(), "quire": notes()})
}

fn whole_call() -> Value {
    let mut answer = whole();
    answer["choices"][0]["message"]["tool_calls"] = json!([{"id": "call_1", "type": "function",
        "function": {"name": "f", "arguments": "{}"}}]);
    answer["choices"][0]["finish_reason"] = json!("tool_calls");
    answer
}

#[test]
fn good_answers_are_accepted() {
    for answer in [whole(), whole_call()] {
        assert_eq!(chat_answer(&answer), Ok(()), "{answer}");
    }
}

#[test]
fn bad_answers_are_refused_for_their_own_reason() {
    let broken: [(&str, Value, Rule, &str); 13] = [
        ("/object", json!("chat.completion.chunk"), Rule::Shape, "is not `chat.completion`"),
        ("/id", json!(""), Rule::Shape, "`id` is"),
        ("/choices", json!([]), Rule::Shape, "has a choice"),
        ("/choices/0/index", json!(1), Rule::Order, "the index is 1"),
        ("/choices/0/finish_reason", Value::Null, Rule::Shape, "not a reason"),
        ("/choices/0/finish_reason", json!("stop"), Rule::Status, "tools are called"),
        ("/choices/0/message/role", json!("user"), Rule::Shape, "the assistant's"),
        ("/choices/0/message/content", json!(["x"]), Rule::Shape, "`content` is"),
        ("/choices/0/message/tool_calls/0/id", Value::Null, Rule::Shape, "`id` is null"),
        ("/choices/0/message/tool_calls/0/index", json!(0), Rule::UnknownMember, "`index`"),
        (
            "/choices/0/message/tool_calls/0/function/arguments",
            json!({}),
            Rule::Shape,
            "`arguments` is",
        ),
        ("/usage/total_tokens", json!(1), Rule::Usage, "`total_tokens` is 1"),
        ("/quire/notes/0/code", json!("Bad"), Rule::Shape, "`code` is"),
    ];
    for (pointer, value, rule, reason) in broken {
        let mut answer = whole_call();
        match answer.pointer_mut(pointer) {
            Some(member) => *member = value,
            None => {
                let (holder, name) = pointer.rsplit_once('/').expect("a pointer has a parent");
                answer.pointer_mut(holder).expect("the holder is there")[name] = value;
            }
        }
        let complaints = chat_answer(&answer).expect_err(pointer);
        let named: Vec<_> = complaints.iter().map(|complaint| complaint.rule).collect();
        assert_eq!(named, [rule], "{pointer}:{}", listed(&complaints));
        assert!(listed(&complaints).contains(reason), "{pointer}:{}", listed(&complaints));
    }
}

#[test]
fn every_required_member_of_an_answer_is_missed() {
    for pointer in [
        "/id",
        "/object",
        "/created",
        "/model",
        "/choices",
        "/choices/0/message",
        "/choices/0/message/content",
        "/choices/0/finish_reason",
    ] {
        let mut answer = whole();
        let (holder, name) = pointer.rsplit_once('/').expect("a pointer has a parent");
        drop_member(answer.pointer_mut(holder).expect("the holder is there"), name);
        let complaints = chat_answer(&answer).expect_err(pointer);
        assert!(listed(&complaints).contains(&format!("`{name}` is required")), "{pointer}");
    }
    assert!(chat_answer(&json!("<html>")).is_err());
}

#[test]
fn a_stream_adds_up_to_the_whole_answer() {
    assert_eq!(chat_same(&text().text(), &whole()), Ok(()));
    let folded = chat_fold(&calls().text());
    assert_eq!(chat_answer(&folded), Ok(()), "{folded}");
    assert_eq!(
        folded["choices"][0]["message"]["tool_calls"],
        json!([{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
            {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "patch"}}])
    );
    for (pointer, value) in [
        ("/choices/0/message/content", json!("hello!")),
        ("/choices/0/finish_reason", json!("length")),
        ("/model", json!("mock-model")),
        ("/usage/prompt_tokens", json!(11)),
        ("/quire/notes", json!([])),
    ] {
        let mut other = whole();
        *other.pointer_mut(pointer).expect("the member is there") = value;
        let complaints = chat_same(&text().text(), &other).expect_err(pointer);
        assert_eq!(complaints.len(), 1, "{pointer}:{}", listed(&complaints));
        assert_eq!(complaints[0].rule, Rule::Sum);
    }
}

#[test]
fn pieces_of_reasoning_details_are_one_detail() {
    let mut tape = text();
    for (number, piece) in [(1, "let me "), (2, "see")] {
        *tape.delta(number) =
            json!({"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": piece}]});
    }
    let mut answer = whole();
    let message = &mut answer["choices"][0]["message"];
    drop_member(message, "reasoning_content");
    message["reasoning_details"] =
        json!([{"type": "reasoning.text", "index": 0, "text": "let me see"}]);
    assert_eq!(chat_same(&tape.text(), &answer), Ok(()));
}

/// What our own upstream says in OpenAI's forms is right, so the judge is not stricter than that.
#[test]
fn what_the_scripted_upstream_says_is_accepted() {
    let request = json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}});
    let said: [Says; 5] = [
        says().text("hello there, wörld 😀"),
        says().reasoning("hm").text("ok").call("call_1", "f", json!({"a": 1})).call(
            "call_2",
            "g",
            json!({}),
        ),
        says().reasoning("hm").text("ok").reasoning_as(ReasoningForm::ReasoningDetails),
        says().refusal("I cannot."),
        says().text("cut sho").finish("length").comment("alive"),
    ];
    for says in said {
        let stream = String::from_utf8(says.streamed(&request)).expect("a stream is text");
        if let Err(complaints) = chat_stream(&stream, true) {
            panic!("{stream}{}", listed(&complaints));
        }
        let whole = serde_json::from_slice(&says.answered(&request)).expect("an answer is JSON");
        assert_eq!(chat_answer(&whole), Ok(()));
        assert_eq!(chat_same(&stream, &whole), Ok(()));
    }
}

/// Recorded streams that real clients accepted: the judge may not complain of their order.
#[test]
fn recorded_streams_break_no_order() {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let mut judged = 0;
    for folder in fs::read_dir(clients).expect("the fixtures are in the repository").flatten() {
        for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let is_stream = file.path().extension().is_some_and(|extension| extension == "sse");
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            if !is_stream || !text.contains("chat.completion.chunk") {
                continue;
            }
            judged += 1;
            let complaints = chat_stream(&text, true).err().unwrap_or_default();
            assert!(complaints.is_empty(), "{}:{}", file.path().display(), listed(&complaints));
        }
    }
    assert!(judged >= 4, "only {judged} recordings were judged");
}
