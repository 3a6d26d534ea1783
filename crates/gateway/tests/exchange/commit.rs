//! The point of commitment: what is held back, what goes out, and who may answer instead.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::judge::Dialect;
use testkit::script::{End, Script, Step, line, refuses, replays, says, silence};
use testkit::upstream::Upstream;
use tokio::time::{Instant, timeout};

use crate::dialects::{self, pair};
use crate::stage::{
    Quire, SOON, ask, body, lab, note_codes, plain, provider, refused, told, whole,
};

#[tokio::test]
async fn the_head_waits_for_the_first_generated_event() {
    let pause = Duration::from_millis(300);
    // Neither the head of the upstream nor an empty delta is a generated event.
    let empty = json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]});
    let upstream = Upstream::start(says().data(&empty).pause(pause).text("now")).await;
    let quire = Quire::before(&upstream).await;
    let began = Instant::now();
    let response = quire.ask(&plain()).await;
    assert!(began.elapsed() >= pause, "the head came after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_millis(1900));
    assert_eq!(told(response).await.assert_ended("response.completed").text(), "now");
}

#[tokio::test]
async fn an_error_within_two_seconds_is_a_status() {
    let upstream = Upstream::start(
        refuses(429).header("retry-after", "3").over(line().head_delay(Duration::from_millis(500))),
    )
    .await;
    let quire = Quire::before(&upstream).await;
    let response = quire.ask(&plain()).await;
    assert_eq!(response.header("retry-after"), Some("3"));
    refused(response, 429).await;
}

#[tokio::test]
async fn after_two_seconds_the_opening_goes_out_and_a_later_error_ends_the_stream() {
    let late = Duration::from_millis(2500);
    let upstream = Upstream::start([
        refuses(429).header("retry-after", "3").over(line().head_delay(late)),
        says().pause(late).text("late").into(),
        says().pause(late).cut(End::Close).into(),
    ])
    .await;
    let quire = Quire::before(&upstream).await;
    for end in ["rate_limit_exceeded", "", "server_error"] {
        let began = Instant::now();
        let response = quire.ask(&body(json!({"shiny": true}))).await;
        let waited = began.elapsed();
        assert!((1900..2400).contains(&waited.as_millis()), "the head came after {waited:?}");
        assert!(response.header("x-quire-notes").unwrap().contains("unknown-field"));
        let told = told(response).await;
        assert_eq!(told.names()[..2], ["response.created", "response.in_progress"]);
        match end {
            "" => assert_eq!(told.assert_ended("response.completed").text(), "late"),
            code => {
                let told = told.assert_failed(code);
                assert!(!told.last()["response"]["error"]["message"].as_str().unwrap().is_empty());
            }
        }
        assert!(told.quire()["request_id"].is_string());
    }
    let rows = quire.rows(3).await;
    assert_eq!(rows[2]["outcome"], "failed");
    assert_eq!((&rows[2]["status"], &rows[2]["fault_kind"]), (&json!(200), &json!("rate-limited")));
}

#[tokio::test]
async fn silence_is_broken_by_a_repeated_in_progress() {
    let upstream = Upstream::start([
        says().text("a").pause(Duration::from_millis(2300)).text("b").into(),
        says().pause(Duration::from_millis(4300)).text("c").into(),
    ])
    .await;
    let quire =
        Quire::start(&format!("[server]\nkeep_alive_seconds = 1\n{}", lab(&upstream))).await;
    for (text, least) in [("ab", 2), ("c", 2)] {
        let told = quire.stream(&plain()).await;
        assert_eq!(told.assert_ended("response.completed").text(), text);
        let alive = told.names().iter().filter(|name| **name == "response.in_progress").count() - 1;
        assert!((least..=least + 1).contains(&alive), "{alive} signs of life");
        let numbers: Vec<u64> =
            told.events.iter().filter_map(|event| event["sequence_number"].as_u64()).collect();
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "{numbers:?}");
    }
}

#[tokio::test]
async fn a_busy_stream_has_no_signs_of_life() {
    let upstream = Upstream::start(
        says().text("many small pieces").delta(1).over(line().pace(Duration::from_millis(100))),
    )
    .await;
    let quire =
        Quire::start(&format!("[server]\nkeep_alive_seconds = 1\n{}", lab(&upstream))).await;
    let told = quire.stream(&plain()).await;
    assert_eq!(told.names().iter().filter(|name| **name == "response.in_progress").count(), 1);
}

#[tokio::test]
async fn events_are_forwarded_as_they_arrive() {
    let pause = Duration::from_millis(400);
    let upstream =
        Upstream::start(says().text("one ").pause(pause).text("two ").pause(pause).text("three"))
            .await;
    let quire = Quire::before(&upstream).await;
    let mut events = quire.ask(&plain()).await.events();
    let (arrived, _) = events.rest().await;
    let deltas: Vec<_> = arrived
        .iter()
        .filter(|a| a.event.name.as_deref() == Some("response.output_text.delta"))
        .collect();
    assert_eq!(deltas.len(), 3);
    for pair in deltas.windows(2) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= pause - Duration::from_millis(50), "{apart:?}");
    }
}

/// The faults for which another provider is asked.
fn passing() -> Vec<(&'static str, Step)> {
    let error = |status: u16, code: &str| refuses(status).error("x", code, "words").into();
    vec![
        ("unauthorized", refuses(401).into()),
        ("forbidden", error(403, "permission_denied")),
        ("plan", error(403, "usage_not_included")),
        ("unknown-model", refuses(404).into()),
        ("rate-limited", refuses(429).into()),
        ("quota", refuses(402).into()),
        ("overloaded", refuses(503).into()),
        ("upstream", refuses(500).into()),
        ("cut", says().cut(End::Close).into()),
        ("cut", says().cut(End::Reset).into()),
        ("idle", error(504, "timeout")),
        ("protocol", replays("data: nonsense\n\n").into()),
        (
            "overloaded",
            replays(
                "data: {\"error\":{\"code\":\"server_is_overloaded\",\"message\":\"busy\"}}\n\n",
            )
            .into(),
        ),
    ]
}

#[tokio::test]
async fn a_fallback_answers_for_every_passing_fault_and_says_so() {
    let steps = passing();
    let first = Upstream::start(Script::steps(
        steps.iter().flat_map(|(_, step)| [step.clone(), step.clone()]),
    ))
    .await;
    let second = Upstream::start(Script::always(says().text("spare"))).await;
    let quire = pair(&first, &second, "").await;
    for (kind, _) in &steps {
        let told = quire.stream(&plain()).await;
        assert_eq!(told.assert_ended("response.completed").text(), "spare", "{kind}");
        assert!(
            told.notes.as_deref().unwrap_or_default().contains("fallback-used"),
            "{kind}: {:?}",
            told.notes
        );
        assert_eq!(told.quire()["provider"], "spare", "{kind}");
        assert!(told.note_codes().contains(&"fallback-used"), "{kind}");
        assert_eq!(
            told.last()["response"]["model"],
            "lab/mock-model",
            "the name that was asked for"
        );
        let mut response = quire.ask(&whole()).await;
        assert!(response.header("x-quire-notes").unwrap().contains("fallback-used"));
        let answer = response.json().await.unwrap();
        assert!(note_codes(&answer["quire"]).contains(&"fallback-used"));
    }
    first.assert_done();
    let rows = quire.rows(steps.len() * 2).await;
    for (row, (kind, _)) in rows.iter().rev().step_by(2).zip(&steps) {
        assert_eq!(row["attempts"][0]["fault"], *kind, "{row:#}");
        assert_eq!(
            (&row["attempts"][0]["provider"], &row["attempts"][1]["provider"]),
            (&json!("lab"), &json!("spare"))
        );
        assert_eq!((&row["outcome"], &row["provider"]), (&json!("completed"), &json!("spare")));
    }
}

#[tokio::test]
async fn a_fallback_answers_for_an_upstream_that_cannot_be_reached_or_is_silent() {
    let gone = Upstream::start(Script::default()).await;
    let second = Upstream::start(Script::always(says().text("spare"))).await;
    let config = lab(&gone);
    drop(gone);
    let more = format!(
        "{}[fallback]\n\"*/mock-model\" = [\"spare/mock-model\"]\n",
        provider("spare", &second)
    );
    let quire = Quire::start(&format!("{config}{more}")).await;
    assert_eq!(quire.stream(&plain()).await.text(), "spare");
    let silent = Upstream::start(Script::always(silence())).await;
    let quire = pair(&silent, &second, "[upstream]\nidle_timeout_seconds = 1\n").await;
    assert_eq!(quire.stream(&plain()).await.text(), "spare");
    assert_eq!(silent.requests().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_not_tried_elsewhere() {
    for (status, code, ours) in [
        (400, "invalid_value", 400),
        (400, "context_length_exceeded", 400),
        (400, "content_policy_violation", 400),
        (413, "request_too_large", 413),
        (422, "unprocessable", 400),
    ] {
        let first = Upstream::start(refuses(status).error("x", code, "words")).await;
        let second = Upstream::start(Script::always(says().text("spare"))).await;
        let quire = pair(&first, &second, "").await;
        refused(quire.ask(&plain()).await, ours).await;
        assert!(second.requests().is_empty(), "{code}");
    }
}

#[tokio::test]
async fn nothing_is_tried_elsewhere_after_a_generated_event() {
    let second = Upstream::start(Script::always(says().text("spare"))).await;
    for step in [
        says().text("begun").pause(Duration::from_millis(50)).cut(End::Close),
        says().text("begun").cut(End::Reset),
        says().reasoning("thinking").error("server_error", "server_is_overloaded", "busy"),
        says().call("c1", "exec", json!({"a": 1})).without_finish(),
    ] {
        let first = Upstream::start(Script::always(step)).await;
        let quire = pair(&first, &second, "").await;
        quire.stream(&plain()).await.assert_ended("response.failed");
    }
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn with_a_fallback_the_head_waits_longer_and_a_late_fault_still_falls_back() {
    let first =
        Upstream::start(refuses(503).over(line().head_delay(Duration::from_millis(2500)))).await;
    let second = Upstream::start(Script::always(says().text("spare"))).await;
    let quire = pair(&first, &second, "").await;
    let began = Instant::now();
    let response = quire.ask(&plain()).await;
    assert!(began.elapsed() >= Duration::from_millis(2400), "{:?}", began.elapsed());
    assert_eq!(told(response).await.text(), "spare");
}

/// A model that thinks for long keeps its client waiting with events of its own.
#[tokio::test]
async fn what_a_passed_stream_begins_with_arrives_once_the_head_is_out_and_nobody_else_is_left() {
    for dialect in [Dialect::Responses, Dialect::Messages] {
        let thinks = says().pause(Duration::from_millis(3500)).text("at last");
        let upstream = dialects::strict(dialect, Script::always(thinks)).await;
        let quire = Quire::before(&upstream).await;
        let began = Instant::now();
        let body = dialects::request(dialect, json!({}));
        let mut response = quire.send(&dialects::post(dialect, &body)).await;
        let mut early = String::new();
        while !early.contains("_start") && !early.contains("response.created") {
            let part = response.part().await.unwrap().expect("the stream goes on");
            early.push_str(&String::from_utf8_lossy(&part));
        }
        assert!(began.elapsed() < Duration::from_millis(3200), "{:?}", began.elapsed());
        assert!(!early.contains("at last") && early.contains("lab/mock-model"), "{early}");
        let rest = response.text().await.unwrap();
        assert!(rest.contains("at last"), "{rest}");
    }
}

#[tokio::test]
async fn a_passed_stream_that_fails_after_its_beginning_went_out_says_so_inside() {
    for dialect in Dialect::ALL {
        let breaks = says().pause(Duration::from_millis(2500)).cut(End::Close);
        let upstream = dialects::strict(dialect, Script::always(breaks)).await;
        let quire = Quire::before(&upstream).await;
        let body = dialects::request(dialect, json!({}));
        let mut response = quire.send(&dialects::post(dialect, &body)).await;
        assert_eq!(response.status(), 200);
        let told = response.text().await.unwrap();
        assert!(told.contains("in the middle of its answer"), "{told}");
        assert_eq!(upstream.requests().len(), 1);
    }
}

#[tokio::test]
async fn the_last_candidate_s_fault_is_told() {
    let first = Upstream::start(Script::always(refuses(503))).await;
    let second = Upstream::start(Script::always(refuses(429).header("retry-after", "9"))).await;
    let quire = pair(&first, &second, "").await;
    let response = quire.ask(&plain()).await;
    assert_eq!(response.header("retry-after"), Some("9"));
    refused(response, 429).await;
}

#[tokio::test]
async fn notes_stand_in_the_head_and_in_the_body() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let request =
        body(json!({"store": true, "metadata": {"a": "b"}, "novelty": 1, "novelties": 2}));
    let told = quire.stream(&request).await;
    let header = told.notes.clone().unwrap();
    for code in ["not-stored", "field-ignored", "unknown-field;n=2"] {
        assert!(header.contains(code), "{header}");
    }
    for note in told.quire()["notes"].as_array().unwrap() {
        for member in ["code", "at", "effect", "message"] {
            assert!(note[member].is_string(), "{note}");
        }
    }
    let quire_member = told.quire();
    assert_eq!(
        (&quire_member["provider"], &quire_member["model"]),
        (&json!("lab"), &json!("mock-model"))
    );
    let mut response = quire.send(&ask(&body(json!({"stream": false, "novelty": 1})))).await;
    let id = response.header("x-quire-request-id").unwrap().to_owned();
    assert_eq!(response.json().await.unwrap()["quire"]["request_id"], id);
}

#[tokio::test]
async fn notes_name_places_in_the_words_of_the_client() {
    let call = json!({"type": "function", "id": "call_1", "function": {"name": "look", "arguments": "{}"}});
    let asks = [
        (
            Dialect::Chat,
            Dialect::Messages,
            json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": null, "tool_calls": [call]}, {"role": "user", "content": "and?"}]),
            "messages[].tool_call_id",
        ),
        (
            Dialect::Messages,
            Dialect::Chat,
            json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]}, {"role": "user", "content": "and?"}]),
            "messages[].content[].tool_use_id",
        ),
    ];
    for (client, server, messages, place) in asks {
        let upstream = dialects::strict(server, Script::always(says().text("x"))).await;
        let quire = Quire::before(&upstream).await;
        let body = dialects::request(client, json!({"stream": false, "messages": messages}));
        let answer = quire.send(&dialects::post(client, &body)).await.json().await.unwrap();
        let notes = answer["quire"]["notes"].as_array().expect("it has notes");
        let missing = notes.iter().find(|note| note["code"] == "tool-result-missing");
        assert_eq!(missing.expect("a result is missing")["at"], place, "{notes:?}");
    }
}

#[tokio::test]
async fn notes_of_any_number_keep_the_head_small() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let mut request = plain();
    for number in 0..500 {
        request[format!("novelty_{number}_\u{e9}\r\nx-evil: 1")] = Value::Bool(true);
    }
    let told = timeout(SOON, quire.stream(&request)).await.unwrap();
    assert!(told.notes.unwrap().len() <= 1024);
}
