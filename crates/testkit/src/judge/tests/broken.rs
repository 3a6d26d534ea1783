//! Good streams, each broken in one way: the judge must refuse it for that and nothing else.

use serde_json::{Value, json};

use super::listed;
use super::tape::{Tape, frames};
use crate::judge::{Rule, responses_stream};

type Break = fn(&mut Tape);

type Frames = Vec<(String, String)>;

/// What was done, to which stream, the rules that must be named, words that must be said.
type Case = (&'static str, fn() -> Tape, Break, &'static [Rule], &'static str);

const CASES: &[Case] = &[
    // Opening and end.
    (
        "created is missing",
        Tape::text,
        |t| remove(t, "response.created"),
        &[Rule::Opening],
        "begins with",
    ),
    (
        "in_progress is missing",
        Tape::text,
        |t| remove(t, "response.in_progress"),
        &[Rule::Opening],
        "before `response.in_progress`",
    ),
    (
        "created twice",
        Tape::text,
        |t| twice(t, "response.created"),
        &[Rule::Opening],
        "created twice",
    ),
    (
        "the terminal event is missing",
        Tape::text,
        |t| remove(t, "response.completed"),
        &[Rule::Done, Rule::Terminal],
        "no terminal event",
    ),
    (
        "two terminal events",
        Tape::text,
        |t| twice(t, "response.completed"),
        &[Rule::Terminal],
        "after the end",
    ),
    (
        "completed, then failed",
        Tape::text,
        |t| {
            let failed = Tape::cut().events.pop();
            t.events.extend(failed);
            t.renumber();
        },
        &[Rule::Terminal],
        "after the end",
    ),
    (
        "a delta after the end",
        Tape::text,
        |t| {
            let delta = t.events[t.position("response.output_text.delta")].clone();
            t.events.push(delta);
            t.renumber();
        },
        &[Rule::Terminal],
        "after the end",
    ),
    (
        "an error without failed",
        Tape::error_then_failed,
        |t| {
            *t.last_mut() = Tape::compaction().events[2].clone();
            t.renumber();
        },
        &[Rule::Done, Rule::Terminal],
        "only `response.failed`",
    ),
    // Statuses and what depends on them.
    (
        "completed says failed",
        Tape::text,
        |t| t.last_mut()["response"]["status"] = json!("failed"),
        &[Rule::Status],
        "is \"failed\", not `completed`",
    ),
    (
        "created says completed",
        Tape::text,
        |t| t.events[0]["response"]["status"] = json!("completed"),
        &[Rule::Status],
        "cannot be `completed`",
    ),
    (
        "failed without an error",
        Tape::cut,
        |t| t.last_mut()["response"]["error"] = Value::Null,
        &[Rule::Status],
        "needs `error`",
    ),
    (
        "completed with an error",
        Tape::text,
        |t| t.last_mut()["response"]["error"] = json!({"code": "x", "message": "y"}),
        &[Rule::Status],
        "cannot have `error`",
    ),
    (
        "incomplete without details",
        Tape::length,
        |t| t.last_mut()["response"]["incomplete_details"] = Value::Null,
        &[Rule::Status],
        "needs `incomplete_details`",
    ),
    (
        "completed without a time",
        Tape::text,
        |t| t.last_mut()["response"]["completed_at"] = Value::Null,
        &[Rule::Status],
        "needs `completed_at`",
    ),
    (
        "completed without usage",
        Tape::text,
        |t| t.last_mut()["response"]["usage"] = Value::Null,
        &[Rule::Status],
        "needs `usage`",
    ),
    (
        "usage before the end",
        Tape::text,
        |t| {
            let usage = t.last_mut()["response"]["usage"].clone();
            t.events[1]["response"]["usage"] = usage;
        },
        &[Rule::Status],
        "cannot have `usage`",
    ),
    (
        "an item added as completed",
        Tape::tool_search,
        |t| t.event("response.output_item.added")["item"]["status"] = json!("completed"),
        &[Rule::Status],
        "added `in_progress`",
    ),
    (
        "an item done in progress",
        Tape::tool_search,
        |t| t.finish("status", &json!("in_progress")),
        &[Rule::Status],
        "cannot be `in_progress`",
    ),
    (
        "an incomplete item in a completed response",
        Tape::text,
        |t| t.finish("status", &json!("incomplete")),
        &[Rule::Status],
        "cannot be `incomplete`",
    ),
    // Numbers.
    (
        "a gap in the numbers",
        Tape::text,
        |t| t.events[5]["sequence_number"] = json!(50),
        &[Rule::Sequence],
        "is 50, not 5",
    ),
    (
        "numbers from 1",
        Tape::text,
        |t| t.events[0]["sequence_number"] = json!(1),
        &[Rule::Sequence],
        "is 1, not 0",
    ),
    (
        "the first item is number 1",
        Tape::compaction,
        |t| {
            for at in [2, 3] {
                t.events[at]["output_index"] = json!(1);
            }
        },
        &[Rule::Order, Rule::Lifecycle, Rule::Output],
        "added as number 0",
    ),
    (
        "the first part is number 1",
        Tape::text,
        |t| t.event("response.content_part.added")["content_index"] = json!(1),
        &[Rule::Order],
        "opened as number 0",
    ),
    (
        "annotations do not count from 0",
        Tape::web_search,
        |t| t.event("response.output_text.annotation.added")["annotation_index"] = json!(1),
        &[Rule::Order],
        "annotation_index",
    ),
    // Life of items and parts.
    (
        "a delta before its part",
        Tape::text,
        |t| swap(t, "response.content_part.added", "response.output_text.delta"),
        &[Rule::Lifecycle, Rule::Sum],
        "before it is opened",
    ),
    (
        "a part that is never opened",
        Tape::raw_reasoning,
        |t| remove(t, "response.content_part.added"),
        &[Rule::Lifecycle, Rule::Sum],
        "before it is opened",
    ),
    (
        "a part opened twice",
        Tape::text,
        |t| twice(t, "response.content_part.added"),
        &[Rule::Lifecycle],
        "opened twice",
    ),
    (
        "a part never closed",
        Tape::text,
        |t| remove(t, "response.content_part.done"),
        &[Rule::Lifecycle, Rule::Sum],
        "while a part of `content` is open",
    ),
    (
        "a text never finished",
        Tape::text,
        |t| remove(t, "response.output_text.done"),
        &[Rule::Lifecycle],
        "before its text is finished",
    ),
    (
        "a text finished twice",
        Tape::text,
        |t| twice(t, "response.output_text.done"),
        &[Rule::Lifecycle],
        "finished twice",
    ),
    (
        "a delta after the text was finished",
        Tape::text,
        |t| swap(t, "response.output_text.delta", "response.output_text.done"),
        &[Rule::Lifecycle, Rule::Sum],
        "after the text was finished",
    ),
    (
        "an item never added",
        Tape::compaction,
        |t| remove(t, "response.output_item.added"),
        &[Rule::Lifecycle, Rule::Output],
        "before it is added",
    ),
    (
        "an item added twice",
        Tape::compaction,
        |t| twice(t, "response.output_item.added"),
        &[Rule::Lifecycle],
        "added twice",
    ),
    (
        "an item never done",
        Tape::text,
        |t| remove(t, "response.output_item.done"),
        &[Rule::Lifecycle, Rule::Output],
        "still open at the end",
    ),
    (
        "a text left open by a limit",
        Tape::length,
        |t| remove(t, "response.output_item.done"),
        &[Rule::Lifecycle, Rule::Output],
        "still open at the end",
    ),
    (
        "a text left open by a cut and shown as if it were whole",
        Tape::cut,
        |t| {
            remove(t, "response.output_item.done");
            t.last_mut()["response"]["output"][0]["status"] = json!("completed");
        },
        &[Rule::Status],
        "an item that was broken off is `incomplete`",
    ),
    (
        "a text left open by a cut and shown with more than came",
        Tape::cut,
        |t| {
            remove(t, "response.output_item.done");
            t.last_mut()["response"]["output"][0]["content"][0]["text"] = json!("and more");
        },
        &[Rule::Sum],
        "not what its deltas add up to",
    ),
    (
        "a call left open in a completed response",
        Tape::custom_tool,
        |t| {
            remove(t, "response.output_item.done");
            t.last_mut()["response"]["output"] = json!([]);
        },
        &[Rule::Lifecycle],
        "still open at the end",
    ),
    (
        "an item done twice",
        Tape::compaction,
        |t| twice(t, "response.output_item.done"),
        &[Rule::Lifecycle],
        "done twice",
    ),
    (
        "an item added with its content",
        Tape::text,
        |t| {
            t.event("response.output_item.added")["item"]["content"] =
                json!([{"type": "output_text", "text": "Hello world", "annotations": []}])
        },
        &[Rule::Lifecycle],
        "filled before its parts",
    ),
    (
        "a call added with its arguments",
        Tape::parallel_calls,
        |t| t.event("response.output_item.added")["item"]["arguments"] = json!("{}"),
        &[Rule::Lifecycle],
        "filled before its deltas",
    ),
    (
        "arguments never finished",
        Tape::parallel_calls,
        |t| remove(t, "response.function_call_arguments.done"),
        &[Rule::Lifecycle],
        "no `response.function_call_arguments.done`",
    ),
    (
        "a function's deltas in a custom tool call",
        Tape::custom_tool,
        |t| {
            t.event("response.custom_tool_call_input.delta")["type"] =
                json!("response.function_call_arguments.delta")
        },
        &[Rule::Lifecycle, Rule::Sum],
        "inside an item `custom_tool_call`",
    ),
    (
        "a search that completes before it searches",
        Tape::web_search,
        |t| swap(t, "response.web_search_call.searching", "response.web_search_call.completed"),
        &[Rule::Lifecycle],
        "out of place",
    ),
    // Sums.
    (
        "a delta is lost",
        Tape::text,
        |t| remove(t, "response.output_text.delta"),
        &[Rule::Sum],
        "the deltas are `world`",
    ),
    (
        "a delta of arguments is lost",
        Tape::parallel_calls,
        |t| remove(t, "response.function_call_arguments.delta"),
        &[Rule::Sum],
        "the deltas are `1}`",
    ),
    (
        "a delta of custom input is lost",
        Tape::custom_tool,
        |t| remove(t, "response.custom_tool_call_input.delta"),
        &[Rule::Sum],
        "the deltas are ` Patch",
    ),
    (
        "the summary differs from its deltas",
        Tape::summary,
        |t| t.event("response.reasoning_summary_text.done")["text"] = json!("Other"),
        &[Rule::Sum],
        "the text is `Other`",
    ),
    (
        "the part differs from its text",
        Tape::refusal,
        |t| t.event("response.content_part.done")["part"]["refusal"] = json!("Maybe."),
        &[Rule::Sum],
        "not the text that was finished",
    ),
    (
        "the item differs from its input",
        Tape::custom_tool,
        |t| t.event("response.output_item.done")["item"]["input"] = json!("other"),
        &[Rule::Sum, Rule::Output],
        "`input` is not what was finished",
    ),
    (
        "an annotation is lost",
        Tape::web_search,
        |t| remove(t, "response.output_text.annotation.added"),
        &[Rule::Sum],
        "annotations are not those",
    ),
    // What the terminal response holds.
    (
        "the output is empty",
        Tape::text,
        |t| t.last_mut()["response"]["output"] = json!([]),
        &[Rule::Output],
        "does not show item 0 as it was done",
    ),
    (
        "the output is out of order",
        Tape::parallel_calls,
        |t| {
            if let Some(output) = t.last_mut()["response"]["output"].as_array_mut() {
                output.reverse();
            }
        },
        &[Rule::Output],
        "does not show item 0 as it was done",
    ),
    (
        "an item is shown before it is done",
        Tape::kept_alive,
        |t| t.events[5]["response"]["output"] = t.events[10]["response"]["output"].clone(),
        &[Rule::Output],
        "an item that is not done",
    ),
    // Identity.
    (
        "the response's id changes",
        Tape::text,
        |t| t.last_mut()["response"]["id"] = json!("resp_2"),
        &[Rule::Identity],
        "`response.id` has changed",
    ),
    (
        "the model changes",
        Tape::text,
        |t| t.last_mut()["response"]["model"] = json!("mock-model"),
        &[Rule::Identity],
        "`response.model` has changed",
    ),
    (
        "an echoed member changes",
        Tape::text,
        |t| t.last_mut()["response"]["tools"] = json!([]),
        &[Rule::Identity],
        "`response.tools` has changed",
    ),
    (
        "two items share an id",
        Tape::parallel_calls,
        |t| t.rename("fc_1", "fc_0"),
        &[Rule::Identity],
        "used twice",
    ),
    (
        "two calls share a call id",
        Tape::parallel_calls,
        |t| t.rename("call_1", "call_0"),
        &[Rule::Identity],
        "`call_id` is empty or used twice",
    ),
    (
        "an event names another item",
        Tape::text,
        |t| t.event("response.output_text.delta")["item_id"] = json!("msg_9"),
        &[Rule::Identity],
        "not \"msg_9\"",
    ),
    (
        "the item's id changes when it is done",
        Tape::compaction,
        |t| t.event("response.output_item.added")["item"]["id"] = json!("cmp_9"),
        &[Rule::Identity],
        "`id` was \"cmp_9\"",
    ),
    (
        "the namespace is lost",
        Tape::parallel_calls,
        |t| t.forget(1, "namespace"),
        &[Rule::Identity],
        "`namespace` was \"mcp__toy\"",
    ),
    // Tokens.
    (
        "the total is wrong",
        Tape::text,
        |t| t.last_mut()["response"]["usage"]["total_tokens"] = json!(18),
        &[Rule::Usage],
        "`total_tokens` is 18",
    ),
    (
        "more cached than read",
        Tape::text,
        |t| t.last_mut()["response"]["usage"]["input_tokens_details"]["cached_tokens"] = json!(13),
        &[Rule::Usage],
        "13 cached",
    ),
    (
        "more reasoning than output",
        Tape::text,
        |t| {
            t.last_mut()["response"]["usage"]["output_tokens_details"]["reasoning_tokens"] =
                json!(6)
        },
        &[Rule::Usage],
        "6 reasoning of 5",
    ),
    (
        "the details are empty",
        Tape::text,
        |t| t.last_mut()["response"]["usage"]["input_tokens_details"] = json!({}),
        &[Rule::Missing],
        "`cached_tokens` is required",
    ),
    // Shapes.
    (
        "a member of the response is missing",
        Tape::text,
        |t| drop_member(t.last_mut(), "response", "truncation"),
        &[Rule::Missing, Rule::Identity],
        "`truncation` is required",
    ),
    (
        "a member that nobody knows",
        Tape::text,
        |t| t.last_mut()["response"]["cost"] = json!(1),
        &[Rule::UnknownMember, Rule::Identity],
        "`cost` is known to neither",
    ),
    (
        "an unknown member of an item",
        Tape::compaction,
        |t| t.finish("note", &json!("x")),
        &[Rule::UnknownMember],
        "`note` is known to neither",
    ),
    (
        "quire's notes before the end",
        Tape::text,
        |t| {
            let quire = t.last_mut()["response"]["quire"].clone();
            t.events[1]["response"]["quire"] = quire;
        },
        &[Rule::UnknownMember],
        "belongs to the terminal event",
    ),
    (
        "a note without a stable code",
        Tape::text,
        |t| t.last_mut()["response"]["quire"]["notes"][0]["code"] = json!("Not a code"),
        &[Rule::Shape],
        "Not a code",
    ),
    (
        "an item that is nothing",
        Tape::compaction,
        |t| t.event("response.output_item.done")["item"] = Value::Null,
        &[Rule::Shape, Rule::Identity, Rule::Output],
        "null is not of type \"object\"",
    ),
    (
        "logprobs are missing",
        Tape::text,
        |t| drop_member(t.event("response.output_text.delta"), "", "logprobs"),
        &[Rule::Missing],
        "`logprobs` is required",
    ),
    (
        "encrypted content is null",
        Tape::summary,
        |t| t.finish("encrypted_content", &Value::Null),
        &[Rule::Shape],
        "null is not of type \"string\"",
    ),
    (
        "a part without annotations",
        Tape::text,
        |t| drop_member(t.event("response.content_part.added"), "part", "annotations"),
        &[Rule::Missing],
        "`annotations` is required",
    ),
    (
        "arguments that are an object",
        Tape::tool_search,
        |t| t.finish("arguments", &json!("{}")),
        &[Rule::Shape],
        "is not of type \"object\"",
    ),
    (
        "a search without what it did",
        Tape::web_search,
        |t| t.forget(0, "action"),
        &[Rule::Missing],
        "needs its `action`",
    ),
    (
        "an event that nobody knows",
        Tape::text,
        |t| {
            t.events.insert(4, json!({"type": "response.thinking"}));
            t.renumber();
        },
        &[Rule::UnknownType],
        "the event `response.thinking`",
    ),
    (
        "an item that nobody knows",
        Tape::compaction,
        |t| t.rename("compaction", "telepathy"),
        &[Rule::UnknownType],
        "the item `telepathy`",
    ),
    (
        "the name that clients do not read",
        Tape::raw_reasoning,
        |t| t.event("response.reasoning_text.delta")["type"] = json!("response.reasoning.delta"),
        &[Rule::UnknownType, Rule::Lifecycle, Rule::Sum],
        "clients read `response.reasoning_text.delta`",
    ),
    ("reasoning in two forms", Tape::raw_reasoning, two_forms, &[Rule::TwoForms], "not both"),
    (
        "a summary in a message",
        Tape::text,
        |t| {
            t.event("response.content_part.added")["part"] =
                json!({"type": "summary_text", "text": ""})
        },
        &[Rule::Lifecycle, Rule::Identity],
        "a part `summary_text` inside an item `message`",
    ),
];

#[test]
fn a_broken_stream_is_refused_for_its_own_reason() {
    let mut wrong = Vec::new();
    for (name, good, broken, rules, reason) in CASES {
        let mut tape = good();
        broken(&mut tape);
        let complaints = responses_stream(&frames(&tape.events)).err().unwrap_or_default();
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
    let good = frames(&Tape::text().events);
    let broken = |change: &dyn Fn(&mut Frames)| {
        let mut frames = good.clone();
        change(&mut frames);
        let complaints = responses_stream(&frames).expect_err("the frames are broken");
        complaints.into_iter().map(|complaint| complaint.rule).collect::<Vec<_>>()
    };
    let name = "response.in_progress".to_owned();
    assert_eq!(broken(&|frames| frames[3].0.clone_from(&name)), [Rule::Name]);
    assert_eq!(broken(&|frames| frames[3].0.clear()), [Rule::Name]);
    assert_eq!(broken(&|frames| drop(frames.pop())), [Rule::Done]);
    assert_eq!(broken(&|frames| frames.push((String::new(), "[DONE]".into()))), [Rule::Done]);
    assert_eq!(broken(&|frames| frames.insert(4, (String::new(), "{\"half".into()))), [Rule::Json]);
    assert_eq!(broken(&|frames| frames.insert(4, (String::new(), "[]".into()))), [Rule::Json]);
    assert!(
        broken(&|frames| frames.insert(4, (String::new(), "[DONE]".into()))).contains(&Rule::Done)
    );
}

fn remove(tape: &mut Tape, name: &str) {
    tape.events.remove(tape.position(name));
    tape.renumber();
}

fn twice(tape: &mut Tape, name: &str) {
    let at = tape.position(name);
    tape.events.insert(at, tape.events[at].clone());
    tape.renumber();
}

fn swap(tape: &mut Tape, one: &str, other: &str) {
    let (one, other) = (tape.position(one), tape.position(other));
    tape.events.swap(one, other);
    tape.renumber();
}

fn drop_member(event: &mut Value, inside: &str, member: &str) {
    let holder = if inside.is_empty() { event } else { &mut event[inside] };
    holder.as_object_mut().expect("an object holds it").remove(member);
}

/// The raw reasoning is shown once more as a summary.
fn two_forms(tape: &mut Tape) {
    let summary: Vec<_> = Tape::summary().events.drain(3..7).collect();
    let at = tape.position("response.output_item.done");
    tape.events.splice(at..at, summary);
    let part = json!([{"type": "summary_text", "text": "First"}]);
    tape.event("response.output_item.done")["item"]["summary"] = part.clone();
    tape.last_mut()["response"]["output"][0]["summary"] = part;
    tape.renumber();
}

impl Tape {
    fn last_mut(&mut self) -> &mut Value {
        self.events.last_mut().expect("a stream has events")
    }

    /// The first event of this name.
    fn event(&mut self, name: &str) -> &mut Value {
        let at = self.position(name);
        &mut self.events[at]
    }

    /// The first item in both its finished forms gets this member.
    fn finish(&mut self, member: &str, value: &Value) {
        self.event("response.output_item.done")["item"][member] = value.clone();
        self.last_mut()["response"]["output"][0][member] = value.clone();
    }

    /// An item loses a member in both its finished forms.
    fn forget(&mut self, index: usize, member: &str) {
        let done = |event: &&mut Value| {
            event["type"] == "response.output_item.done" && event["output_index"] == index
        };
        let event = self.events.iter_mut().find(done).expect("the item is done");
        drop_member(event, "item", member);
        let output = &mut self.last_mut()["response"]["output"][index];
        output.as_object_mut().expect("an item is an object").remove(member);
    }

    /// Changes one string wherever it stands.
    fn rename(&mut self, from: &str, to: &str) {
        let text =
            json!(self.events).to_string().replace(&format!("\"{from}\""), &format!("\"{to}\""));
        self.events = serde_json::from_str(&text).expect("it was JSON");
    }
}
