//! The laws of translation for Messages clients, as properties: they hold for whatever a model says
//! in whatever form a vendor sends it.

mod common;

use common::messages::{complaints, sent, told};
use common::spoken::{Piece, calls, form, mixed, ordered, request, streamed, text};
use common::target;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::script::{ReasoningForm, Usage};
use wire::answer::Ending;
use wire::drive::{self, Answer, Sent};
use wire::fault::{Fault, Kind};
use wire::json::Escaped;
use wire::turn::{
    Citation, End, Event, Finish, Form as CallInput, Opaque, Opening, Source, Summary,
};

macro_rules! judged {
    ($answer:expr) => {
        let found = complaints($answer);
        prop_assert!(found.is_empty(), "{}\n{}", found.join("\n"), $answer.events);
    };
}

fn call() -> BoxedStrategy<Piece> {
    calls(&["exec_command", "gr__e_messen", "undeclared", "bash"]).boxed()
}

/// Ids of calls that Anthropic would refuse.
const STEM: &str = "functions.call:";

/// What a message says, block by block.
fn said(message: &Value) -> Vec<String> {
    let block = |block: &Value| match block["type"].as_str().unwrap_or_default() {
        "thinking" => format!("thinks {}", block["thinking"].as_str().unwrap_or_default()),
        "text" => format!("says {}", block["text"].as_str().unwrap_or_default()),
        "tool_use" => format!("calls {} {}", block["name"], block["input"]),
        other => unreachable!("a block `{other}`"),
    };
    message["content"].as_array().expect("a message has content").iter().map(block).collect()
}

/// The same from what the model was made to say.
fn expected(pieces: &[Piece]) -> Vec<String> {
    let piece = |piece: &Piece| match piece {
        Piece::Thinks(text) => format!("thinks {text}"),
        Piece::Says(text) | Piece::Refuses(text) => format!("says {text}"),
        Piece::Calls(name, arguments) => {
            let input: Value = serde_json::from_str(arguments).expect("it is made here");
            let name = if *name == "gr__e_messen" { "größe.messen" } else { name };
            format!("calls {} {input}", json!(name))
        }
    };
    pieces.iter().map(piece).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_stream_keeps_the_rules_however_it_is_cut(
        pieces in mixed(call()),
        form in form(),
        size in 1..40_usize,
        (summary, seal) in select(vec![
            (Summary::Wanted, true), (Summary::None, true), (Summary::None, false), (Summary::Unset, false),
        ]),
    ) {
        let target = form.target();
        let sent = Sent { summary, seal_reasoning: seal, ..sent(&target) };
        let bytes = form.spoken(&pieces, STEM).streamed(&request());
        let whole = streamed(&bytes, &sent, &target);
        judged!(&whole);
        for size in [1, size] {
            let split = drive::stream(bytes.chunks(size), Ending::Closed, &sent, &target);
            prop_assert_eq!(&split, &whole);
        }
        if summary == Summary::None {
            let texts: Vec<&String> = pieces.iter().filter_map(|piece| match piece {
                Piece::Thinks(text) if text.len() > 6 => Some(text),
                _ => None,
            }).collect();
            let message = told(&whole.events).expect("it is a message");
            for block in message["content"].as_array().expect("a list") {
                prop_assert!(block["type"] != "thinking" || (seal && block["thinking"] == ""), "{:?}", texts);
            }
        }
    }

    #[test]
    fn nothing_that_a_model_says_is_lost_or_changed(pieces in ordered(call()), form in form()) {
        let target = form.target();
        let answer = streamed(&form.spoken(&pieces, STEM).streamed(&request()), &sent(&target), &target);
        judged!(&answer);
        if form.reasoning != ReasoningForm::ThinkTags {
            let message = told(&answer.events).expect("it is a message");
            prop_assert_eq!(said(&message), expected(&pieces));
            for block in message["content"].as_array().expect("a list") {
                if block["type"] == "thinking" {
                    let signature = block["signature"].as_str().expect("it is signed");
                    let thought = block["thinking"].as_str().expect("it is shown");
                    prop_assert_eq!(signature, format!("sealed-reasoning:{thought}"));
                }
            }
        }
    }

    #[test]
    fn the_streamed_answer_is_the_whole_answer(pieces in ordered(call()), form in form()) {
        let target = form.target();
        let sent = sent(&target);
        let says = form.spoken(&pieces, STEM);
        let stream = streamed(&says.streamed(&request()), &sent, &target);
        let body = String::from_utf8(says.answered(&request())).expect("it is JSON");
        let answer = drive::whole(&body, &sent, &target);
        judged!(&answer);
        let parsed = |answer: &Answer| -> Value { serde_json::from_str(&answer.object).expect("JSON") };
        prop_assert_eq!(parsed(&stream), parsed(&answer));
    }

    #[test]
    fn a_stream_that_is_cut_anywhere_fails_once_unless_it_had_finished(
        pieces in mixed(call()),
        form in form(),
        at in any::<Index>(),
    ) {
        let target = form.target();
        let bytes = form.spoken(&pieces, STEM).streamed(&request());
        let kept = at.index(bytes.len());
        let answer = streamed(&bytes[..kept], &sent(&target), &target);
        judged!(&answer);
        let finished = String::from_utf8_lossy(&bytes[..kept])
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .any(|chunk| chunk["choices"][0]["finish_reason"].is_string());
        prop_assert_eq!(told(&answer.events).is_ok(), finished);
    }

    #[test]
    fn usage_after_equals_usage_before(
        form in form(),
        prompt in 0..1_000_000_u64,
        completion in 0..1_000_000_u64,
        shares in (0.0..1.0_f64, 0.0..1.0_f64),
    ) {
        let target = form.target();
        let share = |of: u64, share: f64| (of as f64 * share) as u64;
        let (cached, reasoning) = (share(prompt, shares.0), share(completion, shares.1));
        let usage = Usage { prompt, completion, cached, reasoning };
        let pieces = [Piece::Says("so".to_owned())];
        let bytes = form.spoken(&pieces, STEM).usage(usage).streamed(&request());
        let answer = streamed(&bytes, &sent(&target), &target);
        let message = told(&answer.events).expect("it is a message");
        let mut expected = json!({
            "input_tokens": prompt - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": completion,
        });
        if reasoning > 0 {
            expected["output_tokens_details"] = json!({"thinking_tokens": reasoning});
        }
        prop_assert_eq!(&message["usage"], &expected);
    }

    #[test]
    fn arbitrary_bytes_end_every_answer_exactly_once(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        text in "(data: ?|event: e|\r?\n|\n\n|[{}\\[\\]\",:]|choices|delta|content|tool_calls|index|null|0|\\[DONE\\]){0,60}",
    ) {
        for name in ["careful", "minimax"] {
            let target = target(name);
            let sent = sent(&target);
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                judged!(&streamed(bytes, &sent, &target));
                judged!(&drive::whole(&String::from_utf8_lossy(bytes), &sent, &target));
            }
        }
    }
}

/// One thing that a decoder of any dialect may say of a part.
#[derive(Clone, Debug)]
enum Said {
    Text(String),
    Opaque(u8, String),
    Cited(String),
    Found(String),
}

#[derive(Clone, Debug)]
struct Spoken {
    kind: u8,
    said: Vec<Said>,
    closed: bool,
}

fn part() -> impl Strategy<Value = Spoken> {
    let said = prop_oneof![
        4 => text().prop_map(Said::Text),
        2 => "[{}\":a1 ]{0,8}".prop_map(Said::Text),
        1 => Just(Said::Text("{\"a\":1}".to_owned())),
        1 => (0..3_u8, text()).prop_map(|(kind, data)| Said::Opaque(kind, data)),
        1 => text().prop_map(Said::Cited),
        1 => text().prop_map(Said::Found),
    ];
    (0..6_u8, prop::collection::vec(said, 0..5), prop::bool::weighted(0.9))
        .prop_map(|(kind, said, closed)| Spoken { kind, said, closed })
}

fn opening(kind: u8, part: u32) -> Opening<'static> {
    let id = format!("é.{part}");
    let call = |form| Opening::Call {
        id: Escaped::plain(&id).into_owned(),
        name: Escaped::plain("exec_command"),
        form,
    };
    match kind {
        0 => Opening::Text,
        1 => Opening::Refusal,
        2 => Opening::Reasoning,
        3 => call(CallInput::Arguments),
        4 => call(CallInput::Input),
        _ => Opening::Search { id: Escaped::plain("ws_1") },
    }
}

fn finish(which: u8) -> End {
    match which {
        0 => End::Finished(Finish::Stop),
        1 => End::Finished(Finish::Calls),
        2 => End::Finished(Finish::Length),
        3 => End::Finished(Finish::Filtered),
        4 => End::Finished(Finish::Sequence("\"END\"\n".to_owned())),
        5 => End::Finished(Finish::Other("mystery".to_owned())),
        _ => End::Failed(Fault::new(Kind::Overloaded, "full")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Parts may be open beside each other and say what only some decoders say.
    #[test]
    fn whatever_events_come_the_rules_are_kept(
        parts in prop::collection::vec(part(), 0..5),
        order in prop::collection::vec(any::<Index>(), 40),
        which in 0..7_u8,
        (summary, seal) in select(vec![(Summary::Wanted, true), (Summary::None, true), (Summary::None, false)]),
    ) {
        let mut queues: Vec<std::collections::VecDeque<Event<'_>>> = Vec::new();
        for (number, spoken) in parts.iter().enumerate() {
            let part = number as u32;
            let mut events = std::collections::VecDeque::from([Event::Open { part, kind: opening(spoken.kind, part) }]);
            for said in &spoken.said {
                events.push_back(match said {
                    Said::Text(text) => Event::Delta { part, text: Escaped::plain(text) },
                    Said::Opaque(kind, data) => Event::Seal { part, opaque: match kind {
                        0 => Opaque::Signature(Escaped::plain(data)),
                        1 => Opaque::Redacted(Escaped::plain(data)),
                        _ => Opaque::Encrypted(Escaped::plain(data)),
                    } },
                    Said::Cited(text) => Event::Cite { part, citation: Citation {
                        url: Escaped::plain(text), title: None, quote: Some(Escaped::plain(text)), span: None,
                    } },
                    Said::Found(text) => Event::Found { part, sources: Some(vec![
                        Source { url: Escaped::plain(text), title: Some(Escaped::plain("T")) },
                    ]) },
                });
            }
            if spoken.closed {
                events.push_back(Event::Close { part });
            }
            queues.push(events);
        }
        // Parts open in their order, and their events mix.
        let mut events = Vec::new();
        let mut opened = 0;
        for pick in order.iter().cycle() {
            if queues.iter().all(std::collections::VecDeque::is_empty) {
                break;
            }
            let at = pick.index(queues.len()).min(opened);
            opened = opened.max(at + 1).min(queues.len());
            let at = (at..queues.len()).find(|&at| !queues[at].is_empty() && at < opened)
                .or_else(|| (0..opened).find(|&at| !queues[at].is_empty()));
            match at {
                Some(at) => events.extend(queues[at].pop_front()),
                None => opened += 1,
            }
        }
        events.push(Event::End(finish(which)));
        let sent = Sent { summary, seal_reasoning: seal, ..sent(&target("careful")) };
        let answer = drive::written(events, &sent);
        judged!(&answer);
    }
}
