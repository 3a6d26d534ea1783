//! The laws of translation, as properties: they hold for whatever a model says in whatever form a
//! vendor sends it. See `ARCHITECTURE.md` for the list.

mod common;

use common::spoken::{Piece, calls, cut, form, inputs, mixed, ordered, request, streamed, text};
use common::{PAIRS, complaints, data, response, sent, target};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::script::{ReasoningForm, Usage};
use wire::answer::Ending;
use wire::drive::{self, Sent};
use wire::turn::Summary;

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

fn call() -> BoxedStrategy<Piece> {
    let shell = text().prop_map(|word| {
        Piece::Calls("local_shell", json!({"command": ["echo", word]}).to_string())
    });
    prop_oneof![
        calls(&["exec_command", "mcp__toy__add_two", "tool_search", "undeclared"]),
        shell,
        inputs(&["apply_patch", "exec"]),
    ]
    .boxed()
}

/// Arguments as the value that they mean.
fn parsed(arguments: &Value) -> Value {
    arguments.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The texts of an answer as a client puts them together, whatever their order: for calls the
/// identity and what they are called with.
fn told(response: &Value) -> Vec<String> {
    let item = |item: &Value| {
        let text = |parts: &Value, name: &str| -> String {
            let parts = parts.as_array().into_iter().flatten();
            parts.filter_map(|part| part[name].as_str()).collect()
        };
        match item["type"].as_str().unwrap_or_default() {
            "reasoning" => format!(
                "thinks {}{}",
                text(&item["summary"], "text"),
                text(&item["content"], "text")
            ),
            "message" => format!(
                "says {}{}",
                text(&item["content"], "text"),
                text(&item["content"], "refusal")
            ),
            "function_call" => format!(
                "calls {} {} {}",
                item["namespace"],
                item["name"],
                parsed(&item["arguments"])
            ),
            "custom_tool_call" => {
                format!("calls {} {} {}", item["namespace"], item["name"], item["input"])
            }
            "tool_search_call" => format!("searches {}", item["arguments"]),
            "local_shell_call" => format!("runs {}", item["action"]["command"]),
            other => unreachable!("an item `{other}`"),
        }
    };
    response["output"].as_array().expect("a response has output").iter().map(item).collect()
}

/// The same from what the model was made to say.
fn expected(pieces: &[Piece]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for piece in pieces {
        let (kind, text) = match piece {
            Piece::Thinks(text) => ("thinks ", text),
            Piece::Says(text) | Piece::Refuses(text) => ("says ", text),
            Piece::Calls(name, arguments) => {
                let input = || -> Value {
                    let object: Value = serde_json::from_str(arguments).expect("it is made here");
                    object["input"].clone()
                };
                told.push(match *name {
                    "apply_patch" => format!("calls null \"apply_patch\" {}", input()),
                    "exec" => format!("calls \"functions\" \"exec\" {}", input()),
                    "mcp__toy__add_two" => {
                        format!("calls \"mcp__toy\" \"add_two\" {}", parsed(&json!(arguments)))
                    }
                    "tool_search" => {
                        let object: Value =
                            serde_json::from_str(arguments).expect("it is made here");
                        format!("searches {object}")
                    }
                    "local_shell" => {
                        let object: Value =
                            serde_json::from_str(arguments).expect("it is made here");
                        format!("runs {}", object["command"])
                    }
                    name => format!("calls null {} {}", json!(name), parsed(&json!(arguments))),
                });
                continue;
            }
        };
        told.push(format!("{kind}{text}"));
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_stream_satisfies_the_judge_however_it_is_cut(
        pieces in mixed(call()),
        form in form(),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
        summary in select(vec![Summary::Unset, Summary::None, Summary::Wanted]),
        seal in any::<bool>(),
    ) {
        let target = form.target();
        let sent = Sent { summary, seal_reasoning: seal, ..sent(&target) };
        let bytes = form.spoken(&pieces, "call_").streamed(&request());
        let whole = streamed(&bytes, &sent, &target);
        judged!(&whole);
        let parts = cut(&bytes, &cuts);
        let split = drive::stream(parts.iter().map(Vec::as_slice), Ending::Closed, &sent, &target);
        prop_assert_eq!(&split, &whole);
        let singly = drive::stream(bytes.chunks(1), Ending::Closed, &sent, &target);
        prop_assert_eq!(&singly, &whole);
    }

    #[test]
    fn nothing_that_a_model_says_is_lost_or_changed(pieces in ordered(call()), form in form()) {
        let target = form.target();
        let sent = sent(&target);
        let answer = streamed(&form.spoken(&pieces, "call_").streamed(&request()), &sent, &target);
        let response = response(&answer);
        prop_assert_eq!(&response["status"], "completed");
        if form.reasoning != ReasoningForm::ThinkTags {
            prop_assert_eq!(told(&response), expected(&pieces));
        }
    }

    #[test]
    fn the_streamed_answer_is_the_whole_answer(pieces in ordered(call()), form in form()) {
        let target = form.target();
        let sent = sent(&target);
        let says = form.spoken(&pieces, "call_");
        let stream = response(&streamed(&says.streamed(&request()), &sent, &target));
        let body = says.answered(&request());
        let body = String::from_utf8(body).expect("it is JSON");
        let answer = drive::whole(&body, &sent, &target);
        judged!(&answer);
        let mut whole = response(&answer);
        // Interleaved calls of one round begin in the same order, so even ids are equal.
        if stream["output"] != whole["output"] {
            prop_assert_eq!(&stream, &whole);
        }
        whole["output"] = stream["output"].clone();
        prop_assert_eq!(stream, whole);
    }

    #[test]
    fn a_stream_that_is_cut_anywhere_ends_with_one_failure_unless_it_had_finished(
        pieces in mixed(call()),
        form in form(),
        at in any::<Index>(),
    ) {
        let target = form.target();
        let sent = sent(&target);
        let bytes = form.spoken(&pieces, "call_").streamed(&request());
        let kept = at.index(bytes.len());
        let answer = streamed(&bytes[..kept], &sent, &target);
        judged!(&answer);
        let finished = String::from_utf8_lossy(&bytes[..kept])
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .any(|chunk| chunk["choices"][0]["finish_reason"].is_string());
        let status = response(&answer)["status"].clone();
        prop_assert_eq!(status, if finished { "completed" } else { "failed" });
    }

    #[test]
    fn usage_after_equals_usage_before(
        pieces in ordered(call()),
        form in form(),
        prompt in 0..1_000_000_u64,
        completion in 0..1_000_000_u64,
        shares in (0.0..1.0_f64, 0.0..1.0_f64),
    ) {
        let target = form.target();
        let share = |of: u64, share: f64| (of as f64 * share) as u64;
        let usage = Usage { prompt, completion, cached: share(prompt, shares.0), reasoning: share(completion, shares.1) };
        let bytes = form.spoken(&pieces, "call_").usage(usage).streamed(&request());
        let response = response(&streamed(&bytes, &sent(&target), &target));
        prop_assert_eq!(&response["usage"], &json!({
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": prompt + completion,
        }));
    }

    #[test]
    fn live_deltas_add_up_and_each_item_is_closed_before_the_end(pieces in mixed(call()), form in form()) {
        let target = form.target();
        let answer = streamed(&form.spoken(&pieces, "call_").streamed(&request()), &sent(&target), &target);
        let events = data(&answer.events);
        let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
        prop_assert_eq!(count("response.output_item.added"), count("response.output_item.done"));
        let terminal = ["response.completed", "response.incomplete", "response.failed"];
        prop_assert_eq!(terminal.iter().map(|kind| count(kind)).sum::<usize>(), 1);
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
                let answer = streamed(bytes, &sent, &target);
                judged!(&answer);
                let whole = drive::whole(&String::from_utf8_lossy(bytes), &sent, &target);
                judged!(&whole);
            }
        }
    }
}

/// How a server that departs from the dialect tells its calls apart, if at all.
#[derive(Clone, Copy, Debug)]
struct Odd {
    /// `None`: no index; else each call's index is multiplied by this.
    index: Option<usize>,
    /// `None`: no ids; else each call's id is numbered by this share of its place.
    id: Option<usize>,
    /// Later deltas repeat id and name.
    repeats: bool,
    /// The name comes after the arguments.
    late_name: bool,
    /// The arguments are an object.
    object: bool,
    /// All calls come in one delta.
    together: bool,
}

fn odd() -> impl Strategy<Value = Odd> {
    (select(vec![None, Some(0), Some(1)]), select(vec![None, Some(0), Some(1)]), any::<[bool; 4]>())
        .prop_map(|(index, id, [repeats, late_name, object, together])| Odd {
            index,
            id,
            repeats,
            // What comes without name, id and index can only belong to the call before.
            late_name: late_name && !object && (index == Some(1) || id == Some(1)),
            object,
            together,
        })
}

/// The deltas of one call in this server's form.
fn odd_call(odd: Odd, place: usize, name: &str, arguments: &str) -> Vec<Value> {
    let mark = |mut call: Value| {
        if let Some(step) = odd.index {
            call["index"] = json!(place * step);
        }
        call
    };
    let id = odd.id.map(|step| format!("id_{}", place * step));
    if odd.object {
        let arguments: Value = serde_json::from_str(arguments).expect("it is made here");
        return vec![mark(
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}),
        )];
    }
    let middle = arguments.char_indices().nth(2).map_or(arguments.len(), |(at, _)| at);
    let (first, second) = arguments.split_at(middle);
    let named = |given: bool| if given { json!(name) } else { Value::Null };
    let without_name_id = if odd.late_name { json!(id) } else { Value::Null };
    let later_id = if odd.repeats { json!(id) } else { without_name_id };
    let keeps_id = odd.index.is_some() || odd.id.is_none();
    vec![
        mark(json!({"id": id, "function": {"name": named(!odd.late_name), "arguments": first}})),
        mark(json!({
            "id": if keeps_id { later_id } else { json!(id) },
            "function": {"name": named(odd.repeats || odd.late_name), "arguments": second},
        })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn calls_are_told_apart_in_whatever_form_they_come(
        calls in prop::collection::vec(call(), 1..4),
        odd in odd(),
        finish in select(vec!["tool_calls", "stop", "function_call", "mystery"]),
    ) {
        let target = target("careful");
        let sent = sent(&target);
        let mut deltas = Vec::new();
        for (place, piece) in calls.iter().enumerate() {
            let Piece::Calls(name, arguments) = piece else { unreachable!("only calls are drawn") };
            deltas.extend(odd_call(odd, place, name, arguments));
        }
        let deltas: Vec<Value> = if odd.together && odd.object { vec![json!(deltas)] } else { deltas.into_iter().map(|delta| json!([delta])).collect() };
        let mut stream = String::new();
        for calls in deltas {
            let chunk = json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}, "finish_reason": null}]});
            stream.push_str(&format!("data: {chunk}\n\n"));
        }
        stream.push_str(&format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})));
        let answer = streamed(stream.as_bytes(), &sent, &target);
        judged!(&answer);
        let response = response(&answer);
        prop_assert_eq!(&response["status"], "completed", "{}", response["error"]);
        prop_assert_eq!(told(&response), expected(&calls), "{}", stream);
    }

    #[test]
    fn any_json_in_any_place_of_a_chunk_is_survived(
        pieces in mixed(call()),
        form in form(),
        place in "(/choices|/usage|/error)?(/0)?(/delta|/finish_reason|/index)?(/content|/tool_calls|/reasoning_content|/reasoning_details)?(/0)?(/function|/id|/index)?(/name|/arguments)?",
        value in select(vec![json!(null), json!(-1), json!("x"), json!([]), json!({}), json!([{}]), json!([null]), json!(true), json!({"text": 1})]),
        at in any::<Index>(),
    ) {
        let target = form.target();
        let sent = sent(&target);
        let bytes = form.spoken(&pieces, "call_").streamed(&request());
        let mut events = testkit::sse::parse(&bytes);
        let at = at.index(events.len());
        if let Ok(mut chunk) = serde_json::from_str::<Value>(&events[at].data)
            && let Some(member) = chunk.pointer_mut(&place)
        {
            *member = value;
            events[at].data = chunk.to_string();
        }
        let stream: String = events.iter().map(|event| format!("data: {}\n\n", event.data)).collect();
        judged!(&streamed(stream.as_bytes(), &sent, &target));
    }
}

#[test]
fn the_pairs_cover_every_target_of_the_records() {
    for (_, name) in PAIRS {
        assert!(!target(name).model.is_empty());
    }
}
