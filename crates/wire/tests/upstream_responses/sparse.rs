//! Servers that tell little: each form of an answer says the same as the full one.

use super::targets::target;
use serde_json::{Value, json};
use wire::answer::Ending;
use wire::dialect::Dialect;
use wire::drive;
use wire::turn::{End, Event, Finish, Opaque, Opening};

/// What an answer says, however it was told: each part with its text, seals and citations.
#[derive(Debug, Default, PartialEq, Clone)]
pub(super) struct Told {
    pub(super) parts: Vec<String>,
    pub(super) end: String,
    pub(super) usage: String,
    /// Parts that were not closed.
    pub(super) open: Vec<u32>,
}

/// Puts events together, and checks that each part opens once, before its deltas, and closes once.
#[derive(Default)]
pub(super) struct Listener {
    told: Told,
    numbers: Vec<u32>,
    ended: bool,
}

impl Listener {
    pub(super) fn hear(&mut self, event: &Event<'_>) {
        assert!(!self.ended, "something follows the end: {event:?}");
        let at = |part: u32, numbers: &[u32]| {
            numbers.iter().position(|number| *number == part).expect("the part was opened")
        };
        match event {
            Event::Open { part, kind } => {
                assert!(!self.numbers.contains(part), "opened twice");
                self.numbers.push(*part);
                self.told.open.push(*part);
                self.told.parts.push(match kind {
                    Opening::Text => "says ".to_owned(),
                    Opening::Refusal => "refuses ".to_owned(),
                    Opening::Reasoning => "thinks ".to_owned(),
                    Opening::Call { id, name, form } => {
                        format!("calls {} {} {form:?} ", id.text(), name.text())
                    }
                    Opening::Search { .. } => "searches ".to_owned(),
                });
            }
            Event::Delta { part, text } => {
                assert!(self.told.open.contains(part), "more of a part that is not open");
                assert!(!text.is_empty(), "a delta of nothing");
                let at = at(*part, &self.numbers);
                self.told.parts[at].push_str(&text.text());
            }
            Event::Seal { part, opaque } => {
                assert!(self.told.open.contains(part));
                let Opaque::Encrypted(data) = opaque else { unreachable!("{opaque:?}") };
                let at = at(*part, &self.numbers);
                self.told.parts[at].push_str(&format!(" sealed {}", data.text()));
            }
            Event::Cite { part, citation } => {
                assert!(self.told.open.contains(part));
                let at = at(*part, &self.numbers);
                let cited = format!(" [{} {:?}]", citation.url.text(), citation.span);
                self.told.parts[at].push_str(&cited);
            }
            Event::Found { part, sources } => {
                assert!(self.told.open.contains(part));
                let at = at(*part, &self.numbers);
                for source in sources.iter().flatten() {
                    self.told.parts[at].push_str(&format!(" found {}", source.url.text()));
                }
            }
            Event::Close { part } => {
                assert!(self.told.open.contains(part), "closed what is not open");
                self.told.open.retain(|open| open != part);
            }
            Event::Usage(usage) => self.told.usage = format!("{usage:?}"),
            Event::End(end) => {
                self.ended = true;
                self.told.end = match end {
                    End::Finished(finish) => format!("{finish:?}"),
                    End::Failed(fault) => format!("{:?}: {}", fault.kind, fault.message),
                };
            }
        }
    }

    pub(super) fn told(self) -> Told {
        assert!(self.ended, "no end");
        self.told
    }
}

pub(super) fn heard(stream: &[u8]) -> Told {
    let mut listener = Listener::default();
    let target = target("openai");
    drive::events([stream], Ending::Closed, Dialect::Responses, &target, &mut |event| {
        listener.hear(&event)
    });
    listener.told()
}

fn stream(events: &[Value]) -> Told {
    let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    heard(text.as_bytes())
}

/// An answer with one item of each kind.
fn items() -> [Value; 6] {
    [
        json!({"id": "rs_1", "type": "reasoning", "encrypted_content": "gAAAA",
            "summary": [{"type": "summary_text", "text": "hm"}, {"type": "summary_text", "text": "ah"}]}),
        json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search",
            "query": "sse", "sources": [{"type": "url", "url": "https://example.com"}]}}),
        json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "so \u{e9}\n\"it\" is", "annotations": [{"type": "url_citation",
                "url": "https://example.com", "title": "t", "start_index": 0, "end_index": 2}]},
            {"type": "refusal", "refusal": "no"}]}),
        json!({"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1",
            "name": "f", "arguments": "{\"a\":\"\\n\"}"}),
        json!({"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "call_id": "call_2",
            "name": "c", "input": "*** Begin\n"}),
        json!({"id": "fc_2", "type": "function_call", "status": "completed", "call_id": "call_3",
            "name": "f", "arguments": "{}"}),
    ]
}

fn completed(output: Value) -> Value {
    json!({"type": "response.completed", "response": {"id": "resp_1", "object": "response",
        "status": "completed", "output": output, "usage": {"input_tokens": 10, "output_tokens": 5}}})
}

/// The answer as OpenAI streams it.
fn full() -> Vec<Value> {
    let at = |kind: &str, index: usize, id: &str, members: Value| {
        let mut event = json!({"type": kind, "output_index": index, "item_id": id});
        for (name, value) in members.as_object().expect("an object") {
            event[name] = value.clone();
        }
        event
    };
    let items = items();
    let added = |index: usize, item: Value| json!({"type": "response.output_item.added", "output_index": index, "item": item});
    let done = |index: usize| json!({"type": "response.output_item.done", "output_index": index, "item": items[index]});
    let text = |kind: &str, index: usize, members: Value| {
        at(kind, 2, "msg_1", {
            let mut members = members;
            members["content_index"] = json!(index);
            members
        })
    };
    let call = |kind: &str, index: usize, id: &str, members: Value| at(kind, index, id, members);
    let summary = |kind: &str, index: usize, members: Value| {
        at(kind, 0, "rs_1", {
            let mut members = members;
            members["summary_index"] = json!(index);
            members
        })
    };
    vec![
        json!({"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}}),
        added(0, json!({"id": "rs_1", "type": "reasoning", "summary": []})),
        summary(
            "response.reasoning_summary_part.added",
            0,
            json!({"part": {"type": "summary_text", "text": ""}}),
        ),
        summary("response.reasoning_summary_text.delta", 0, json!({"delta": "h"})),
        summary("response.reasoning_summary_text.delta", 0, json!({"delta": "m"})),
        summary("response.reasoning_summary_text.done", 0, json!({"text": "hm"})),
        summary("response.reasoning_summary_text.delta", 1, json!({"delta": "ah"})),
        done(0),
        added(1, json!({"id": "ws_1", "type": "web_search_call", "status": "in_progress"})),
        at("response.web_search_call.searching", 1, "ws_1", json!({})),
        done(1),
        added(2, json!({"id": "msg_1", "type": "message", "role": "assistant", "content": []})),
        text(
            "response.content_part.added",
            0,
            json!({"part": {"type": "output_text", "text": ""}}),
        ),
        text("response.output_text.delta", 0, json!({"delta": "so \u{e9}\n"})),
        text("response.output_text.delta", 0, json!({"delta": "\"it\" is"})),
        text(
            "response.output_text.annotation.added",
            0,
            json!({"annotation_index": 0,
            "annotation": items[2]["content"][0]["annotations"][0]}),
        ),
        text("response.output_text.done", 0, json!({"text": "so \u{e9}\n\"it\" is"})),
        text("response.content_part.done", 0, json!({"part": items[2]["content"][0]})),
        text("response.refusal.delta", 1, json!({"delta": "no"})),
        text("response.refusal.done", 1, json!({"refusal": "no"})),
        done(2),
        added(
            3,
            json!({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}),
        ),
        added(
            4,
            json!({"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "c", "input": ""}),
        ),
        call("response.function_call_arguments.delta", 3, "fc_1", json!({"delta": "{\"a\":"})),
        call("response.custom_tool_call_input.delta", 4, "ctc_1", json!({"delta": "*** Beg"})),
        call("response.function_call_arguments.delta", 3, "fc_1", json!({"delta": "\"\\n\"}"})),
        call(
            "response.function_call_arguments.done",
            3,
            "fc_1",
            json!({"arguments": "{\"a\":\"\\n\"}"}),
        ),
        done(3),
        call("response.custom_tool_call_input.delta", 4, "ctc_1", json!({"delta": "in\n"})),
        call("response.custom_tool_call_input.done", 4, "ctc_1", json!({"input": "*** Begin\n"})),
        done(4),
        added(
            5,
            json!({"id": "fc_2", "type": "function_call", "call_id": "call_3", "name": "f", "arguments": ""}),
        ),
        call("response.function_call_arguments.delta", 5, "fc_2", json!({"delta": "{}"})),
        done(5),
        completed(json!(items)),
    ]
}

fn expected() -> Told {
    Told {
        parts: [
            "thinks hm\n\nah sealed gAAAA",
            "searches sse found https://example.com",
            "says so \u{e9}\n\"it\" is [https://example.com Some((0, 2))]",
            "refuses no",
            "calls call_1 f Arguments {\"a\":\"\\n\"}",
            "calls call_2 c Input *** Begin\n",
            "calls call_3 f Arguments {}",
        ]
        .map(str::to_owned)
        .to_vec(),
        end: format!("{:?}", Finish::Calls),
        usage:
            "Usage { input: 10, cached: 0, cache_written: 0, output: 5, reasoning: 0, searches: 1 }"
                .to_owned(),
        open: Vec::new(),
    }
}

fn only(keep: impl Fn(&str) -> bool) -> Vec<Value> {
    full().into_iter().filter(|event| keep(event["type"].as_str().expect("a type"))).collect()
}

#[test]
fn the_full_stream_says_everything_once() {
    assert_eq!(stream(&full()), expected());
}

#[test]
fn every_sparse_form_says_the_same() {
    let is_delta = |kind: &str| kind.ends_with(".delta");
    let without_output = |events: Vec<Value>| {
        let mut events = events;
        events.last_mut().expect("an end")["response"]["output"] = json!([]);
        events
    };
    let without = |names: &[&str], events: Vec<Value>| {
        let mut events = events;
        for event in &mut events {
            for name in names {
                event.as_object_mut().expect("an object").remove(*name);
                if let Some(item) = event.get_mut("item").and_then(Value::as_object_mut) {
                    item.remove(*name);
                }
                for item in event
                    .pointer_mut("/response/output")
                    .and_then(Value::as_array_mut)
                    .into_iter()
                    .flatten()
                {
                    item.as_object_mut().expect("an object").remove(*name);
                }
            }
        }
        events
    };
    let renamed = {
        // Every event has another id for the same item.
        let mut events = full();
        for (number, event) in events.iter_mut().enumerate() {
            for place in ["/item_id", "/item/id"] {
                if let Some(id) = event.pointer_mut(place) {
                    *id = json!(format!("{number}-{}", id.as_str().expect("a string")));
                }
            }
            for item in event
                .pointer_mut("/response/output")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                item["id"] = json!("last");
            }
        }
        events
    };
    let half = {
        // The last piece of some texts was lost, but the whole text comes.
        let mut events = full();
        let lost = ["\"it\" is", "in\n", "{}"];
        events.retain(|event| {
            !lost.iter().any(|lost| event["delta"] == *lost) && event.get("annotation").is_none()
        });
        events
    };
    let forms = [
        ("no output at the end", without_output(full())),
        (
            "done items and the end",
            only(|kind| kind == "response.output_item.done" || kind == "response.completed"),
        ),
        (
            "done items alone",
            without_output(only(|kind| {
                kind == "response.output_item.done" || kind == "response.completed"
            })),
        ),
        (
            "done items without place and id",
            without(
                &["output_index", "id"],
                only(|kind| kind == "response.output_item.done" || kind == "response.completed"),
            ),
        ),
        ("nothing but the end", only(|kind| kind == "response.completed")),
        ("no deltas", only(|kind| !is_delta(kind))),
        (
            "no done of parts",
            only(|kind| !kind.ends_with(".done") || kind == "response.output_item.done"),
        ),
        (
            "nothing added",
            only(|kind| !kind.ends_with(".added") || kind.ends_with("annotation.added")),
        ),
        ("no annotations on their way", only(|kind| !kind.ends_with("annotation.added"))),
        ("no ids of items", without(&["item_id", "id"], full())),
        ("no places", without(&["output_index"], full())),
        ("other ids in each event", renamed),
        ("some pieces lost", half),
    ];
    for (name, events) in forms {
        assert_eq!(stream(&events), expected(), "{name}");
    }
    // A text that is told in deltas alone has no citations but those on their way, and what a search
    // found is known from its item alone.
    let told = stream(
        &only(|kind| is_delta(kind) || kind.ends_with(".added") || kind == "response.incomplete")
            .into_iter()
            .chain([json!({"type": "response.completed", "response": {"status": "completed"}})])
            .collect::<Vec<_>>(),
    );
    assert_eq!(told.parts[2..], expected().parts[2..]);
    assert!(told.open.is_empty());
}

#[test]
fn a_whole_answer_says_the_same_as_its_stream() {
    let mut listener = Listener::default();
    let body = completed(json!(items()))["response"].to_string();
    wire::responses::Decoder::new(&target("openai"), "call_t_")
        .answer(&body, &mut |event| listener.hear(&event));
    assert_eq!(listener.told(), expected());
}

#[test]
fn the_end_is_what_the_terminal_event_says() {
    let text = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "so"});
    let end = |kind: &str, response: Value| {
        stream(&[text.clone(), json!({"type": kind, "response": response})])
    };
    let reason =
        |reason: &str| json!({"status": "incomplete", "incomplete_details": {"reason": reason}});
    let failed =
        |code: &str| json!({"status": "failed", "error": {"code": code, "message": "why"}});
    for (told, is) in [
        (end("response.completed", json!({"status": "completed"})), "Stop"),
        (end("response.completed", json!({})), "Stop"),
        (end("response.done", json!({"status": "completed"})), "Stop"),
        (end("response.incomplete", reason("max_output_tokens")), "Length"),
        (end("response.incomplete", reason("content_filter")), "Filtered"),
        (end("response.incomplete", reason("steered")), "Paused"),
        (end("response.incomplete", json!({})), "Length"),
        (end("response.failed", failed("rate_limit_exceeded")), "RateLimited: why"),
        (end("response.failed", failed("context_length_exceeded")), "TooLong: why"),
        (
            end("response.failed", json!({})),
            "Upstream: the upstream reports that it failed without saying why",
        ),
        (end("response.cancelled", json!({})), "Upstream: the upstream cancelled the answer"),
        (
            stream(&[
                text.clone(),
                json!({"type": "error", "code": "server_is_overloaded", "message": "full"}),
            ]),
            "Overloaded: full",
        ),
        (
            stream(&[
                text.clone(),
                json!({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}),
            ]),
            "RateLimited: slow",
        ),
        (
            stream(&[json!({"error": {"message": "no", "type": "invalid_request_error"}})]),
            "BadRequest: no",
        ),
        (
            stream(std::slice::from_ref(&text)),
            "Cut: the upstream closed the stream before the answer was finished",
        ),
        (
            heard(b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"\n\n"),
            "Protocol: the upstream broke off in the middle of what it sent",
        ),
        (
            heard(b"data: [DONE]\n\n"),
            "Cut: the upstream closed the stream before the answer was finished",
        ),
    ] {
        assert_eq!(told.end, is);
        assert_eq!(told.open.is_empty(), is == "Stop" || told.parts.is_empty(), "{is}");
    }
}

#[test]
fn a_call_that_a_limit_cut_stays_open() {
    let told = stream(&[
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call", "call_id": "a", "name": "f"}}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{\"a\":"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{\"a\":", "status": "incomplete"}}),
        json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}),
    ]);
    assert_eq!(told.parts, ["calls a f Arguments {\"a\":"]);
    assert_eq!((told.end.as_str(), told.open.len()), ("Length", 1));
}

#[test]
fn a_call_without_a_name_is_a_fault_and_one_whose_name_comes_late_is_none() {
    let delta = json!({"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": "{}"});
    let done = |name: &str| json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "function_call", "id": "fc_1", "name": name, "arguments": "{}"}});
    let end = completed(json!([]));
    let told = stream(&[delta.clone(), done(""), end.clone()]);
    assert_eq!(told.end, "Protocol: the upstream called a tool without naming it");
    let told = stream(&[delta, done("f"), end]);
    assert_eq!(told.parts, ["calls call_t_0 f Arguments {}"]);
}

#[test]
fn what_is_not_known_is_passed_over_but_its_words_are_not() {
    let told = stream(&[
        json!({"type": "response.telepathy.delta", "delta": "?"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "vision", "shape": 1}}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": {"type": "poem", "content": [{"type": "verse", "text": "o"}]}}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": {"type": "image_generation_call", "result": "AA=="}}),
        completed(json!([])),
    ]);
    assert_eq!(told.parts, ["says o"]);
}

#[test]
fn equal_items_in_a_row_are_as_many_as_they_are() {
    let message = |id: &str| json!({"type": "message", "id": id, "content": [{"type": "output_text", "text": "ok"}]});
    let done = |index: usize, item: Value| json!({"type": "response.output_item.done", "output_index": index, "item": item});
    let told = stream(&[
        done(0, message("a")),
        done(1, message("b")),
        completed(json!([message("a"), message("b"), message("c")])),
    ]);
    assert_eq!(told.parts, ["says ok", "says ok", "says ok"]);
}
