//! The laws of Chat Completions answers towards clients: they hold for every legal sequence of
//! events, whatever upstream said it.

mod common;

use common::events::{self, Piece, Script, cut, declared, finished, payload};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::judge;
use wire::answer::{Head, Setting};
use wire::chat::encode::{self, Encoder};
use wire::drive::{ClearVault, NOW};
use wire::fault::{Fault, Kind};
use wire::json::Escaped;
use wire::note::{Code, Notes};
use wire::thought::Thought;
use wire::turn::{Citation, End, Event, Finish, Form, Opaque, Opening, Source, Summary, Usage};

/// An answer as a client gets it.
struct Answer {
    stream: String,
    object: Value,
    encoder: Encoder<ClearVault>,
}

fn setting() -> Setting {
    Setting {
        names: events::names(),
        include_usage: true,
        whole: true,
        request_id: "req_t".to_owned(),
        provider: "test".to_owned(),
        upstream_model: "m".to_owned(),
        input_estimate: 10,
        ..Setting::default()
    }
}

fn answer(events: &[Event<'_>], setting: Setting) -> Answer {
    let head = Head {
        stem: "t".to_owned(),
        created_at: NOW,
        model: "asked/\"model\"".to_owned(),
        ..Head::default()
    };
    let head = Arc::new(head);
    let mut stream = String::new();
    encode::begin(&head, &mut stream);
    encode::begin(&head, &mut stream);
    let mut encoder = Encoder::new(Arc::clone(&head), setting, ClearVault, Notes::default());
    for event in events {
        encoder.push(event.clone(), NOW, &mut stream);
        encode::keep_alive(&head, &mut stream);
    }
    let object = encoder.take_object();
    let object = if object.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&object).expect("quire writes JSON")
    };
    Answer { stream, object, encoder }
}

/// What the judges say of an answer that did not fail.
fn complaints(answer: &Answer, include_usage: bool) -> Vec<String> {
    let verdicts = [
        judge::chat_stream(&answer.stream, include_usage),
        judge::chat_answer(&answer.object),
        judge::chat_same(&answer.stream, &answer.object),
    ];
    verdicts.into_iter().filter_map(Result::err).flatten().map(|c| c.to_string()).collect()
}

macro_rules! judged {
    ($answer:expr, $include_usage:expr) => {
        let found = complaints($answer, $include_usage);
        prop_assert!(found.is_empty(), "{}\n{}", found.join("\n"), $answer.stream);
    };
}

fn message(answer: &Answer) -> &Value {
    &answer.object["choices"][0]["message"]
}

/// The message that says what the pieces say.
fn expected(pieces: &[Piece], setting: &Setting) -> Value {
    let mut message = json!({"role": "assistant", "content": "", "refusal": ""});
    let mut add = |name: &str, text: &str| {
        let before = message[name].as_str().unwrap_or_default().to_owned();
        message[name] = json!(before + text);
    };
    let mut calls = Vec::new();
    let mut details = Vec::new();
    let mut annotations = Vec::new();
    let mut characters = 0;
    let mut spoke = false;
    for piece in pieces {
        match piece {
            Piece::Says { text, cites } => {
                spoke = true;
                add("content", text);
                let end = characters + text.chars().count() as u64;
                for (url, span) in cites {
                    let (from, to) =
                        span.map_or((characters, end), |(a, b)| (characters + a, characters + b));
                    annotations.push(json!({"type": "url_citation", "url_citation": {
                        "start_index": from, "end_index": to, "url": url, "title": "Ti\"tle"}}));
                }
                characters = end;
            }
            Piece::Refuses(text) => add("refusal", text),
            Piece::Thinks { text, opaque } => {
                if setting.summary != Summary::None {
                    add("reasoning_content", text);
                }
                if opaque.is_some() || setting.seal_reasoning && !text.is_empty() {
                    let thought = Thought { text: text.clone(), opaque: opaque.clone() };
                    let mut detail = json!({"type": "reasoning.encrypted", "format": "quire-v1",
                        "data": format!("sealed-reasoning:{}", thought.pack()), "index": details.len()});
                    match (spoke, calls.len()) {
                        (false, 0) => {}
                        (true, 0) => detail["id"] = json!("after-text"),
                        (_, calls) => detail["id"] = json!(format!("after-call-{calls}")),
                    }
                    details.push(detail);
                }
            }
            Piece::Calls { id, wire, form, payload } => {
                let said = self::payload(wire, *form, payload);
                let (name, custom) = declared(wire);
                calls.push(match custom {
                    true => json!({"id": id, "type": "custom", "custom": {"name": name, "input": said}}),
                    false => json!({"id": id, "type": "function", "function": {"name": name, "arguments": said}}),
                });
            }
            Piece::Searches { .. } => {}
        }
    }
    for (name, list) in
        [("tool_calls", calls), ("reasoning_details", details), ("annotations", annotations)]
    {
        if !list.is_empty() {
            message[name] = Value::Array(list);
        }
    }
    let members = message.as_object_mut().expect("it is made here");
    let says_else = members["refusal"] != "" || members.contains_key("tool_calls");
    if members["content"] == "" && says_else {
        members["content"] = Value::Null;
    }
    if members["refusal"] == "" {
        members["refusal"] = Value::Null;
    }
    members.retain(|name, value| name != "reasoning_content" || value != "");
    message
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_satisfies_the_judge_and_nothing_of_it_is_lost_or_changed(
        script in finished(),
        summary in select(vec![Summary::Unset, Summary::None, Summary::Wanted]),
        seal_reasoning in any::<bool>(),
        include_usage in any::<bool>(),
    ) {
        let setting = || Setting { summary, seal_reasoning, include_usage, ..setting() };
        let answer = answer(&script.events, setting());
        judged!(&answer, include_usage);
        prop_assert_eq!(message(&answer), &expected(&script.pieces, &setting()));
        let Some(Event::End(End::Finished(finish))) = script.events.last() else { unreachable!() };
        let calls = script.pieces.iter().any(|piece| matches!(piece, Piece::Calls { .. }));
        let reason = match finish {
            Finish::Length => "length",
            Finish::Filtered => "content_filter",
            _ if calls => "tool_calls",
            _ => "stop",
        };
        prop_assert_eq!(&answer.object["choices"][0]["finish_reason"], reason);
        prop_assert!(answer.encoder.is_ended() && answer.stream.ends_with("data: [DONE]\n\n: keep-alive\n\n"));
    }

    #[test]
    fn usage_after_equals_usage_before_and_is_estimated_where_there_is_none(script in finished()) {
        let answer = answer(&script.events, setting());
        let folded = judge::chat_fold(&answer.stream);
        prop_assert_eq!(&folded["usage"], &answer.object["usage"]);
        let estimated = answer.encoder.notes().list().iter().any(|note| note.code == Code::UsageEstimated);
        prop_assert_eq!(estimated, script.usage.is_none());
        if let Some(Usage { input, cached, cache_written, output, reasoning, .. }) = script.usage {
            prop_assert_eq!(&answer.object["usage"], &json!({
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input + output,
                "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": cache_written},
                "completion_tokens_details": {"reasoning_tokens": reasoning},
            }));
        }
    }

    #[test]
    fn an_answer_that_breaks_off_ends_once_and_says_how(script in cut()) {
        let answer = answer(&script.events, setting());
        let Some(Event::End(end)) = script.events.last() else { unreachable!() };
        prop_assert_eq!(answer.encoder.ended(), Some(end));
        match end {
            End::Failed(_) => {
                let verdict = judge::chat_stream(&answer.stream, true);
                prop_assert!(verdict.is_ok(), "{verdict:?}\n{}", answer.stream);
                prop_assert!(!answer.stream.contains("[DONE]"));
                let error = &answer.object["error"];
                prop_assert_eq!(&error["message"], "the upstream \"hung up\"");
                prop_assert_eq!(&error["code"], "upstream_cut");
                let told = testkit::sse::json(&answer.stream);
                prop_assert_eq!(told.last(), Some(&answer.object));
            }
            End::Finished(_) => {
                judged!(&answer, true);
                prop_assert_eq!(&answer.object["choices"][0]["finish_reason"], "length");
            }
        }
    }

    #[test]
    fn a_stream_says_the_same_whether_the_whole_is_wanted_or_not(script in finished()) {
        let streamed = answer(&script.events, Setting { whole: false, ..setting() });
        prop_assert_eq!(&streamed.stream, &answer(&script.events, setting()).stream);
        prop_assert_eq!(streamed.object, Value::Null);
    }

    #[test]
    fn events_in_any_order_do_no_harm(
        scripts in prop::collection::vec(finished(), 1..3),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let events: Vec<Event<'static>> = scripts.into_iter().flat_map(|Script { events, .. }| events).collect();
        let mut picked: Vec<Event<'static>> = order.iter().map(|at| events[at.index(events.len())].clone()).collect();
        picked.push(Event::End(End::Finished(Finish::Stop)));
        let answer = answer(&picked, setting());
        let ends = ["data: [DONE]", "data: {\"error\""].map(|end| answer.stream.matches(end).count());
        prop_assert_eq!(ends.iter().sum::<usize>(), 1, "{}", answer.stream);
        for line in answer.stream.lines().filter_map(|line| line.strip_prefix("data: ")) {
            prop_assert!(line == "[DONE]" || serde_json::from_str::<Value>(line).is_ok(), "{line}");
        }
    }
}

fn open(part: u32, kind: Opening<'static>) -> Event<'static> {
    Event::Open { part, kind }
}

fn call(part: u32, name: &'static str, form: Form) -> Event<'static> {
    let (id, name) = (Escaped::plain("c1"), Escaped::plain(name));
    open(part, Opening::Call { id, name, form })
}

fn delta(part: u32, text: &'static str) -> Event<'static> {
    Event::Delta { part, text: Escaped::plain(text) }
}

fn end(finish: Finish) -> Event<'static> {
    Event::End(End::Finished(finish))
}

fn has(answer: &Answer, code: Code) -> bool {
    answer.encoder.notes().list().iter().any(|note| note.code == code)
}

#[test]
fn a_call_that_broke_off_fails_the_answer_unless_a_limit_says_so() {
    let wrapped = [
        call(0, "apply_patch", Form::Arguments),
        delta(0, "{\"input\":\"half"),
        Event::Close { part: 0 },
    ];
    let unclosed = [call(0, "exec_command", Form::Arguments), delta(0, "{\"a\":")];
    for events in [wrapped.as_slice(), unclosed.as_slice()] {
        for finish in [Finish::Stop, Finish::Calls, Finish::Other(String::new())] {
            let events = [events, &[end(finish)]].concat();
            let answer = answer(&events, setting());
            let Some(End::Failed(fault)) = answer.encoder.ended() else { panic!("it must fail") };
            assert!(fault.kind == Kind::Protocol && fault.message.contains("broke off"));
            assert!(!answer.stream.contains("finish_reason\":\"tool_calls"));
            assert!(
                answer.object["error"]["message"].is_string() && has(&answer, Code::CallIncomplete)
            );
        }
        let events = [events, &[end(Finish::Length)]].concat();
        let answer = answer(&events, setting());
        assert_eq!(answer.object["choices"][0]["finish_reason"], "length");
        assert!(has(&answer, Code::CallIncomplete));
    }
}

#[test]
fn input_that_the_model_did_not_wrap_is_taken_with_a_note() {
    let events = [
        call(0, "apply_patch", Form::Arguments),
        delta(0, "{\"patch\":\"x\"}"),
        Event::Close { part: 0 },
        end(Finish::Calls),
    ];
    let answer = answer(&events, setting());
    assert_eq!(message(&answer)["tool_calls"][0]["custom"]["input"], "x");
    assert!(has(&answer, Code::InputUnwrapped) && complaints(&answer, true).is_empty());
}

#[test]
fn a_model_that_waits_for_calls_it_did_not_make_is_done() {
    let answer = answer(&[open(0, Opening::Text), delta(0, "so"), end(Finish::Calls)], setting());
    assert_eq!(answer.object["choices"][0]["finish_reason"], "stop");
}

#[test]
fn hidden_reasoning_comes_back_sealed_or_not_at_all() {
    let seal = Event::Seal { part: 0, opaque: Opaque::Signature(Escaped::plain("sig")) };
    let hidden = || Setting { summary: Summary::None, ..setting() };
    let thought = [open(0, Opening::Reasoning), delta(0, "secret"), Event::Close { part: 0 }];
    let silent = answer(&[thought.as_slice(), &[end(Finish::Stop)]].concat(), hidden());
    assert!(!silent.stream.contains("secret") && !silent.stream.contains("reasoning_details"));
    let events =
        [thought[0].clone(), thought[1].clone(), seal, thought[2].clone(), end(Finish::Stop)];
    let sealed = answer(&events, hidden());
    assert!(!sealed.stream.contains("reasoning_content"));
    let data = message(&sealed)["reasoning_details"][0]["data"].as_str().unwrap();
    let packed = data.strip_prefix("sealed-reasoning:").unwrap();
    assert_eq!(Thought::unpack(packed).text, "secret");
}

#[test]
fn citations_stand_where_they_refer_to_in_the_joined_text() {
    let cite = |part, span| {
        let (url, title) = (Escaped::plain("https://a"), None);
        let quote = Some(Escaped::plain("their words"));
        Event::Cite { part, citation: Citation { url, title, quote, span } }
    };
    let events = [
        open(0, Opening::Text),
        delta(0, "é😀\n"),
        Event::Close { part: 0 },
        open(1, Opening::Text),
        cite(1, Some((1, 2))),
        delta(1, "abc"),
        cite(1, None),
        Event::Close { part: 1 },
        open(2, Opening::Refusal),
        cite(2, None),
        end(Finish::Stop),
    ];
    let answer = answer(&events, setting());
    let spans: Vec<(u64, u64)> = message(&answer)["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["url_citation"])
        .map(|one| (one["start_index"].as_u64().unwrap(), one["end_index"].as_u64().unwrap()))
        .collect();
    assert_eq!(spans, [(4, 5), (3, 6)]);
    assert!(has(&answer, Code::EventDropped), "quotes and a citation of a refusal have no place");
    assert_eq!(answer.stream.matches("\"annotations\"").count(), 1);
}

#[test]
fn a_search_is_not_shown_and_what_it_found_in_vain_is_noted() {
    let search = |found: &'static str| {
        let url = Escaped::plain(found);
        let citation =
            Citation { url: Escaped::plain("https://a"), title: None, quote: None, span: None };
        [
            open(0, Opening::Search { id: Escaped::plain("ws_1") }),
            delta(0, "weather"),
            Event::Found { part: 0, sources: Some(vec![Source { url, title: None }]) },
            Event::Close { part: 0 },
            open(1, Opening::Text),
            delta(1, "sun"),
            Event::Cite { part: 1, citation },
            Event::Close { part: 1 },
            end(Finish::Stop),
        ]
    };
    for (found, lost) in [("https://a", false), ("https://b", true)] {
        let answer = answer(&search(found), setting());
        assert!(!answer.stream.contains("weather") && message(&answer)["content"] == "sun");
        assert_eq!(has(&answer, Code::EventDropped), lost, "{found}");
    }
}

#[test]
fn refusals_are_text_for_clients_that_show_none() {
    let events = [open(0, Opening::Refusal), delta(0, "no"), end(Finish::Filtered)];
    let shown = answer(&events, setting());
    assert_eq!(message(&shown)["refusal"], "no");
    let as_text = answer(&events, Setting { for_codex: true, ..setting() });
    assert_eq!(message(&as_text)["content"], "no");
    assert!(has(&as_text, Code::RefusalAsText));
}

#[test]
fn nothing_follows_the_end() {
    let failed = Event::End(End::Failed(Fault::new(Kind::Overloaded, "full")));
    let answer =
        answer(&[failed, open(0, Opening::Text), delta(0, "late"), end(Finish::Stop)], setting());
    assert!(!answer.stream.contains("late") && answer.stream.contains("server_is_overloaded"));
}

#[test]
fn the_chunks_of_a_call_are_as_clients_read_them() {
    let events = [
        open(0, Opening::Reasoning),
        delta(0, "hm"),
        Event::Close { part: 0 },
        call(1, "apply_patch", Form::Arguments),
        delta(1, "{\"input\":\"a"),
        delta(1, "b\"}"),
        Event::Close { part: 1 },
        end(Finish::Calls),
    ];
    let answer = answer(&events, Setting { include_usage: false, ..setting() });
    let chunks = testkit::sse::json(&answer.stream);
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(
        deltas,
        [
            &json!({"role": "assistant", "content": ""}),
            &json!({"reasoning_content": "hm"}),
            &json!({"tool_calls": [{"index": 0, "id": "c1", "type": "custom", "custom": {"name": "apply_patch", "input": ""}}]}),
            &json!({"tool_calls": [{"index": 0, "custom": {"input": "a"}}]}),
            &json!({"tool_calls": [{"index": 0, "custom": {"input": "b"}}]}),
            &json!({}),
        ]
    );
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(last["quire"]["request_id"], "req_t");
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["id"] == "chatcmpl-t" && chunk["model"] == "asked/\"model\"")
    );
}

/// A model behind a server of another dialect, and a client that speaks Chat Completions to it.
mod through {
    use super::*;
    use proptest::sample::Index;
    use testkit::Dialect;
    use testkit::script::{Says, says};
    use testkit::strict::{self, Profile};
    use wire::answer::Ending;
    use wire::drive::{self, Sent};
    use wire::target::Target;

    const UPSTREAMS: [Dialect; 2] = [Dialect::Responses, Dialect::Messages];

    fn wire_dialect(upstream: Dialect) -> wire::dialect::Dialect {
        match upstream {
            Dialect::Messages => wire::dialect::Dialect::Messages,
            _ => wire::dialect::Dialect::Responses,
        }
    }

    fn target(upstream: Dialect) -> Target {
        let custom_tools = upstream == Dialect::Responses;
        let careful = Target::careful(wire_dialect(upstream));
        Target { model: "m".to_owned(), custom_tools, ..careful }
    }

    fn asking() -> Value {
        json!({
            "model": "asked/model", "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "do it"}],
            "tools": [
                {"type": "function", "function": {"name": "exec_command", "parameters": {"type": "object", "properties": {}}}},
                {"type": "custom", "custom": {"name": "apply_patch"}},
            ],
        })
    }

    fn sent(upstream: Dialect, request: &Value) -> Sent {
        let (client, to) = (wire::dialect::Dialect::Chat, wire_dialect(upstream));
        let sent = drive::request(&request.to_string(), client, to, &target(upstream));
        sent.expect("the request is good")
    }

    /// What the upstream was asked, for what its script depends on.
    fn request() -> Value {
        json!({"model": "m", "stream": true, "reasoning": {"summary": "auto"}})
    }

    fn answered(upstream: Dialect, bytes: &[&[u8]]) -> drive::Answer {
        let pieces = bytes.iter().copied();
        drive::stream(pieces, Ending::Closed, &sent(upstream, &asking()), &target(upstream))
    }

    fn answered_at_once(upstream: Dialect, body: &str) -> drive::Answer {
        drive::whole(body, &sent(upstream, &asking()), &target(upstream))
    }

    /// What a model says, and whether it says more than its thoughts.
    fn speaks() -> impl Strategy<Value = (Says, bool)> {
        let call = (events::text(), any::<bool>()).prop_map(|(text, custom)| match custom {
            true => ("apply_patch", json!({"input": text})),
            false => ("exec_command", json!({"cmd": text})),
        });
        // Blanks alone say nothing, and some servers refuse them.
        let said = || prop::option::of("[a-z][a-z \n\"é😀]{0,11}");
        (said(), said(), prop::collection::vec(call, 0..3), 1..9_usize).prop_map(
            |(thought, text, calls, size)| {
                let more = text.is_some() || !calls.is_empty();
                let mut says = says().delta(size).argument_pieces(size);
                if let Some(thought) = thought {
                    says = says.reasoning(thought);
                }
                if let Some(text) = text {
                    says = says.text(text);
                }
                for (number, (name, arguments)) in calls.into_iter().enumerate() {
                    says = says.call(&format!("call_{number}"), name, arguments);
                }
                (says, more)
            },
        )
    }

    proptest! {
        #[test]
        fn what_a_model_says_arrives_however_it_is_cut_and_streamed_or_not(
            (says, _) in speaks(),
            upstream in select(UPSTREAMS.to_vec()),
            cuts in prop::collection::vec(any::<Index>(), 0..5),
        ) {
            let bytes = says.streamed_in(upstream, &request());
            let whole = answered(upstream, &[&bytes]);
            let verdict = judge::chat_stream(&whole.events, true);
            prop_assert!(verdict.is_ok(), "{verdict:?}\n{}", whole.events);
            let object: Value = serde_json::from_str(&whole.object).expect("quire writes JSON");
            prop_assert_eq!(judge::chat_answer(&object), Ok(()));
            prop_assert_eq!(judge::chat_same(&whole.events, &object), Ok(()));
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&answered(upstream, &parts), &whole);
            let body = String::from_utf8(says.answered_in(upstream, &request())).expect("it is JSON");
            let at_once = answered_at_once(upstream, &body);
            let at_once: Value = serde_json::from_str(&at_once.object).expect("quire writes JSON");
            // Input that was wrapped comes in the model's own spelling.
            prop_assert_eq!(&at_once["choices"], &object["choices"]);
        }

        #[test]
        fn an_answer_that_the_client_sends_back_is_accepted_with_its_seals(
            (says, more) in speaks(),
            upstream in select(UPSTREAMS.to_vec()),
        ) {
            let bytes = says.streamed_in(upstream, &request());
            let whole = answered(upstream, &[&bytes]);
            let message = judge::chat_fold(&whole.events)["choices"][0]["message"].clone();
            let mut next = asking();
            let messages = next["messages"].as_array_mut().expect("a list");
            messages.push(message.clone());
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "done"}));
            }
            messages.push(json!({"role": "user", "content": "go on"}));
            let sent = sent(upstream, &next);
            let body: Value = serde_json::from_str(&sent.body).expect("quire writes JSON");
            let profile = match upstream {
                Dialect::Messages => Profile::MessagesClassic,
                _ => Profile::OpenAiResponses,
            };
            let refusals = strict::check_all(profile, &body);
            prop_assert!(refusals.is_empty(), "{refusals:?}\n{}", sent.body);
            let lost = [Code::ReasoningForeign, Code::ResultMissing, Code::ResultOrphan, Code::UnknownField];
            let noted = sent.notes.list().iter().find(|note| lost.contains(&note.code));
            prop_assert!(noted.is_none(), "{noted:?}");
            let sealed = message["reasoning_details"].as_array().map_or(0, Vec::len);
            let came_back = match upstream {
                Dialect::Messages => sent.body.matches("\"signature\":").count(),
                _ => sent.body.matches("\"encrypted_content\":").count(),
            };
            // A thought that nothing follows belongs to no answer.
            prop_assert_eq!(came_back, if more { sealed } else { 0 }, "{}\n{}", message, sent.body);
        }
    }
}
