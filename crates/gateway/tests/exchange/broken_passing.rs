//! Answers that are passed on and go wrong: what the upstream said goes out as it came, and the end
//! that it owes is written in the caller's dialect.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::judge::{Dialect, Rule};
use testkit::script::{
    End, Says, Script, Step, UsagePlace, answers, html, line, refuses, replays, says, silence,
};
use testkit::upstream::Upstream;
use tokio::time::Instant;

use crate::dialects::{Heard, heard, others, pair, post, refused, request, strict, whole};
use crate::stage::{Quire, SOON, lab, together};

const COMMENT: &str = ": keep-alive\n\n";

fn streamed(dialect: Dialect) -> Value {
    request(dialect, json!({}))
}

/// A gateway that shows life after a second of silence.
async fn lively(upstream: &Upstream) -> Quire {
    Quire::start(&format!("[server]\nkeep_alive_seconds = 1\n{}", lab(upstream))).await
}

async fn ask(quire: &Quire, dialect: Dialect) -> Heard {
    heard(dialect, quire.send(&post(dialect, &streamed(dialect))).await).await
}

/// The stream of this answer as the client must get it.
fn passed(dialect: Dialect, says: &Says) -> String {
    let stream = String::from_utf8(says.streamed_in(dialect, &streamed(dialect))).unwrap();
    let stream = stream
        .strip_suffix("data: [DONE]\n\n")
        .filter(|_| dialect == Dialect::Responses)
        .unwrap_or(&stream);
    // The first request of an upstream has the number 0.
    let numbers = ["chatcmpl-", "testkit_", "req_"];
    numbers.iter().fold(stream.to_owned(), |stream, name| {
        stream.replace(&format!("{name}1"), &format!("{name}0"))
    })
}

/// An answer that fails after it has begun.
fn busy(says: Says) -> Says {
    says.error("overloaded_error", "server_is_overloaded", "busy").without_finish().without_done()
}

/// What came to the client of an answer of which the upstream sent this, and the row of the log.
async fn relayed(dialect: Dialect, step: impl Into<Step>) -> (Heard, Value) {
    let upstream = strict(dialect, Script::from(step.into())).await;
    let quire = Quire::before(&upstream).await;
    let told = ask(&quire, dialect).await;
    upstream.assert_done();
    quire.assert_alive().await;
    let row = quire.rows(2).await.pop().unwrap();
    (told, row)
}

/// Asserts that this is what the upstream sent, and after it an end of quire's own.
#[track_caller]
fn assert_ended_by_quire(told: &Heard, sent: &str, row: &Value) {
    let rest = told.raw.strip_prefix(sent);
    let rest = rest.unwrap_or_else(|| panic!("{}\ndoes not begin with\n{sent}", told.raw));
    assert_eq!(rest.matches("\n\n").count(), 1, "one event: {rest}");
    // What was finished is not kept, so that the last event does not repeat it.
    told.judged_but_for(&[Rule::Output]).assert_failed();
    assert_eq!((&row["outcome"], &row["status"]), (&json!("failed"), &json!(200)), "{row:#}");
}

#[tokio::test]
async fn a_stream_cut_before_anything_was_generated_is_an_error() {
    for dialect in Dialect::ALL {
        for end in [End::Close, End::Reset] {
            for step in [
                says().cut(end).into(),
                says().text("x").over(line().cut_after_bytes(0, end)),
                says().text("x").over(line().cut_after_bytes(40, end)),
                replays(": ping\n\n").into(),
            ] {
                let upstream = strict(dialect, Script::from(step)).await;
                let quire = Quire::before(&upstream).await;
                let response = quire.send(&post(dialect, &streamed(dialect))).await;
                let error = refused(dialect, response, 502).await;
                assert_eq!(error["code"], "upstream_cut", "{error}");
                assert_eq!(quire.rows(1).await[0]["fault_kind"], "cut");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_cut_after_some_events_ends_with_one_failure() {
    for dialect in Dialect::ALL {
        for end in [End::Close, End::Reset] {
            let begun = says().reasoning("let me see").text("hello there, world");
            let sent = passed(dialect, &begun.clone().cut(end));
            let (told, row) = relayed(dialect, begun.cut(end)).await;
            assert_ended_by_quire(&told, &sent, &row);
            assert_eq!(told.text(), "hello there, world");
            assert_eq!(row["fault_kind"], "cut");
        }
    }
}

#[tokio::test]
async fn quires_end_goes_on_with_the_upstreams_id_and_numbers() {
    for id in ["resp_theirs", "gen-1234"] {
        let (told, _) = relayed(
            Dialect::Responses,
            says().text("a long text in many deltas").delta(2).id(id).cut(End::Close),
        )
        .await;
        told.judged();
        let events = told.events();
        let numbers = events.iter().map(|event| event["sequence_number"].as_u64().unwrap());
        assert!(numbers.eq(0..events.len() as u64));
        assert_eq!(told.last()["response"]["id"], id);
        assert_eq!(told.last()["response"]["model"], "lab/mock-model");
    }
}

#[tokio::test]
async fn half_an_event_never_goes_out() {
    for dialect in Dialect::ALL {
        let answer = says().text("hello there, world".repeat(4));
        let all = passed(dialect, &answer);
        let ends = |text: &str| -> Vec<usize> {
            text.match_indices("\n\n").map(|(at, _)| at + 2).collect()
        };
        // The upstream's own name for the model is shorter.
        let theirs = all.replace("lab/mock-model", "mock-model");
        let said = theirs.find("hello").expect("it says so");
        let first = *ends(&theirs).iter().find(|end| **end > said).expect("that event ends");
        for bytes in (first + 20..theirs.len() - 200).step_by(173) {
            let step = answer.clone().over(line().cut_after_bytes(bytes, End::Close));
            let (told, row) = relayed(dialect, step).await;
            let count = ends(&theirs).iter().filter(|end| **end <= bytes).count();
            let whole = &all[..ends(&all)[count - 1]];
            match told.is_failed() {
                true => assert_ended_by_quire(&told, whole, &row),
                // Everything was there but the last words.
                false => assert_eq!(told.raw, whole),
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_only_lacks_its_last_word_is_whole() {
    let done = says().text("x").without_done();
    let (told, row) = relayed(Dialect::Chat, done.clone()).await;
    assert_eq!(
        (told.raw.as_str(), &row["outcome"]),
        (passed(Dialect::Chat, &done).as_str(), &json!("completed"))
    );
    let (told, row) = relayed(Dialect::Responses, done.clone()).await;
    assert_eq!(
        (told.raw.as_str(), &row["outcome"]),
        (passed(Dialect::Responses, &done).as_str(), &json!("completed"))
    );
    // Where the reason is no end, there must be one.
    let (told, row) = relayed(Dialect::Messages, done.clone()).await;
    assert_ended_by_quire(&told, &passed(Dialect::Messages, &done), &row);
    for dialect in Dialect::ALL {
        let (told, row) = relayed(dialect, says().text("x").without_finish().without_done()).await;
        told.judged_but_for(&[Rule::Output]).assert_failed();
        assert_eq!(row["fault_kind"], "cut");
    }
}

#[tokio::test]
async fn a_chat_stream_that_lacks_the_reason_of_a_choice_ends_with_an_error() {
    let chunk = |index: u64, reason: Value| {
        let choice = json!({"index": index, "delta": {"content": "x"}, "finish_reason": reason});
        format!("data: {}\n\n", json!({"id": "c", "choices": [choice]}))
    };
    for chunks in [
        vec![chunk(0, json!("")), chunk(0, json!(""))],
        vec![chunk(0, Value::Null), chunk(1, Value::Null), chunk(0, json!("stop"))],
    ] {
        let sent = chunks.concat();
        let (told, row) = relayed(Dialect::Chat, replays(sent.clone())).await;
        let end = told.raw.strip_prefix(&sent).expect("what came goes out");
        assert!(end.starts_with("data: {\"error\":") && end.contains("upstream_cut"), "{end}");
        assert_eq!((&row["outcome"], &row["fault_kind"]), (&json!("failed"), &json!("cut")));
    }
}

#[tokio::test]
async fn an_error_of_the_upstream_is_passed_as_it_is_and_logged() {
    for dialect in Dialect::ALL {
        let failing = busy(says().text("begun"));
        let (told, row) = relayed(dialect, failing.clone().without_done()).await;
        assert_eq!(told.raw, passed(dialect, &failing.without_done()), "{}", dialect.name());
        assert!(told.assert_failed().contains("busy"));
        assert_eq!(
            (&row["outcome"], &row["fault_kind"]),
            (&json!("failed"), &json!("overloaded")),
            "{} {row:#}",
            dialect.name()
        );
    }
    // Some go on after it, as if nothing had happened.
    let failing = says().text("begun").error("server_error", "server_is_overloaded", "busy");
    let (told, row) = relayed(Dialect::Chat, failing.clone()).await;
    assert_eq!(told.raw, passed(Dialect::Chat, &failing));
    assert_eq!(row["fault_kind"], "overloaded");
    // A bare event is no end of a response, which Codex waits for.
    let error =
        json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": null});
    let failing = says().text("begun").data(&error);
    let (told, row) = relayed(Dialect::Responses, failing.clone()).await;
    assert_ended_by_quire(&told, &passed(Dialect::Responses, &failing), &row);
    assert_eq!(told.last()["response"]["error"]["code"], "rate_limit_exceeded");
    assert_eq!(row["fault_kind"], "rate-limited");
}

#[tokio::test]
async fn an_error_in_the_shape_of_another_dialect_is_told_in_the_callers_too() {
    let error =
        json!({"error": {"code": "rate_limit_exceeded", "type": "x", "message": "slow down"}});
    for dialect in [Dialect::Responses, Dialect::Messages] {
        let failing = says().text("begun").bytes(format!("data: {error}\n\n")).cut(End::Close);
        let (told, row) = relayed(dialect, failing.clone()).await;
        assert!(told.raw.starts_with(&passed(dialect, &failing)), "{}", told.raw);
        assert!(told.assert_failed().contains("slow down"));
        assert_eq!(row["fault_kind"], "rate-limited");
        let upstream = strict(dialect, replays(format!("data: {error}\n\n"))).await;
        let quire = Quire::before(&upstream).await;
        let response = quire.send(&post(dialect, &streamed(dialect))).await;
        refused(dialect, response, 429).await;
    }
}

#[tokio::test]
async fn an_error_before_anything_was_generated_is_a_status() {
    for dialect in Dialect::ALL {
        // In Chat more follows the error here, which changes nothing.
        let failing = says().error("overloaded_error", "server_is_overloaded", "busy");
        let upstream = strict(dialect, Script::always(failing)).await;
        let quire = Quire::before(&upstream).await;
        let status = if dialect == Dialect::Messages { 529 } else { 503 };
        for body in [streamed(dialect), whole(dialect)] {
            let error = refused(dialect, quire.send(&post(dialect, &body)).await, status).await;
            assert_eq!(
                (&error["code"], &error["message"]),
                (&json!("server_is_overloaded"), &json!("busy"))
            );
        }
    }
}

#[tokio::test]
async fn a_whole_response_that_failed_is_passed_as_it_is_and_logged_as_failed() {
    for (status, error) in
        [("failed", json!({"code": "server_error", "message": "no"})), ("cancelled", Value::Null)]
    {
        let object = json!({"id": "resp_1", "object": "response", "status": status, "error": error,
            "model": "lab/mock-model", "output": [], "usage": {"input_tokens": 3, "output_tokens": 4}});
        let upstream =
            strict(Dialect::Responses, Script::always(answers(200).body(object.to_string()))).await;
        let quire = Quire::before(&upstream).await;
        let asks = post(Dialect::Responses, &whole(Dialect::Responses));
        let mut response = quire.send(&asks).await;
        assert_eq!(response.status(), 200);
        let told: Value = response.json().await.unwrap();
        assert_eq!(told, object);
        let row = &quire.rows(1).await[0];
        assert_eq!((&row["outcome"], &row["fault_kind"]), (&json!("failed"), &json!("upstream")));
    }
}

#[tokio::test]
async fn a_whole_response_that_failed_is_tried_elsewhere_where_that_is_wished() {
    let object = json!({"id": "resp_1", "object": "response", "status": "failed",
        "error": {"code": "server_error", "message": "no"}, "model": "mock-model", "output": []});
    let first =
        strict(Dialect::Responses, Script::always(answers(200).body(object.to_string()))).await;
    let second = strict(Dialect::Responses, Script::always(says().text("spare"))).await;
    let quire = pair(&first, &second, "").await;
    let mut response = quire.send(&post(Dialect::Responses, &whole(Dialect::Responses))).await;
    assert!(response.header("x-quire-notes").is_some_and(|notes| notes.contains("fallback-used")));
    assert!(response.text().await.unwrap().contains("spare"));
}

#[tokio::test]
async fn a_web_page_is_a_protocol_error() {
    for dialect in Dialect::ALL {
        let upstream = strict(dialect, Script::always(html(200))).await;
        let quire = Quire::before(&upstream).await;
        for body in [streamed(dialect), whole(dialect)] {
            let error = refused(dialect, quire.send(&post(dialect, &body)).await, 502).await;
            assert_eq!(error["code"], "upstream_protocol_error");
            assert!(error["message"].as_str().unwrap().contains("Bad gateway"), "{error}");
        }
        for text in ["", "hello", "[]", "42", "{", "data: nonsense"] {
            upstream.set_script(Script::always(answers(200).body(text)));
            for body in [streamed(dialect), whole(dialect)] {
                refused(dialect, quire.send(&post(dialect, &body)).await, 502).await;
            }
        }
    }
}

#[tokio::test]
async fn an_endless_event_is_given_up() {
    for dialect in Dialect::ALL {
        let endless = "x".repeat(17 << 20);
        let upstream = strict(dialect, Script::default()).await;
        let quire = Quire::before(&upstream).await;
        upstream.set_script(replays(format!("data: {{\"x\":\"{endless}")));
        let response = quire.send(&post(dialect, &streamed(dialect))).await;
        assert_eq!(refused(dialect, response, 502).await["code"], "upstream_protocol_error");
        let begun = says().text("begun");
        upstream.set_script(begun.clone().bytes(format!("data: {{\"x\":\"{endless}")));
        let told = ask(&quire, dialect).await;
        told.judged().assert_failed();
        assert!(told.text() == "begun" && told.raw.len() < 10_000);
    }
}

#[tokio::test]
async fn an_answer_in_the_other_form_is_put_into_the_right_one() {
    for dialect in Dialect::ALL {
        let says =
            says().reasoning("hm").text("hello").call("call_1", "exec", json!({"cmd": "ls"}));
        let object = says.answered_in(dialect, &whole(dialect));
        let stream = says.streamed_in(dialect, &streamed(dialect));
        let upstream = strict(
            dialect,
            Script::from([answers(200).body(object).into(), replays(stream).into()]),
        )
        .await;
        let quire = Quire::before(&upstream).await;
        let told = ask(&quire, dialect).await;
        told.judged().assert_finished();
        assert_eq!(told.text(), "hello");
        let mut response = quire.send(&post(dialect, &whole(dialect))).await;
        assert_eq!(response.status(), 200);
        let answer = response.json().await.unwrap();
        match dialect {
            Dialect::Chat => testkit::judge::chat_answer(&answer),
            Dialect::Responses => testkit::judge::responses_answer(&answer),
            Dialect::Messages => testkit::judge::messages_answer(&answer),
        }
        .unwrap_or_else(|complaints| panic!("{complaints:?}\n{answer:#}"));
        let text = answer.to_string();
        assert!(text.contains("\"hello\"") && text.contains("\"call_1\""), "{text}");
        assert_eq!(answer["model"], "lab/mock-model");
        for row in quire.rows(2).await {
            assert_eq!(row["outcome"], "completed");
        }
    }
}

#[tokio::test]
async fn after_two_seconds_a_comment_goes_out_and_nothing_opens_twice() {
    let late = Duration::from_millis(3000);
    together(Dialect::ALL.map(|dialect| async move {
        let answer = || says().text("later");
        for step in
            [answer().over(line().head_delay(late)), says().pause(late).text("later").into()]
        {
            let upstream = strict(dialect, Script::from(step)).await;
            let quire = Quire::before(&upstream).await;
            let began = Instant::now();
            let response = quire.send(&post(dialect, &streamed(dialect))).await;
            let waited = began.elapsed();
            assert!((1900..2900).contains(&waited.as_millis()), "the head came after {waited:?}");
            let told = heard(dialect, response).await;
            let body = told.raw.strip_prefix(COMMENT).expect("a comment comes first");
            assert_eq!(body, passed(dialect, &says().text("later")), "{}", dialect.name());
            told.judged().assert_finished();
        }
    }))
    .await;
}

#[tokio::test]
async fn a_fallback_that_comes_after_the_head_is_named_in_a_comment() {
    together(Dialect::ALL.map(|dialect| async move {
        let late = refuses(503).over(line().head_delay(Duration::from_millis(10_500)));
        let first = strict(dialect, late).await;
        let second = strict(dialect, Script::always(says().text("spare"))).await;
        let quire = pair(&first, &second, "").await;
        let told = ask(&quire, dialect).await;
        assert_eq!(told.notes, None);
        let expected = format!("{COMMENT}: quire fallback-used spare/mock-model\n\n");
        assert_eq!(told.raw, expected + &passed(dialect, &says().text("spare")));
        told.judged().assert_finished();
    }))
    .await;
}

#[tokio::test]
async fn an_error_after_two_seconds_ends_the_stream() {
    let late = Duration::from_millis(2300);
    together(Dialect::ALL.map(|dialect| async move {
        for step in [
            refuses(429).header("retry-after", "3").over(line().head_delay(late)),
            says().pause(late).cut(End::Close).into(),
            busy(says().pause(late)).into(),
            html(200).over(line().head_delay(late)),
        ] {
            let (told, row) = relayed(dialect, step).await;
            assert!(told.raw.starts_with(COMMENT), "{}", told.raw);
            told.judged().assert_failed();
            assert_eq!((&row["outcome"], &row["status"]), (&json!("failed"), &json!(200)));
        }
    }))
    .await;
}

#[tokio::test]
async fn silence_is_broken_in_the_dialects_way_while_passing() {
    let pause = Duration::from_millis(1500);
    together(Dialect::ALL.map(|dialect| async move {
        let upstream =
            strict(dialect, says().text("one two three ").delta(3).pause(pause).text("four")).await;
        let quire = lively(&upstream).await;
        let told = ask(&quire, dialect).await;
        told.judged().assert_finished();
        assert_eq!(told.text(), "one two three four");
        let events = told.events();
        match dialect {
            Dialect::Chat => assert_eq!(told.raw.matches(COMMENT).count(), 1),
            Dialect::Messages => {
                let pings = events.iter().filter(|event| event["type"] == "ping").count();
                assert_eq!(pings, 2, "the upstream's own and quire's: {}", told.raw);
            }
            Dialect::Responses => {
                let alive =
                    events.iter().rposition(|event| event["type"] == "response.in_progress");
                let alive = alive.unwrap();
                assert!(alive > 3, "{}", told.raw);
                assert_eq!(events[alive]["sequence_number"], events[alive - 1]["sequence_number"]);
                assert_eq!(events[alive]["response"]["id"], "resp_testkit_0");
            }
        }
    }))
    .await;
}

#[tokio::test]
async fn silence_inside_an_event_or_before_the_first_is_broken_without_harm() {
    let all = |dialect| passed(dialect, &says().text("hello"));
    let halves = Dialect::ALL.map(|dialect| {
        let all = all(dialect);
        [(dialect, all.find("\n\n").unwrap() - 10), (dialect, all.find("hello").unwrap() + 2)]
    });
    together(halves.into_iter().flatten().map(|(dialect, half)| async move {
        let all = all(dialect);
        let slowly = line().split_every(half).gap(Duration::from_millis(2200));
        let upstream = strict(dialect, replays(all.clone()).over(slowly)).await;
        let quire = lively(&upstream).await;
        let told = ask(&quire, dialect).await;
        told.judged().assert_finished();
        assert_eq!(told.text(), "hello");
        if !all[..half].contains("\n\n") {
            assert!(told.raw.contains(COMMENT), "{}", told.raw);
        }
    }))
    .await;
}

#[tokio::test]
async fn a_stall_is_given_up() {
    together(Dialect::ALL.map(|dialect| async move {
        let begun = says().text("begun");
        let upstream = strict(
            dialect,
            Script::steps([begun.clone().stall().into(), says().stall().into(), silence()]),
        )
        .await;
        let quire =
            Quire::start(&format!("[upstream]\nidle_timeout_seconds = 1\n{}", lab(&upstream)))
                .await;
        let told = ask(&quire, dialect).await;
        assert!(told.raw.starts_with(&passed(dialect, &begun.stall())), "{}", told.raw);
        assert!(told.judged().assert_failed().contains("1 s"), "{}", told.raw);
        for _ in 0..2 {
            let response = quire.send(&post(dialect, &streamed(dialect))).await;
            assert_eq!(refused(dialect, response, 504).await["code"], "upstream_timeout");
        }
        assert!(upstream.until(SOON, |upstream| upstream.open_streams() == 0).await);
    }))
    .await;
}

/// A fault that a fallback mends.
fn passing_faults() -> [Step; 3] {
    [refuses(503).into(), says().cut(End::Close).into(), busy(says()).into()]
}

#[tokio::test]
async fn one_who_is_passed_to_and_one_who_is_translated_for_stand_in_for_each_other() {
    for dialect in Dialect::ALL {
        for other in others(dialect) {
            for (first, second) in [(dialect, other), (other, dialect)] {
                let failing = strict(first, Script::steps(passing_faults())).await;
                let spare = strict(second, Script::always(says().text("spare"))).await;
                let quire = pair(&failing, &spare, "").await;
                for _ in 0..3 {
                    let told = ask(&quire, dialect).await;
                    told.judged().assert_finished();
                    assert_eq!(told.text(), "spare");
                    assert_eq!(
                        told.notes.as_deref().map(|notes| notes.contains("fallback-used")),
                        Some(true)
                    );
                    assert!(told.raw.contains("\"lab/mock-model\""), "{}", told.raw);
                }
                failing.assert_done();
                spare.assert_no_refusals();
                for row in quire.rows(3).await {
                    assert_eq!(
                        (&row["outcome"], &row["provider"], &row["dialect_out"]),
                        (&json!("completed"), &json!("spare"), &json!(second.name()))
                    );
                    assert_eq!(row["attempts"].as_array().map(Vec::len), Some(2));
                }
            }
        }
    }
}

#[tokio::test]
async fn another_may_still_answer_after_the_head_went_out() {
    let late = Duration::from_millis(11_500);
    let pairs = Dialect::ALL.into_iter().flat_map(|dialect| {
        others(dialect)
            .flat_map(move |other| [(dialect, dialect, other), (dialect, other, dialect)])
    });
    together(pairs.map(|(caller, first, second)| async move {
        let failing = strict(first, refuses(503).over(line().head_delay(late))).await;
        let spare = strict(second, Script::always(says().text("spare"))).await;
        let quire = pair(&failing, &spare, "").await;
        let began = Instant::now();
        let response = quire.send(&post(caller, &streamed(caller))).await;
        assert!((9_900..11_400).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        let told = heard(caller, response).await;
        told.judged().assert_finished();
        assert_eq!(told.text(), "spare", "{} {} {}", caller.name(), first.name(), second.name());
        assert_eq!(told.raw.starts_with(COMMENT), caller == first);
        spare.assert_no_refusals();
        assert_eq!(quire.rows(1).await[0]["provider"], "spare");
    }))
    .await;
}

#[tokio::test]
async fn nobody_else_answers_after_something_was_passed() {
    for dialect in Dialect::ALL {
        let spare = strict(dialect, Script::always(says().text("spare"))).await;
        for step in [
            says().text("begun").cut(End::Close).into(),
            Step::from(says().reasoning("begun").cut(End::Reset)),
            busy(says().text("begun")).into(),
        ] {
            let first = strict(dialect, Script::from(step)).await;
            let quire = pair(&first, &spare, "").await;
            ask(&quire, dialect).await.assert_failed();
        }
        assert!(spare.requests().is_empty());
    }
}

#[tokio::test]
async fn a_client_that_leaves_what_is_passed_ends_the_upstream_request() {
    for dialect in Dialect::ALL {
        let begun =
            says().text("begun").usage_in(UsagePlace::EveryChunk).pause(Duration::from_secs(60));
        let upstream = strict(dialect, Script::always(begun.text("over"))).await;
        let quire = Quire::before(&upstream).await;
        let mut events = quire.send(&post(dialect, &streamed(dialect))).await.events();
        while !String::from_utf8_lossy(events.raw()).contains("begun") {
            events.next().await.unwrap().unwrap();
        }
        let left = Instant::now();
        drop(events);
        assert!(upstream.until(SOON, |upstream| upstream.open_streams() == 0).await, "it ends");
        let closed = upstream.requests()[0].closed().expect("quire closed it");
        assert!(closed.duration_since(left) < Duration::from_secs(1));
        assert_eq!(quire.rows(1).await[0]["outcome"], "cancelled");
        // One that asked for a whole answer leaves as well.
        upstream.set_script(silence());
        let mut connection = quire.connect().await;
        connection.request(&post(dialect, &whole(dialect))).await.unwrap();
        assert!(upstream.until(SOON, |upstream| upstream.open_streams() == 1).await);
        drop(connection);
        assert!(upstream.until(SOON, |upstream| upstream.open_streams() == 0).await, "it ends");
    }
}

#[tokio::test]
async fn a_stream_whose_type_is_odd_or_missing_is_live_all_the_same() {
    let kinds = ["Text/Event-Stream; charset=utf-8", "text/plain", "application/octet-stream", ""];
    let cases = kinds.iter().flat_map(|kind| Dialect::ALL.map(|dialect| (*kind, dialect)));
    together(cases.map(async |(kind, dialect)| {
        let begun = says().bytes("\u{feff}\n").text("begun").stall().header("content-type", kind);
        let upstream = strict(Dialect::Chat, Script::always(begun)).await;
        let config = format!("[upstream]\nidle_timeout_seconds = 1\n{}", lab(&upstream));
        let quire = Quire::start(&config).await;
        let told = ask(&quire, dialect).await;
        assert_eq!(told.text(), "begun", "{kind}");
        told.assert_failed();
    }))
    .await;
}

#[tokio::test]
async fn words_in_place_of_an_answer_are_quoted() {
    let words = "Internal Server Error: GPU lost";
    for (body, quoted) in
        [(words, words), ("[1]", "answer: [1]"), ("", "is empty"), ("\u{feff}", "is empty")]
    {
        let kinds =
            ["text/plain", "application/json", "application/octet-stream", "text/event-stream"];
        // A stream may be empty, and is then cut.
        for kind in kinds.iter().take(if quoted == "is empty" { 3 } else { 4 }) {
            let answer = answers(200).header("content-type", kind).body(body);
            let cut = line().split_every(1);
            let upstream = strict(Dialect::Chat, Script::always(answer.over(cut))).await;
            let quire = Quire::before(&upstream).await;
            for dialect in Dialect::ALL {
                for asks in [streamed(dialect), whole(dialect)] {
                    let response = quire.send(&post(dialect, &asks)).await;
                    let error = refused(dialect, response, 502).await;
                    assert_eq!(error["code"], "upstream_protocol_error", "{error}");
                    assert!(error["message"].as_str().unwrap().contains(quoted), "{error}");
                }
            }
            let row = quire.rows(6).await.remove(0);
            assert!(!row.to_string().contains("GPU"), "what an upstream says is not logged: {row}");
        }
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_a_whole_answer_is_skipped() {
    let upstream = strict(Dialect::Chat, Script::default()).await;
    let quire = Quire::before(&upstream).await;
    for dialect in Dialect::ALL {
        let answer = says().text("x").answered_in(Dialect::Chat, &whole(Dialect::Chat));
        let marked = [b"\xef\xbb\xbf", answer.as_slice()].concat();
        upstream.set_script(Script::always(answers(200).body(marked)));
        let mut response = quire.send(&post(dialect, &whole(dialect))).await;
        assert_eq!(response.status(), 200);
        assert!(response.text().await.unwrap().starts_with('{'));
        ask(&quire, dialect).await.assert_finished();
    }
}
