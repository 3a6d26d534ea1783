//! What a Messages client gets for events that only some upstreams bring: searches, citations,
//! sealed reasoning, and parts that are open side by side.

mod common;

use common::messages::{complaints, sent, told};
use common::target;
use serde_json::{Value, json};
use std::sync::Arc;
use wire::answer::{Head, Setting};
use wire::drive::{Answer, ClearVault, NOW, Sent, written};
use wire::json::Escaped;
use wire::messages::encode::{Encoder, begin};
use wire::note::{Code, Notes};
use wire::turn::{Citation, End, Event, Finish, Form, Opaque, Opening, Source, Summary, Usage};

fn answer(events: Vec<Event<'_>>, summary: Summary) -> Answer {
    let sent = Sent { summary, seal_reasoning: true, ..sent(&target("careful")) };
    let answer = written(events, &sent);
    let found = complaints(&answer);
    assert!(found.is_empty(), "{}\n{}", found.join("\n"), answer.events);
    answer
}

fn content(answer: &Answer) -> Value {
    told(&answer.events).expect("it is a message")["content"].clone()
}

fn open(part: u32, kind: Opening<'static>) -> Event<'static> {
    Event::Open { part, kind }
}

fn call(part: u32, form: Form) -> Event<'static> {
    let id = Escaped::plain(if part == 0 { "call_a" } else { "call_b" });
    open(part, Opening::Call { id, name: Escaped::plain("exec_command"), form })
}

fn says(part: u32, text: &str) -> Event<'_> {
    Event::Delta { part, text: Escaped::plain(text) }
}

fn seal(part: u32, opaque: Opaque<'static>) -> Event<'static> {
    Event::Seal { part, opaque }
}

const fn close(part: u32) -> Event<'static> {
    Event::Close { part }
}

fn end(finish: Finish) -> Event<'static> {
    Event::End(End::Finished(finish))
}

#[test]
fn a_search_is_a_call_of_the_server_with_its_results() {
    let source = |url, title: Option<&'static str>| Source {
        url: Escaped::plain(url),
        title: title.map(Escaped::plain),
    };
    let citation = Citation {
        url: Escaped::plain("https://a.test"),
        title: Some(Escaped::plain("A \"page\"")),
        quote: Some(Escaped::plain("words")),
        span: Some((0, 5)),
    };
    let events = vec![
        open(0, Opening::Search { id: Escaped::plain("ws_1") }),
        says(0, "rust \"sse\""),
        Event::Found {
            part: 0,
            sources: Some(vec![
                source("https://a.test", Some("A")),
                source("https://b.test", None),
            ]),
        },
        close(0),
        open(1, Opening::Text),
        says(1, "Found."),
        Event::Cite { part: 1, citation },
        close(1),
        Event::Usage(Usage { input: 10, output: 5, searches: 1, ..Usage::default() }),
        end(Finish::Stop),
    ];
    let answer = answer(events, Summary::Wanted);
    let result = |url: &str, title: &str| json!({"type": "web_search_result", "url": url, "title": title, "encrypted_content": "", "page_age": null});
    assert_eq!(
        content(&answer),
        json!([
            {"type": "server_tool_use", "id": "srvtoolu_t_1", "name": "web_search", "input": {"query": "rust \"sse\""}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_t_1", "content": [
                result("https://a.test", "A"), result("https://b.test", "https://b.test"),
            ]},
            {"type": "text", "text": "Found.", "citations": [{
                "type": "web_search_result_location", "url": "https://a.test", "title": "A \"page\"",
                "encrypted_index": "", "cited_text": "words",
            }]},
        ])
    );
    let message = told(&answer.events).expect("it is a message");
    assert_eq!(
        message["usage"]["server_tool_use"],
        json!({"web_search_requests": 1, "web_fetch_requests": 0})
    );
    assert_eq!(message["stop_reason"], "end_turn");
}

#[test]
fn reasoning_comes_shown_or_sealed_or_as_what_only_its_issuer_can_read() {
    let thought = || {
        vec![
            open(0, Opening::Reasoning),
            says(0, "hm"),
            seal(0, Opaque::Signature(Escaped::plain("EqQB"))),
            close(0),
            open(1, Opening::Reasoning),
            seal(1, Opaque::Redacted(Escaped::plain("EmQB"))),
            close(1),
            // Neither text nor seal: nothing to bring back.
            open(2, Opening::Reasoning),
            close(2),
            end(Finish::Stop),
        ]
    };
    let signed = "sealed-reasoning:\u{1}{\"text\":\"hm\",\"signature\":\"EqQB\"}";
    let hidden = "sealed-reasoning:\u{1}{\"text\":\"\",\"redacted\":\"EmQB\"}";
    assert_eq!(
        content(&answer(thought(), Summary::Wanted)),
        json!([
            {"type": "thinking", "thinking": "hm", "signature": signed},
            {"type": "redacted_thinking", "data": hidden},
        ])
    );
    // As Anthropic itself answers where `display` is `omitted`.
    assert_eq!(
        content(&answer(thought(), Summary::None)),
        json!([
            {"type": "thinking", "thinking": "", "signature": signed},
            {"type": "thinking", "thinking": "", "signature": hidden},
        ])
    );
    let unwanted =
        Sent { summary: Summary::None, seal_reasoning: false, ..sent(&target("careful")) };
    assert_eq!(content(&written(thought(), &unwanted)), json!([]));
}

#[test]
fn parts_that_are_open_side_by_side_come_one_after_the_other() {
    let events = vec![
        call(0, Form::Arguments),
        open(2, Opening::Text),
        call(1, Form::Input),
        says(2, "meanwhile"),
        says(1, "free \"text\""),
        close(1),
        says(0, "{\"cmd\":\"ls\"}"),
        close(2),
        close(0),
        end(Finish::Calls),
    ];
    assert_eq!(
        content(&answer(events, Summary::Wanted)),
        json!([
            {"type": "tool_use", "id": "call_a", "name": "exec_command", "input": {"cmd": "ls"}},
            {"type": "text", "text": "meanwhile"},
            {"type": "tool_use", "id": "call_b", "name": "exec_command", "input": {"input": "free \"text\""}},
        ])
    );
}

#[test]
fn what_waits_behind_a_call_that_a_limit_cut_is_told_in_notes() {
    let events = vec![
        call(0, Form::Arguments),
        says(0, "{\"cmd\":"),
        open(2, Opening::Text),
        says(2, "meanwhile"),
        close(2),
        call(1, Form::Arguments),
        end(Finish::Length),
    ];
    let answer = answer(events, Summary::Wanted);
    let message = told(&answer.events).expect("it is a message");
    assert_eq!((&message["content"], &message["stop_reason"]), (&json!([]), &json!("max_tokens")));
    let notes: Vec<_> = answer.notes.list().iter().map(|note| (note.code, note.count)).collect();
    assert_eq!(
        notes,
        [(Code::CallIncomplete, 2), (Code::EventDropped, 1), (Code::UsageEstimated, 1)]
    );
}

#[test]
fn the_reason_to_stop_is_the_clients_own_word() {
    let text = |finish| vec![open(0, Opening::Text), says(0, "so"), close(0), end(finish)];
    for (finish, reason, sequence) in [
        (Finish::Stop, "end_turn", Value::Null),
        (Finish::Calls, "end_turn", Value::Null),
        (Finish::Sequence("END\n".to_owned()), "stop_sequence", json!("END\n")),
        (Finish::Length, "max_tokens", Value::Null),
        (Finish::Filtered, "refusal", Value::Null),
        (Finish::Other("tired".to_owned()), "end_turn", Value::Null),
    ] {
        let message = told(&answer(text(finish), Summary::Wanted).events).expect("it is a message");
        assert_eq!(
            (&message["stop_reason"], &message["stop_sequence"]),
            (&json!(reason), &sequence)
        );
    }
}

#[test]
fn a_search_that_failed_does_not_look_like_one_that_found_nothing() {
    let events = vec![
        open(0, Opening::Search { id: Escaped::plain("ws_1") }),
        says(0, "rust"),
        Event::Found { part: 0, sources: None },
        close(0),
        open(1, Opening::Text),
        says(1, "Alas."),
        close(1),
        end(Finish::Stop),
    ];
    let answer = answer(events, Summary::Wanted);
    let failed = json!({"type": "web_search_tool_result_error", "error_code": "unavailable"});
    assert_eq!(content(&answer)[1]["content"], failed);
    assert_eq!(content(&answer)[2]["text"], "Alas.");
}

#[test]
fn what_no_block_carries_is_dropped_with_a_note() {
    let citation = || Citation { url: Escaped::plain("u"), title: None, quote: None, span: None };
    let events = vec![
        open(0, Opening::Text),
        Event::Cite { part: 0, citation: citation() },
        close(0),
        open(1, Opening::Reasoning),
        Event::Cite { part: 1, citation: citation() },
        Event::Found { part: 1, sources: None },
        close(1),
        says(7, "of a part that never began"),
        end(Finish::Stop),
    ];
    let answer = answer(events, Summary::Wanted);
    assert_eq!(content(&answer), json!([]));
    let dropped = answer.notes.list().iter().filter(|note| note.code == Code::EventDropped);
    assert_eq!(dropped.map(|note| note.count).sum::<u32>(), 3);
}

#[test]
fn a_stream_is_the_same_where_nobody_wants_the_whole_message() {
    let events = || {
        vec![
            open(0, Opening::Reasoning),
            says(0, "hm"),
            close(0),
            open(1, Opening::Text),
            call(2, Form::Arguments),
            says(1, "one "),
            says(2, "{\"cmd\":"),
            says(1, "two"),
            close(1),
            says(2, "\"ls\"}"),
            close(2),
            end(Finish::Stop),
        ]
    };
    let whole = answer(events(), Summary::Wanted);
    let sent = sent(&target("careful"));
    let head =
        Arc::new(Head { stem: "t".to_owned(), model: sent.model.clone(), ..Head::default() });
    let setting = Setting {
        names: sent.names.clone(),
        summary: Summary::Wanted,
        seal_reasoning: true,
        request_id: "req_t".to_owned(),
        provider: "test".to_owned(),
        upstream_model: "m".to_owned(),
        input_estimate: (sent.body.len() / 4) as u64,
        ..Setting::default()
    };
    let mut stream = String::new();
    begin(&head, &mut stream);
    begin(&head, &mut stream);
    let mut encoder = Encoder::new(head, setting, ClearVault, Notes::default());
    for event in events() {
        encoder.push(event, NOW, &mut stream);
    }
    assert_eq!(stream, whole.events);
    assert!(encoder.is_ended() && encoder.take_object().is_empty());
}
