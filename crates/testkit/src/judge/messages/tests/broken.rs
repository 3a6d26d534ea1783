//! The tape, broken in one way at a time.

use serde_json::{Value, json};

use super::{listed, tape, written};
use crate::judge::{Rule, messages_stream};

type Break = fn(&mut Vec<Value>);

type Frames = Vec<(String, String)>;

/// What was done, the rules that must be named, words that must be said. The tape's places: 0
/// start, 1 to 6 thinking with a ping at 2, 7 to 9 text, 10 to 13 the call, 14 the reason, 15 stop.
type Case = (&'static str, Break, &'static [Rule], &'static str);

const CASES: &[Case] = &[
    // Opening and end.
    ("no message_start", |t| drop(t.remove(0)), &[Rule::Opening], "begins with"),
    ("message_start twice", |t| t.insert(1, t[0].clone()), &[Rule::Opening], "comes twice"),
    ("a ping first", |t| t.insert(0, json!({"type": "ping"})), &[Rule::Opening], "begins with"),
    (
        "content in message_start",
        |t| t[0]["message"]["content"] = json!([{"type": "text", "text": "x"}]),
        &[Rule::Opening],
        "filled before its blocks",
    ),
    (
        "a reason in message_start",
        |t| t[0]["message"]["stop_reason"] = json!("end_turn"),
        &[Rule::Opening],
        "known before the end",
    ),
    (
        "no usage in message_start",
        |t| t[0]["message"]["usage"] = Value::Null,
        &[Rule::Shape],
        "not an object",
    ),
    (
        "another id",
        |t| t[0]["message"]["id"] = json!("resp_1"),
        &[Rule::Identity],
        "not the id of a message",
    ),
    ("no message_stop", |t| drop(t.pop()), &[Rule::Terminal], "neither"),
    ("message_stop twice", |t| t.push(t[15].clone()), &[Rule::Terminal], "after the end"),
    ("no message_delta", |t| drop(t.remove(14)), &[Rule::Terminal], "without `message_delta`"),
    (
        "message_delta twice",
        |t| t.insert(15, t[14].clone()),
        &[Rule::Terminal],
        "after `message_delta`",
    ),
    (
        "a block after message_delta",
        |t| t.swap(13, 14),
        &[Rule::Lifecycle, Rule::Terminal],
        "while a block is open",
    ),
    (
        "a ping after the end",
        |t| t.push(json!({"type": "ping"})),
        &[Rule::Terminal],
        "after the end",
    ),
    (
        "an error after the end",
        |t| t.push(json!({"type": "error", "error": {"type": "api_error", "message": "x"}})),
        &[Rule::Terminal],
        "after the end",
    ),
    (
        "an unknown error",
        |t| t[15] = json!({"type": "error", "error": {"type": "server_error", "message": "x"}}),
        &[Rule::Shape],
        "is not one of",
    ),
    (
        "an error without words",
        |t| t[15] = json!({"type": "error", "error": {"type": "api_error", "message": ""}}),
        &[Rule::Shape],
        "something in it",
    ),
    // Blocks.
    ("a block is not closed", |t| drop(t.remove(9)), &[Rule::Lifecycle], "inside another"),
    (
        "the last block is not closed",
        |t| drop(t.remove(13)),
        &[Rule::Lifecycle],
        "while a block is open",
    ),
    ("a block is closed twice", |t| t.insert(10, t[9].clone()), &[Rule::Lifecycle], "is closed"),
    ("a block is opened twice", |t| t.insert(8, t[7].clone()), &[Rule::Lifecycle], "opened twice"),
    (
        "a delta before its block",
        |t| t.swap(7, 8),
        &[Rule::Lifecycle, Rule::Shape],
        "was not opened",
    ),
    ("a delta after its block", |t| t.swap(8, 9), &[Rule::Lifecycle, Rule::Shape], "is closed"),
    (
        "blocks count from 1",
        |t| {
            for event in &mut t[1..14] {
                if let Some(index) = event["index"].as_u64() {
                    event["index"] = json!(index + 1);
                }
            }
        },
        &[Rule::Order, Rule::Lifecycle],
        "opened as number 0",
    ),
    (
        "a delta of another block",
        |t| t[8]["index"] = json!(0),
        &[Rule::Lifecycle, Rule::Shape],
        "is closed",
    ),
    (
        "a delta of another kind",
        |t| t[8]["delta"] = json!({"type": "input_json_delta", "partial_json": "{}"}),
        &[Rule::Lifecycle, Rule::Shape],
        "`input_json_delta` inside a block `text`",
    ),
    (
        "thinking in text",
        |t| t[3]["delta"] = json!({"type": "text_delta", "text": "x"}),
        &[Rule::Lifecycle],
        "`text_delta` inside a block `thinking`",
    ),
    (
        "text before its deltas",
        |t| t[7]["content_block"]["text"] = json!("x"),
        &[Rule::Lifecycle],
        "filled before",
    ),
    (
        "input before its deltas",
        |t| t[10]["content_block"]["input"] = json!({"a": 1}),
        &[Rule::Lifecycle],
        "filled before",
    ),
    ("text without a delta", |t| drop(t.remove(8)), &[Rule::Shape], "empty text block"),
    ("thinking without a signature", |t| drop(t.remove(5)), &[Rule::Shape], "without a signature"),
    ("thinking after its signature", |t| t.swap(4, 5), &[Rule::Lifecycle], "after its signature"),
    ("two signatures", |t| t.insert(5, t[5].clone()), &[Rule::Lifecycle], "signed twice"),
    ("half of the input", |t| drop(t.remove(12)), &[Rule::Sum], "add up to no JSON"),
    (
        "an input that is a list",
        |t| {
            t[11]["delta"]["partial_json"] = json!("[");
            t[12]["delta"]["partial_json"] = json!("]");
        },
        &[Rule::Shape],
        "[] is not an object",
    ),
    // Members.
    (
        "an unknown block",
        |t| {
            t[7]["content_block"] = json!({"type": "output_text", "text": ""});
            t.remove(8);
        },
        &[Rule::UnknownType],
        "the block `output_text`",
    ),
    (
        "an unknown delta",
        |t| t[8]["delta"] = json!({"type": "audio_delta", "text": "x"}),
        &[Rule::UnknownType, Rule::Shape],
        "the delta `audio_delta`",
    ),
    (
        "an unknown event",
        |t| t.insert(3, json!({"type": "content_part_added"})),
        &[Rule::UnknownType],
        "the event `content_part_added`",
    ),
    (
        "a number of the sequence",
        |t| t[8]["sequence_number"] = json!(8),
        &[Rule::UnknownMember],
        "`sequence_number` is known to no client",
    ),
    (
        "a member of the block",
        |t| t[7]["content_block"]["annotations"] = json!([]),
        &[Rule::UnknownMember],
        "`annotations`",
    ),
    ("quire on the last event", |t| t[15]["quire"] = json!({}), &[Rule::UnknownMember], "`quire`"),
    (
        "a call without a name",
        |t| drop(t[10]["content_block"].as_object_mut().map(|block| block.remove("name"))),
        &[Rule::Missing],
        "`name` is required",
    ),
    (
        "no index",
        |t| drop(t[9].as_object_mut().map(|event| event.remove("index"))),
        &[Rule::Missing, Rule::Lifecycle],
        "`index` is required",
    ),
    // The end's words.
    (
        "no reason",
        |t| t[14]["delta"]["stop_reason"] = Value::Null,
        &[Rule::Shape],
        "null is not one of",
    ),
    (
        "a reason of Chat",
        |t| t[14]["delta"]["stop_reason"] = json!("tool_calls"),
        &[Rule::Shape],
        "is not one of",
    ),
    (
        "a call without its reason",
        |t| t[14]["delta"]["stop_reason"] = json!("end_turn"),
        &[Rule::Status],
        "does not wait for its result",
    ),
    (
        "a reason without its call",
        |t| drop(t.drain(10..14)),
        &[Rule::Status],
        "a tool that it does not use",
    ),
    (
        "a sequence without its reason",
        |t| t[14]["delta"]["stop_sequence"] = json!("END"),
        &[Rule::Status],
        "`stop_sequence` is \"END\"",
    ),
    (
        "no stop_sequence",
        |t| drop(t[14]["delta"].as_object_mut().map(|delta| delta.remove("stop_sequence"))),
        &[Rule::Missing],
        "`stop_sequence` is required",
    ),
    (
        "details of nothing",
        |t| t[14]["delta"]["stop_details"] = json!({"type": "refusal"}),
        &[Rule::Status],
        "no details of `tool_use`",
    ),
    (
        "no usage at the end",
        |t| drop(t[14].as_object_mut().map(|event| event.remove("usage"))),
        &[Rule::Missing, Rule::Shape],
        "`usage` is required",
    ),
    (
        "usage of Chat",
        |t| t[14]["usage"] = json!({"prompt_tokens": 9, "completion_tokens": 20}),
        &[Rule::Missing, Rule::UnknownMember],
        "`output_tokens` is required",
    ),
    (
        "fewer tokens than before",
        |t| t[0]["message"]["usage"]["output_tokens"] = json!(21),
        &[Rule::Usage],
        "21 output tokens became 20",
    ),
    (
        "more thinking than output",
        |t| t[14]["usage"]["output_tokens_details"]["thinking_tokens"] = json!(21),
        &[Rule::Usage],
        "21 thinking of 20",
    ),
    (
        "written tokens do not add up",
        |t| {
            t[14]["usage"]["cache_creation_input_tokens"] = json!(5);
            t[14]["usage"]["cache_creation"] = json!({"ephemeral_5m_input_tokens": 3,
                "ephemeral_1h_input_tokens": 1});
        },
        &[Rule::Usage],
        "5 tokens were written, but 3 and 1",
    ),
    // Ids.
    (
        "two calls with one id",
        |t| {
            let call: Vec<Value> = t[10..14]
                .iter()
                .cloned()
                .map(|mut event| {
                    event["index"] = json!(3);
                    event
                })
                .collect();
            t.splice(14..14, call);
        },
        &[Rule::Identity],
        "`toolu_1` is used twice",
    ),
    (
        "an id that cannot be sent back",
        |t| t[10]["content_block"]["id"] = json!("call|1"),
        &[Rule::Identity],
        "cannot be sent back",
    ),
    (
        "a result of no call",
        |t| {
            t[7]["content_block"] = json!({"type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1", "content": []});
            t.remove(8);
        },
        &[Rule::Identity],
        "the result of no call",
    ),
];

#[test]
fn a_broken_stream_is_refused_for_its_own_reason() {
    let mut wrong = Vec::new();
    for (name, broken, rules, reason) in CASES {
        let mut events = tape();
        broken(&mut events);
        let complaints = messages_stream(&written(&events)).err().unwrap_or_default();
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

#[test]
fn a_broken_frame_is_refused_for_its_own_reason() {
    let broken = |change: &dyn Fn(&mut Frames)| {
        let mut frames = written(&tape());
        change(&mut frames);
        let complaints = messages_stream(&frames).expect_err("the frames are broken");
        complaints.into_iter().map(|complaint| complaint.rule).collect::<Vec<_>>()
    };
    let frame = |data: &str| (String::new(), data.to_owned());
    assert_eq!(broken(&|frames| frames[3].0.clear()), [Rule::Name]);
    assert_eq!(broken(&|frames| frames[3].0 = "ping".into()), [Rule::Name]);
    assert_eq!(broken(&|frames| frames.push(frame("[DONE]"))), [Rule::Done]);
    assert_eq!(broken(&|frames| frames.insert(4, frame("{\"half"))), [Rule::Json]);
    assert_eq!(broken(&|frames| frames.insert(4, frame("[]"))), [Rule::Json]);
}
