//! The laws of the decoder, as properties. What it gives goes into the Responses encoder, so that
//! the judges can say what they think, and what went in can be compared with what came out.

use super::common::{self, asking, complaints, response};
use super::sparse::heard;
use super::targets::target;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::Dialect;
use testkit::script::{CallForm, Citation, ReasoningForm, Says, Usage, says};
use wire::answer::Ending;
use wire::drive::{self, Sent};
use wire::target::Target;

/// Fails the case when the judges complain.
macro_rules! judged {
    ($answer:expr) => {
        let found = complaints($answer);
        prop_assert!(
            found.is_empty(),
            "{}\n{}",
            found.join("\n"),
            common::told_events(&$answer.events)
        );
    };
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z \n\"\\\\{}é😀]{1,24}",
        1 => any::<String>().prop_filter("a text says something", |text| !text.is_empty()),
    ]
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Thinks(String),
    Says(String),
    Cites(String),
    Refuses(String),
    Calls(&'static str, String),
    Searches(String),
}

pub(super) fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        2 => text().prop_map(Piece::Thinks),
        2 => text().prop_map(Piece::Says),
        1 => text().prop_map(Piece::Cites),
        1 => text().prop_map(Piece::Refuses),
        1 => text().prop_map(Piece::Searches),
        2 => text().prop_map(|text| Piece::Calls("exec_command", json!({"cmd": text}).to_string())),
        1 => text().prop_map(|text| Piece::Calls("mcp__toy__add_two", json!({"a": text}).to_string())),
        1 => text().prop_map(|text| Piece::Calls("apply_patch", text)),
    ]
}

#[derive(Clone, Debug)]
pub(super) struct Form {
    raw: bool,
    whole_calls: bool,
    pub(super) interleaved: bool,
    ascii: bool,
    surrogates: bool,
    done: bool,
    named: bool,
    pieces: (usize, usize),
}

pub(super) fn form() -> impl Strategy<Value = Form> {
    (any::<[bool; 7]>(), (0..9_usize, 0..9_usize)).prop_map(
        |([raw, whole_calls, interleaved, ascii, surrogates, done, named], pieces)| Form {
            raw,
            whole_calls,
            interleaved,
            ascii,
            surrogates,
            done,
            named,
            pieces,
        },
    )
}

pub(super) fn spoken(pieces: &[Piece], form: &Form) -> Says {
    let mut says = says()
        .usage(Usage { prompt: 1000, completion: 50, cached: 900, reasoning: 20 })
        .delta(form.pieces.0)
        .argument_pieces(form.pieces.1);
    if form.raw {
        says = says.reasoning_as(ReasoningForm::Reasoning);
    }
    if form.whole_calls {
        says = says.calls_as(CallForm::Whole);
    }
    if form.interleaved {
        says = says.interleaved();
    }
    if form.ascii {
        says = says.ascii();
    }
    if form.surrogates {
        says = says.split_surrogates();
    }
    if !form.done {
        says = says.without_done();
    }
    if !form.named {
        says = says.unnamed();
    }
    for (index, piece) in pieces.iter().enumerate() {
        says = match piece {
            Piece::Thinks(text) => says.reasoning(text),
            Piece::Says(text) => says.text(text),
            Piece::Cites(text) => {
                says.cited(text, [Citation::new("https://example.com/a?b=\"c\"", "t", text)])
            }
            Piece::Refuses(text) => says.refusal(text),
            Piece::Searches(text) => {
                says.searched("ws_x", text, [Citation::new("https://example.com", "t", "q")])
            }
            Piece::Calls(name, payload) => says.call_raw(&format!("call_{index}"), name, payload),
        };
    }
    says
}

/// What the client asked, and what it became.
fn sent(target: &Target) -> Sent {
    let mut asking = asking();
    asking["tools"].as_array_mut().expect("a list").push(json!({"type": "web_search"}));
    drive::request(
        &asking.to_string(),
        wire::dialect::Dialect::Responses,
        wire::dialect::Dialect::Responses,
        target,
    )
    .expect("the request is good")
}

fn body(sent: &Sent) -> Value {
    serde_json::from_str(&sent.body).expect("a request is JSON")
}

/// What every client keeps of an answer: its items without ids, and parts of one kind put together.
fn essence(response: &Value) -> Vec<String> {
    let text = |parts: &Value, name: &str| -> Vec<String> {
        let parts = parts.as_array().into_iter().flatten();
        parts.filter_map(|part| part[name].as_str()).map(str::to_owned).collect()
    };
    let mut told = Vec::new();
    for item in response["output"].as_array().expect("a response has output") {
        match item["type"].as_str().unwrap_or_default() {
            "reasoning" => told.push(format!(
                "thinks {}{}",
                text(&item["summary"], "text").join("\n\n"),
                text(&item["content"], "text").join("\n\n")
            )),
            "message" => {
                for part in item["content"].as_array().into_iter().flatten() {
                    told.push(match part["type"].as_str() {
                        Some("refusal") => format!("refuses {}", part["refusal"]),
                        _ => format!("says {} {}", part["text"], part["annotations"]),
                    });
                }
            }
            "function_call" => {
                let arguments: Value =
                    serde_json::from_str(item["arguments"].as_str().expect("a text"))
                        .expect("arguments are JSON here");
                let name = item["name"].as_str().unwrap_or_default();
                let name = match item["namespace"].as_str() {
                    Some(space) => format!("{space}__{name}"),
                    None => name.to_owned(),
                };
                told.push(format!("calls {} {name} {arguments}", item["call_id"]));
            }
            "custom_tool_call" => {
                told.push(format!("calls {} {} {}", item["call_id"], item["name"], item["input"]));
            }
            "web_search_call" => told.push(format!(
                "searches {} {}",
                item["action"]["query"], item["action"]["sources"]
            )),
            other => unreachable!("an item `{other}`"),
        }
    }
    // Reasoning that shows nothing is nothing to a client.
    told.retain(|line| line != "thinks ");
    told
}

fn cut(bytes: &[u8], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_however_it_is_cut(
        pieces in prop::collection::vec(piece(), 1..6),
        form in form(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let target = target("openai");
        let sent = sent(&target);
        let says = spoken(&pieces, &form);
        let bytes = says.streamed_in(Dialect::Responses, &body(&sent));
        let answer = drive::stream([bytes.as_slice()], Ending::Closed, &sent, &target);
        judged!(&answer);
        let parts = cut(&bytes, &cuts);
        let split = drive::stream(parts.iter().map(Vec::as_slice), Ending::Closed, &sent, &target);
        prop_assert_eq!(&split, &answer);
        let upstream = says.answered_in(Dialect::Responses, &body(&sent));
        let upstream: Value = serde_json::from_slice(&upstream).expect("it is JSON");
        prop_assert_eq!(essence(&response(&answer)), essence(&upstream));
        prop_assert_eq!(&response(&answer)["status"], "completed");
    }

    #[test]
    fn the_streamed_answer_is_the_whole_answer(
        pieces in prop::collection::vec(piece(), 1..6),
        form in form(),
    ) {
        let target = target("openai");
        let sent = sent(&target);
        let says = spoken(&pieces, &form);
        let bytes = says.streamed_in(Dialect::Responses, &body(&sent));
        let streamed = response(&drive::stream([bytes.as_slice()], Ending::Closed, &sent, &target));
        let whole = says.answered_in(Dialect::Responses, &body(&sent));
        let whole = drive::whole(&String::from_utf8(whole).expect("JSON"), &sent, &target);
        judged!(&whole);
        prop_assert_eq!(streamed, response(&whole));
    }

    #[test]
    fn a_stream_that_is_cut_anywhere_ends_with_one_failure_unless_it_had_finished(
        pieces in prop::collection::vec(piece(), 1..6),
        form in form(),
        at in any::<Index>(),
    ) {
        let target = target("openai");
        let sent = sent(&target);
        let bytes = spoken(&pieces, &form).streamed_in(Dialect::Responses, &body(&sent));
        let kept = at.index(bytes.len());
        let answer = drive::stream([&bytes[..kept]], Ending::Closed, &sent, &target);
        judged!(&answer);
        let finished = String::from_utf8_lossy(&bytes[..kept])
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .any(|event| event["type"] == "response.completed");
        let status = response(&answer)["status"].clone();
        prop_assert_eq!(status, if finished { "completed" } else { "failed" });
    }

    #[test]
    fn arbitrary_bytes_end_every_answer_exactly_once(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        text in "(data: ?|\n\n|[{}\\[\\]\",:]|\"type\":|response\\.|output_item\\.done|output_text\\.delta|completed|item|delta|output|0|message|content){0,40}",
    ) {
        let target = target("openai");
        let sent = sent(&target);
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            heard(bytes);
            let answer = drive::stream([bytes], Ending::Closed, &sent, &target);
            judged!(&answer);
            judged!(&drive::whole(&String::from_utf8_lossy(bytes), &sent, &target));
        }
    }

    #[test]
    fn any_order_of_good_events_opens_and_closes_parts_once(
        pieces in prop::collection::vec(piece(), 1..5),
        form in form(),
        swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..6),
        lost in prop::collection::vec(any::<Index>(), 0..4),
        odd in select(vec![json!(null), json!(7), json!("x"), json!([]), json!({})]),
        member in select(vec!["item", "part", "delta", "output_index", "item_id", "response", "text"]),
    ) {
        let target = target("openai");
        let sent = sent(&target);
        let bytes = spoken(&pieces, &form).streamed_in(Dialect::Responses, &body(&sent));
        let text = String::from_utf8(bytes).expect("a stream is text");
        let mut frames: Vec<String> = text.split_inclusive("\n\n").map(str::to_owned).collect();
        for (a, b) in &swaps {
            let (a, b) = (a.index(frames.len()), b.index(frames.len()));
            frames.swap(a, b);
        }
        for at in &lost {
            let at = at.index(frames.len());
            let data = frames[at].lines().find_map(|line| line.strip_prefix("data: "));
            let event = data.and_then(|data| serde_json::from_str::<Value>(data).ok());
            frames[at] = match event.filter(|event| event.is_object()) {
                Some(mut event) => { event[member] = odd.clone(); format!("data: {event}\n\n") }
                None => String::new(),
            };
        }
        // The listener checks the order of what it hears.
        heard(frames.concat().as_bytes());
        let answer = drive::stream([frames.concat().as_bytes()], Ending::Closed, &sent, &target);
        judged!(&answer);
    }
}

/// The answers that were recorded for clients of this dialect.
#[test]
fn recorded_answers_say_what_they_say() {
    let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/fixtures/clients");
    let target = target("openai");
    let sent = sent(&target);
    let mut count = 0;
    for client in ["codex", "opencode", "pi", "sdks"] {
        let folder = std::fs::read_dir(format!("{clients}/{client}"));
        for file in folder.expect("the fixtures are in the repository").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let stream = std::fs::read_to_string(file.path()).unwrap_or_default();
            if !name.ends_with(".response.sse") || !stream.contains("\"response.created\"") {
                continue;
            }
            count += 1;
            let answer = drive::stream([stream.as_bytes()], Ending::Closed, &sent, &target);
            let found = complaints(&answer);
            assert!(found.is_empty(), "{client}/{name}: {}", found.join("\n"));
            let events = common::data(&stream);
            let done = events.iter().filter(|event| event["type"] == "response.output_item.done");
            let known =
                ["message", "reasoning", "function_call", "custom_tool_call", "web_search_call"];
            let items: Vec<Value> = done
                .map(|event| event["item"].clone())
                .filter(|item| known.iter().any(|kind| item["type"] == *kind))
                .collect();
            let completed = events.iter().any(|event| event["type"] == "response.completed");
            let status = response(&answer)["status"].clone();
            assert_eq!(status == "completed", completed, "{client}/{name}");
            if completed {
                let calls = |items: &[Value]| -> Vec<Value> {
                    items
                        .iter()
                        .filter(|item| item.get("call_id").is_some())
                        .map(|item| item["call_id"].clone())
                        .collect()
                };
                let told = response(&answer)["output"].as_array().expect("a list").clone();
                assert_eq!(calls(&told), calls(&items), "{client}/{name}");
                let texts = |items: &[Value]| -> String {
                    items
                        .iter()
                        .filter(|item| item["type"] == "message")
                        .filter_map(|item| item["content"][0]["text"].as_str())
                        .collect()
                };
                assert_eq!(texts(&told), texts(&items), "{client}/{name}");
            }
        }
    }
    assert!(count > 50, "only {count} streams were found");
}
