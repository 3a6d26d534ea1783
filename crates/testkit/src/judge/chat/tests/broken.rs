//! Good streams, each broken in one way: the judge must refuse it for that and nothing else.

use serde_json::json;

use super::tape::{DONE, Tape, calls, drop_member, failed, notes, text, tokens};
use super::{judged, listed};
use crate::judge::Rule;

/// What was done, to which stream, the rules that must be named, words that must be said.
type Case = (&'static str, fn() -> Tape, fn(&mut Tape), &'static [Rule], &'static str);

const CASES: &[Case] = &[
    // One answer.
    (
        "another id",
        text,
        |t| t.chunks[3]["id"] = json!("chatcmpl-2"),
        &[Rule::Identity],
        "`id` was",
    ),
    (
        "another model",
        text,
        |t| t.chunks[3]["model"] = json!("m"),
        &[Rule::Identity],
        "`model` was",
    ),
    (
        "no id",
        text,
        |t| drop_member(&mut t.chunks[0], "id"),
        &[Rule::Missing, Rule::Identity],
        "`id` is required",
    ),
    (
        "an empty model",
        text,
        |t| t.chunks.iter_mut().for_each(|c| c["model"] = json!("")),
        &[Rule::Shape],
        "`model` is",
    ),
    (
        "a whole answer's object",
        text,
        |t| t.chunks[2]["object"] = json!("chat.completion"),
        &[Rule::Shape],
        "is not `chat.completion.chunk`",
    ),
    (
        "no creation time",
        text,
        |t| drop_member(&mut t.chunks[6], "created"),
        &[Rule::Missing, Rule::Identity],
        "`created`",
    ),
    (
        "a member nobody knows",
        text,
        |t| t.chunks[1]["provider"] = json!("lab"),
        &[Rule::UnknownMember],
        "`provider`",
    ),
    // Roles.
    (
        "no role",
        text,
        |t| *t.delta(0) = json!({"content": ""}),
        &[Rule::Opening],
        "begins with its role",
    ),
    (
        "the role twice",
        text,
        |t| t.delta(3)["role"] = json!("assistant"),
        &[Rule::Opening],
        "said twice",
    ),
    (
        "the role of a user",
        text,
        |t| t.delta(0)["role"] = json!("user"),
        &[Rule::Shape],
        "the role is",
    ),
    // Deltas.
    (
        "reasoning under its other name",
        text,
        |t| *t.delta(1) = json!({"reasoning": "x"}),
        &[Rule::UnknownMember],
        "`reasoning`",
    ),
    (
        "a part as content",
        text,
        |t| t.delta(3)["content"] = json!([{"type": "text", "text": "x"}]),
        &[Rule::Shape],
        "`content` is",
    ),
    (
        "details without a type",
        text,
        |t| t.delta(3)["reasoning_details"] = json!([{"text": "x"}]),
        &[Rule::Shape],
        "`reasoning_details`",
    ),
    (
        "no delta",
        text,
        |t| drop_member(&mut t.chunks[3]["choices"][0], "delta"),
        &[Rule::Missing, Rule::Shape],
        "`delta` is required",
    ),
    (
        "no finish reason member",
        text,
        |t| drop_member(&mut t.chunks[3]["choices"][0], "finish_reason"),
        &[Rule::Missing],
        "`finish_reason` is required",
    ),
    (
        "a choice out of order",
        text,
        |t| t.chunks[3]["choices"][0]["index"] = json!(2),
        &[Rule::Order, Rule::Opening, Rule::Terminal, Rule::Usage],
        "begins as number",
    ),
    // Calls.
    (
        "a call without index",
        calls,
        |t| drop_member(&mut t.delta(2)["tool_calls"][0], "index"),
        &[Rule::Missing],
        "`index` is required",
    ),
    (
        "a call that skips a number",
        calls,
        |t| {
            t.delta(3)["tool_calls"][0]["index"] = json!(2);
            t.chunks.remove(4);
        },
        &[Rule::Order],
        "begins as number 1",
    ),
    (
        "an id again",
        calls,
        |t| t.delta(2)["tool_calls"][0]["id"] = json!("call_1"),
        &[Rule::Identity],
        "said again",
    ),
    (
        "an empty id again",
        calls,
        |t| t.delta(2)["tool_calls"][0]["id"] = json!(""),
        &[Rule::Identity],
        "said again",
    ),
    (
        "a name again",
        calls,
        |t| t.delta(2)["tool_calls"][0]["function"]["name"] = json!("f"),
        &[Rule::Identity],
        "the name of call",
    ),
    (
        "the id of another call",
        calls,
        |t| t.delta(3)["tool_calls"][0]["id"] = json!("call_1"),
        &[Rule::Identity],
        "used twice",
    ),
    (
        "no id",
        calls,
        |t| drop_member(&mut t.delta(1)["tool_calls"][0], "id"),
        &[Rule::Missing],
        "`id` is required",
    ),
    (
        "no name",
        calls,
        |t| drop_member(&mut t.delta(1)["tool_calls"][0]["function"], "name"),
        &[Rule::Missing],
        "`name` is required",
    ),
    (
        "no type",
        calls,
        |t| drop_member(&mut t.delta(1)["tool_calls"][0], "type"),
        &[Rule::Missing, Rule::Shape],
        "`type` is required",
    ),
    (
        "arguments as an object",
        calls,
        |t| t.delta(2)["tool_calls"][0]["function"]["arguments"] = json!({"a": 1}),
        &[Rule::Shape],
        "`arguments` is not a string",
    ),
    (
        "a custom call as a function",
        calls,
        |t| t.delta(4)["tool_calls"][0] = json!({"index": 1, "function": {"arguments": "x"}}),
        &[Rule::Missing, Rule::UnknownMember, Rule::Shape],
        "`custom` is required",
    ),
    // Ends.
    (
        "no finish reason",
        text,
        |t| {
            t.chunks.remove(5);
        },
        &[Rule::Terminal, Rule::Usage],
        "has no finish reason",
    ),
    (
        "two finish reasons",
        text,
        |t| {
            let last = t.chunks[5].clone();
            t.chunks.insert(5, last);
        },
        &[Rule::Terminal, Rule::UnknownMember],
        "finishes twice",
    ),
    (
        "text after the finish reason",
        text,
        |t| t.insert(6, json!({"content": "more"})),
        &[Rule::Terminal],
        "after the finish reason",
    ),
    (
        "a reason that nobody knows",
        text,
        |t| t.chunks[5]["choices"][0]["finish_reason"] = json!("end_turn"),
        &[Rule::Shape],
        "not a reason to finish",
    ),
    (
        "calls that nobody made",
        text,
        |t| t.chunks[5]["choices"][0]["finish_reason"] = json!("tool_calls"),
        &[Rule::Status],
        "nothing is called",
    ),
    (
        "stopped with calls",
        calls,
        |t| t.chunks[5]["choices"][0]["finish_reason"] = json!("stop"),
        &[Rule::Status],
        "tools are called",
    ),
    ("no end", text, |t| t.tail = "", &[Rule::Done], "neither `[DONE]` nor an error"),
    (
        "two ends",
        text,
        |t| t.tail = "data: [DONE]\n\ndata: [DONE]\n\n",
        &[Rule::Done],
        "comes twice",
    ),
    (
        "a chunk after the end",
        text,
        |t| t.tail = "data: [DONE]\n\ndata: {\"id\":\"x\"}\n\n",
        &[Rule::Terminal],
        "after `[DONE]`",
    ),
    (
        "an end in the middle of a chunk",
        text,
        |t| t.tail = "data: [DONE]\n\ndata: {\"id",
        &[Rule::Json],
        "inside a chunk",
    ),
    ("nothing", text, |t| t.chunks.clear(), &[Rule::Terminal], "nothing was answered"),
    // Failures.
    ("an error and an end", failed, |t| t.tail = DONE, &[Rule::Done], "after an error"),
    (
        "two errors",
        failed,
        |t| {
            let error = t.chunks[4].clone();
            t.chunks.push(error);
        },
        &[Rule::Terminal],
        "after the error",
    ),
    (
        "an error without words",
        failed,
        |t| t.chunks[4]["error"]["message"] = json!(" "),
        &[Rule::Shape],
        "says nothing",
    ),
    (
        "an error without a code",
        failed,
        |t| drop_member(&mut t.chunks[4]["error"], "code"),
        &[Rule::Missing],
        "`code` is required",
    ),
    (
        "an error beside choices",
        failed,
        |t| t.chunks[4]["choices"] = json!([]),
        &[Rule::UnknownMember],
        "`choices`",
    ),
    (
        "an error after the answer",
        text,
        |t| {
            t.chunks[6] = failed().chunks[4].clone();
            t.tail = "";
        },
        &[Rule::Terminal],
        "after the answer was finished",
    ),
    // Tokens.
    (
        "the usage beside choices",
        text,
        |t| {
            t.chunks.pop();
            t.chunks[5]["usage"] = tokens();
        },
        &[Rule::Usage],
        "in a chunk with choices",
    ),
    (
        "the usage before the finish",
        text,
        |t| t.chunks.swap(5, 6),
        &[Rule::Usage, Rule::Terminal],
        "before the finish reason",
    ),
    (
        "the usage twice",
        text,
        |t| {
            let usage = t.chunks[6].clone();
            t.chunks.push(usage);
        },
        &[Rule::Terminal],
        "after the one with the usage",
    ),
    (
        "a wrong total",
        text,
        |t| t.chunks[6]["usage"]["total_tokens"] = json!(99),
        &[Rule::Usage],
        "`total_tokens` is 99",
    ),
    (
        "more cached than there are",
        text,
        |t| t.chunks[6]["usage"]["prompt_tokens_details"]["cached_tokens"] = json!(13),
        &[Rule::Usage],
        "13 cached",
    ),
    (
        "more reasoning than there is",
        text,
        |t| t.chunks[6]["usage"]["completion_tokens_details"]["reasoning_tokens"] = json!(6),
        &[Rule::Usage],
        "6 reasoning",
    ),
    (
        "tokens of another dialect",
        text,
        |t| t.chunks[6]["usage"]["input_tokens"] = json!(1),
        &[Rule::UnknownMember],
        "`input_tokens`",
    ),
    (
        "a count as text",
        text,
        |t| t.chunks[6]["usage"]["prompt_tokens"] = json!("12"),
        &[Rule::Shape, Rule::Usage],
        "`prompt_tokens` is",
    ),
    (
        "an empty chunk",
        text,
        |t| drop_member(&mut t.chunks[6], "usage"),
        &[Rule::Usage],
        "holds the usage",
    ),
    // Notes.
    (
        "notes too early",
        text,
        |t| t.chunks[2]["quire"] = notes(),
        &[Rule::UnknownMember],
        "belongs to the chunk",
    ),
    (
        "a code in words",
        text,
        |t| t.chunks[5]["quire"]["notes"][0]["code"] = json!("Web search"),
        &[Rule::Shape],
        "`code` is",
    ),
    (
        "notes without a provider",
        text,
        |t| drop_member(&mut t.chunks[5]["quire"], "provider"),
        &[Rule::Missing],
        "`provider` is required",
    ),
];

#[test]
fn a_broken_stream_is_refused_for_its_own_reason() {
    let mut wrong = Vec::new();
    for (name, good, broken, rules, reason) in CASES {
        let mut tape = good();
        broken(&mut tape);
        let complaints = judged(&tape);
        let mut named: Vec<_> = complaints.iter().map(|complaint| complaint.rule).collect();
        named.sort_unstable();
        named.dedup();
        let mut expected = rules.to_vec();
        expected.sort_unstable();
        let said = listed(&complaints);
        if named != expected || !said.contains(reason) {
            wrong.push(format!("{name}: expected {expected:?} and `{reason}`:{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
