//! The laws of translation for answers of Messages servers, whatever a model says.

use crate::common::spoken::{Piece, calls, cut, inputs, streamed, text};
use crate::common::{asking, complaints, response, told_events};
use crate::requests::refusals;
use crate::targets::{profile, target};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::Dialect;
use testkit::script::{Citation, Says, Usage, UsagePlace, says};
use wire::answer::Ending;
use wire::drive::laws::ends_once;
use wire::drive::{self, Sent};
use wire::target::Target;
use wire::turn::{Event, Summary};

/// Fails the case when the judges complain.
macro_rules! judged {
    ($answer:expr) => {
        let found = complaints($answer);
        prop_assert!(found.is_empty(), "{}\n{}", found.join("\n"), told_events(&$answer.events));
    };
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        text().prop_map(Piece::Thinks),
        text().prop_map(Piece::Says),
        calls(&["exec_command", "mcp__toy__add_two", "undeclared"]),
        inputs(&["apply_patch"]),
    ]
}

#[derive(Clone, Debug)]
struct Form {
    usage: UsagePlace,
    named: bool,
    ascii: bool,
    surrogates: bool,
    done: bool,
    pieces: (usize, usize),
}

fn form() -> impl Strategy<Value = Form> {
    let usage = select(vec![
        UsagePlace::OwnChunk,
        UsagePlace::WithFinish,
        UsagePlace::EveryChunk,
        UsagePlace::Split,
    ]);
    (usage, any::<[bool; 4]>(), (0..9_usize, 0..9_usize)).prop_map(
        |(usage, [named, ascii, surrogates, done], pieces)| Form {
            usage,
            named,
            ascii,
            surrogates,
            done,
            pieces,
        },
    )
}

fn spoken(pieces: &[Piece], form: &Form) -> Says {
    let mut says = says()
        .usage_in(form.usage)
        .usage(Usage { prompt: 1000, completion: 50, cached: 900, reasoning: 20 })
        .cache_written(64)
        .delta(form.pieces.0)
        .argument_pieces(form.pieces.1);
    if form.ascii {
        says = says.ascii();
    }
    if form.surrogates {
        says = says.split_surrogates();
    }
    if !form.named {
        says = says.unnamed();
    }
    if !form.done {
        says = says.without_done();
    }
    let numbered = pieces.iter().enumerate();
    numbered.fold(says, |says, (index, piece)| piece.said(says, &format!("toolu_{index}")))
}

fn asked() -> Value {
    json!({"model": "m", "stream": true})
}

fn bytes(says: &Says) -> Vec<u8> {
    says.streamed_in(Dialect::Messages, &asked())
}

pub(crate) fn sent(target: &Target) -> Sent {
    drive::request(
        &asking().to_string(),
        wire::dialect::Dialect::Responses,
        wire::dialect::Dialect::Messages,
        target,
    )
    .expect("the request is good")
}

fn parsed(text: &Value) -> Value {
    text.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// What a client is told, item by item.
fn told(response: &Value) -> Vec<String> {
    let text = |parts: &Value| -> String {
        let parts = parts.as_array().into_iter().flatten();
        parts.filter_map(|part| part["text"].as_str()).collect()
    };
    let item = |item: &Value| match item["type"].as_str().unwrap_or_default() {
        "reasoning" => format!("thinks {}", text(&item["summary"])),
        "message" => format!("says {}", text(&item["content"])),
        "function_call" => {
            format!("calls {} {} {}", item["namespace"], item["name"], parsed(&item["arguments"]))
        }
        "custom_tool_call" => format!("calls {} {}", item["name"], item["input"]),
        other => unreachable!("an item `{other}`"),
    };
    response["output"].as_array().expect("a response has output").iter().map(item).collect()
}

fn expected(pieces: &[Piece]) -> Vec<String> {
    let said = |piece: &Piece| match piece {
        Piece::Thinks(text) => format!("thinks {text}"),
        Piece::Says(text) | Piece::Refuses(text) => format!("says {text}"),
        Piece::Calls("apply_patch", arguments) => {
            format!("calls \"apply_patch\" {}", parsed(&json!(arguments))["input"])
        }
        Piece::Calls("mcp__toy__add_two", arguments) => {
            format!("calls \"mcp__toy\" \"add_two\" {}", parsed(&json!(arguments)))
        }
        Piece::Calls(name, arguments) => {
            format!("calls null {} {}", json!(name), parsed(&json!(arguments)))
        }
    };
    let mut all: Vec<String> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &pieces[before]);
        match (before, piece, all.last_mut()) {
            // The script says in one block what it says in one breath.
            (Some(Piece::Thinks(_)), Piece::Thinks(text), Some(last))
            | (Some(Piece::Says(_)), Piece::Says(text), Some(last)) => last.push_str(text),
            _ => all.push(said(piece)),
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_stream_satisfies_the_judge_however_it_is_cut(
        pieces in prop::collection::vec(piece(), 1..6),
        form in form(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
        summary in select(vec![Summary::Unset, Summary::None, Summary::Wanted]),
        seal in any::<bool>(),
    ) {
        let target = target("careful");
        let sent = Sent { summary, seal_reasoning: seal, ..sent(&target) };
        let bytes = bytes(&spoken(&pieces, &form));
        let whole = streamed(&bytes, &sent, &target);
        judged!(&whole);
        let parts = cut(&bytes, &cuts);
        let split = drive::stream(parts.iter().map(Vec::as_slice), Ending::Closed, &sent, &target);
        prop_assert_eq!(&split, &whole);
        let singly = drive::stream(bytes.chunks(1), Ending::Closed, &sent, &target);
        prop_assert_eq!(&singly, &whole);
    }

    #[test]
    fn nothing_that_a_model_says_is_lost_or_changed(
        pieces in prop::collection::vec(piece(), 1..6),
        form in form(),
    ) {
        let target = target("careful");
        let answer = streamed(&bytes(&spoken(&pieces, &form)), &sent(&target), &target);
        let response = response(&answer);
        prop_assert_eq!(&response["status"], "completed");
        prop_assert_eq!(told(&response), expected(&pieces));
        let usage = answer.usage.expect("the upstream counts");
        let counts = (usage.input, usage.cached, usage.cache_written, usage.output);
        prop_assert_eq!(counts, (1000, 900, 64, 50));
    }

    #[test]
    fn the_streamed_answer_is_the_whole_answer(
        pieces in prop::collection::vec(piece(), 0..6),
        form in form(),
    ) {
        let target = target("careful");
        let sent = sent(&target);
        // Arguments are a text of their own, whose letters a stream may escape.
        let says = spoken(&pieces, &Form { ascii: false, ..form });
        let body = says.answered_in(Dialect::Messages, &asked());
        let whole = drive::whole(&String::from_utf8(body).expect("it is JSON"), &sent, &target);
        judged!(&whole);
        let stream = streamed(&bytes(&says), &sent, &target);
        prop_assert_eq!(response(&stream), response(&whole));
    }

    #[test]
    fn a_stream_that_is_cut_anywhere_ends_with_one_failure_unless_it_had_finished(
        pieces in prop::collection::vec(piece(), 1..6),
        form in form(),
        at in any::<Index>(),
    ) {
        let target = target("careful");
        let bytes = bytes(&spoken(&pieces, &form));
        let kept = at.index(bytes.len());
        let answer = streamed(&bytes[..kept], &sent(&target), &target);
        judged!(&answer);
        let finished = String::from_utf8_lossy(&bytes[..kept])
            .split_once("\"stop_reason\":\"")
            .is_some_and(|(_, rest)| rest.contains("\n\n"));
        let status = response(&answer)["status"].clone();
        prop_assert!(status == "failed" || finished && status == "completed", "{status} {finished}");
    }

    #[test]
    fn arbitrary_events_end_once_and_never_panic(
        events in prop::collection::vec(event(), 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes: Vec<u8> =
            events.iter().flat_map(|event| format!("data: {event}\n\n").into_bytes()).collect();
        bytes.extend(tail);
        let target = target("careful");
        let sent = sent(&target);
        let answer = streamed(&bytes, &sent, &target);
        judged!(&answer);
        let mut open: Vec<u32> = Vec::new();
        let (mut ends, mut wrong) = (0, Vec::new());
        drive::events([bytes.as_slice()], Ending::Closed, wire::dialect::Dialect::Messages, &target, &mut |event| {
            let part = match &event {
                Event::Open { part, .. } => {
                    open.push(*part);
                    None
                }
                Event::Delta { part, .. }
                | Event::Seal { part, .. }
                | Event::Cite { part, .. }
                | Event::Found { part, .. } => Some(*part),
                Event::Close { part } => {
                    let at = open.iter().position(|open| open == part);
                    match at {
                        Some(at) => drop(open.remove(at)),
                        None => wrong.push(format!("{event:?}")),
                    }
                    None
                }
                Event::Usage(_) => None,
                Event::End(_) => {
                    ends += 1;
                    None
                }
            };
            if ends > 1 || part.is_some_and(|part| !open.contains(&part)) {
                wrong.push(format!("{event:?}"));
            }
        });
        prop_assert!(ends == 1 && wrong.is_empty(), "{ends} ends, {wrong:?}");
        prop_assert_eq!(ends_once(wire::dialect::Dialect::Responses, wire::dialect::Dialect::Messages, &bytes), Ok(()));
        for event in &events {
            prop_assert_eq!(ends_once(wire::dialect::Dialect::Responses, wire::dialect::Dialect::Messages, event.to_string().as_bytes()), Ok(()));
        }
    }

    #[test]
    fn what_was_thought_goes_back_as_it_was_signed(
        thoughts in prop::collection::vec(text(), 1..4),
        name in select(vec!["sonnet-4-5", "opus-5-5"]),
    ) {
        let target = target(name);
        let mut request = asking();
        request["input"] = json!([{"type": "message", "role": "user", "content": "do it"}]);
        request["reasoning"] = json!({"effort": "high", "summary": "auto"});
        for (index, thought) in thoughts.iter().enumerate() {
            let sent = drive::request(&request.to_string(), wire::dialect::Dialect::Responses, wire::dialect::Dialect::Messages, &target).expect("the request is good");
            let refused = refusals(profile(name), &sent.body, &target);
            prop_assert!(refused.is_empty(), "{refused:?}\n{}", sent.body);
            prop_assert!(sent.body.contains("\"thinking\":{\"type\":"), "{}", sent.body);
            let says = says().reasoning(thought).redacted("sig-testkit").text("so").call(
                &format!("toolu_{index}"), "exec_command", json!({"cmd": "ls"}));
            let answer = streamed(&bytes(&says), &sent, &target);
            let input = request["input"].as_array_mut().expect("it is a list");
            input.extend(response(&answer)["output"].as_array().expect("it is a list").clone());
            input.push(json!({"type": "function_call_output", "call_id": format!("toolu_{index}"), "output": "a.txt"}));
        }
        let sent = drive::request(&request.to_string(), wire::dialect::Dialect::Responses, wire::dialect::Dialect::Messages, &target).expect("the request is good");
        let refused = refusals(profile(name), &sent.body, &target);
        prop_assert!(refused.is_empty(), "{refused:?}\n{}", sent.body);
        let body: Value = serde_json::from_str(&sent.body).expect("a request is JSON");
        let blocks = body["messages"].as_array().into_iter().flatten()
            .flat_map(|message| message["content"].as_array().expect("blocks"));
        let back: Vec<_> = blocks.filter(|block| block["type"] == "thinking").collect();
        prop_assert_eq!(back.len(), thoughts.len());
        for (block, thought) in back.iter().zip(&thoughts) {
            prop_assert_eq!(&block["thinking"], thought);
        }
    }
}

/// Something that could be an event.
fn event() -> impl Strategy<Value = Value> {
    let index = select(vec![json!(0), json!(1), json!(null), json!("x")]);
    let block = select(vec![
        json!({"type": "text", "text": "t", "citations": [{"url": "https://a.example"}, 1]}),
        json!({"type": "thinking", "thinking": "", "signature": "s"}),
        json!({"type": "redacted_thinking", "data": "d"}),
        json!({"type": "tool_use", "id": "a", "name": "exec_command", "input": {}}),
        json!({"type": "tool_use", "id": "a", "name": "apply_patch", "input": {"input": "x"}}),
        json!({"type": "tool_use"}),
        json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}),
        json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "https://a.example"}]}),
        json!({"type": "hologram"}),
        json!(null),
    ]);
    let delta = select(vec![
        json!({"type": "text_delta", "text": "t"}),
        json!({"type": "thinking_delta", "thinking": "t"}),
        json!({"type": "signature_delta", "signature": "s"}),
        json!({"type": "input_json_delta", "partial_json": "{\"query\":"}),
        json!({"type": "input_json_delta", "partial_json": "\"x\"}"}),
        json!({"type": "citations_delta", "citation": {"url": "https://a.example"}}),
        json!({"type": "odour_delta"}),
        json!([]),
    ]);
    let stop = select(vec!["end_turn", "tool_use", "max_tokens", "refusal", "pause_turn", ""]);
    prop_oneof![
        1 => Just(json!({"type": "message_start", "message": {"usage": {"input_tokens": 3}, "content": []}})),
        4 => (index.clone(), block).prop_map(|(index, block)| json!({"type": "content_block_start", "index": index, "content_block": block})),
        4 => (index.clone(), delta).prop_map(|(index, delta)| json!({"type": "content_block_delta", "index": index, "delta": delta})),
        2 => index.prop_map(|index| json!({"type": "content_block_stop", "index": index})),
        1 => stop.prop_map(|stop| json!({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 2}})),
        1 => select(vec![json!({"type": "message_stop"}), json!({"type": "ping"}), json!(1), json!({"error": {"message": "no"}}), json!({"type": "new", "message": "m"})]),
    ]
}

#[test]
fn searches_and_citations_are_told() {
    let page = Citation::new("https://a.example", "A", "words");
    let says =
        says().searched("srvtoolu_1", "rust \"news\"", [page.clone()]).cited("It is so.", [page]);
    let mut events = Vec::new();
    let bytes = bytes(&says);
    drive::events(
        [bytes.as_slice()],
        Ending::Closed,
        wire::dialect::Dialect::Messages,
        &target("careful"),
        &mut |event| {
            events.push(match event {
                Event::Open { part, kind } => format!("open {part} {kind:?}"),
                Event::Delta { part, text } => format!("delta {part} {}", text.text()),
                Event::Found { part, sources } => {
                    format!("found {part} {:?}", sources.as_deref().unwrap_or_default())
                }
                Event::Cite { part, citation } => {
                    format!(
                        "cite {part} {} {:?} {:?}",
                        citation.url.text(),
                        citation.quote,
                        citation.span
                    )
                }
                Event::Close { part } => format!("close {part}"),
                Event::Usage(usage) => format!("searched {}", usage.searches),
                other => format!("{other:?}"),
            });
        },
    );
    events.dedup();
    let found =
        r#"found 0 [Source { url: Escaped("https://a.example"), title: Some(Escaped("A")) }]"#;
    for line in [
        r#"open 0 Search { id: Escaped("srvtoolu_1") }"#,
        r#"delta 0 rust "news""#,
        found,
        "close 0",
        "open 1 Text",
        r#"cite 1 https://a.example Some(Escaped("words")) Some((0, 9))"#,
    ] {
        assert!(events.iter().any(|event| event == line), "{line}\n{events:#?}");
    }
}

#[test]
fn a_search_that_is_never_stopped_is_told_before_what_it_found() {
    use wire::sse::Frame;
    let mut decoder =
        wire::messages::Decoder::new(&Target::careful(wire::dialect::Dialect::Messages), "c");
    let mut told = Vec::new();
    for data in [
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[]}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
        r#"{"type":"message_stop"}"#,
    ] {
        decoder.push(Frame { event: "", data }, &mut |event| {
            told.push(match event {
                Event::Open { .. } => "open",
                Event::Delta { .. } => "delta",
                Event::Found { .. } => "found",
                Event::Close { .. } => "close",
                Event::End(_) => "end",
                _ => "other",
            });
        });
    }
    assert_eq!(told, ["open", "delta", "found", "close", "end"]);
}
