//! What becomes of every kind of upstream: an honest end, and exactly one.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::script::{
    End, Framing, Script, Step, Usage, UsagePlace, answers, html, line, raw, refuses, replays,
    says, silence,
};
use testkit::upstream::{Ending, Recorded, Upstream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::{Quire, SOON, Told, ask, body, lab, plain, refused, together, told, whole};

/// A gateway that gives an upstream up after a second of silence.
async fn impatient(upstream: &Upstream) -> Quire {
    Quire::start(&format!("[upstream]\nidle_timeout_seconds = 1\n{}", lab(upstream))).await
}

/// The judged stream that the gateway makes of this answer.
async fn relayed(step: impl Into<Step>) -> Told {
    let upstream = Upstream::start(Script::always(step)).await;
    let quire = Quire::before(&upstream).await;
    let told = quire.stream(&plain()).await;
    quire.assert_alive().await;
    upstream.assert_no_refusals();
    told
}

/// The error that the gateway makes of this answer, for a stream and for a whole answer.
async fn fault(step: impl Into<Step>, status: u16, code: &str) -> Value {
    let upstream = Upstream::start(Script::always(step)).await;
    let quire = Quire::before(&upstream).await;
    let error = refused(quire.ask(&whole()).await, status).await;
    assert_eq!(error["code"], code, "{error}");
    let error = refused(quire.ask(&plain()).await, status).await;
    assert_eq!(error["code"], code, "{error}");
    quire.assert_alive().await;
    upstream.assert_no_refusals();
    error
}

const PROTOCOL: &str = "upstream_protocol_error";
const CUT: &str = "upstream_cut";

#[tokio::test]
async fn what_is_not_json_is_a_protocol_error() {
    for text in ["hello", "{", "[]", "{}", "42", "{\"choices\":[]}", "\u{feff}"] {
        let upstream = Upstream::start(Script::always(answers(200).body(text))).await;
        let quire = Quire::before(&upstream).await;
        for request in [whole(), plain()] {
            let response = quire.ask(&request).await;
            assert_eq!(response.status(), 502, "{text}");
            refused(response, 502).await;
        }
        quire.assert_alive().await;
    }
    fault(answers(200).body(b"\xff\xfe\x00".to_vec()), 502, PROTOCOL).await;
    fault(replays("data: not json\n\n"), 502, PROTOCOL).await;
    fault(replays("data: [1]\n\n"), 502, PROTOCOL).await;
    fault(replays(b"data: {\"x\":\"\xff\"}\n\n".to_vec()), 502, PROTOCOL).await;
    fault(raw(&b"SSH-2.0-OpenSSH_9.9\r\n"[..]), 502, PROTOCOL).await;
    fault(raw(&b"HTTP/1.1 twohundred OK\r\n\r\n"[..]), 502, PROTOCOL).await;
}

#[tokio::test]
async fn a_web_page_is_a_protocol_error_that_quotes_its_words() {
    let error = fault(html(200), 502, PROTOCOL).await;
    assert!(error["message"].as_str().unwrap().contains("Bad gateway"), "{error}");
    assert!(!error["message"].as_str().unwrap().contains('<'), "{error}");
    fault(html(502), 502, "upstream_error").await;
    fault(html(403), 403, "permission_denied").await;
}

#[tokio::test]
async fn an_answer_cut_before_anything_was_generated_is_an_error() {
    for end in [End::Close, End::Reset] {
        fault(says().text("x").over(line().cut_after_bytes(0, end)), 502, CUT).await;
        fault(says().cut(end), 502, CUT).await;
        fault(says().text("hello").over(line().cut_after_bytes(5, end)), 502, CUT).await;
    }
    for head in [
        "",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100\r\n\r\n",
    ] {
        fault(raw(head), 502, CUT).await;
    }
}

#[tokio::test]
async fn a_stream_cut_anywhere_ends_with_one_failure_and_keeps_what_came() {
    for end in [End::Close, End::Reset] {
        let started = says().reasoning("thinking about it").text("hello there, world");
        let told = relayed(started.clone().cut(end)).await;
        told.assert_failed("server_error");
        assert_eq!(told.text(), "hello there, world");
        let message = told.last()["response"]["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("upstream"), "{message}");
        // Somewhere inside events, after the first that was generated.
        let long = says().text("hello there, world".repeat(20));
        for bytes in (700..1600).step_by(97) {
            let told = relayed(long.clone().over(line().cut_after_bytes(bytes, end))).await;
            told.assert_failed("server_error");
        }
        let call = says()
            .call("call_1", "exec", json!({"cmd": "ls -la", "timeout": 10}))
            .argument_pieces(4);
        for events in 2..7 {
            let told = relayed(call.clone().over(line().cut_after_events(events, end))).await;
            told.assert_failed("server_error");
            let done =
                told.events.iter().filter(|event| event["type"] == "response.output_item.done");
            let done: Vec<&Value> = done.collect();
            assert!(
                done.iter().all(|event| event["item"]["status"] != "completed"),
                "a half call must not be run: {done:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_cut_whole_answer_is_an_error() {
    for end in [End::Close, End::Reset] {
        let upstream = Upstream::start(Script::always(
            says().text("x".repeat(500)).over(line().cut_after_bytes(100, end)),
        ))
        .await;
        let quire = Quire::before(&upstream).await;
        let error = refused(quire.ask(&whole()).await, 502).await;
        assert_eq!(error["code"], CUT);
    }
}

#[tokio::test]
async fn a_stall_is_given_up_after_the_configured_silence() {
    let upstream = Upstream::start([
        silence(),
        says().stall().into(),
        says().text("begun").stall().into(),
        says().text("begun and more").delta(3).over(line().stall_after_bytes(700)),
        refuses(500).over(line().stall_after_bytes(3)),
        says().text("x").over(line().stall_after_bytes(30)),
        silence(),
    ])
    .await;
    let quire = impatient(&upstream).await;
    for code in ["upstream_timeout", "upstream_timeout"] {
        let error = refused(quire.ask(&plain()).await, 504).await;
        assert_eq!(error["code"], code);
        assert!(error["message"].as_str().unwrap().contains("1 s"), "{error}");
    }
    for _ in 0..2 {
        quire.stream(&plain()).await.assert_failed("server_error");
    }
    // The status is known, only its words are not.
    refused(quire.ask(&plain()).await, 502).await;
    refused(quire.ask(&whole()).await, 504).await;
    refused(quire.ask(&whole()).await, 504).await;
    assert!(
        upstream.until(SOON, |upstream| upstream.open_streams() == 0).await,
        "nothing stays open"
    );
}

#[tokio::test]
async fn half_an_event_at_the_end_is_not_an_answer() {
    relayed(replays("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"he\"}}]}\n\ndata: {\"choices\":[{\"ind")).await.assert_failed("server_error");
    fault(replays("data: {\"choi"), 502, PROTOCOL).await;
    fault(replays("event: message\n"), 502, CUT).await;
    fault(replays(""), 502, CUT).await;
    // A last event without its blank line is whole, and real servers forget the line.
    let last = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"he\"},\"finish_reason\":\"stop\"}]}";
    assert_eq!(relayed(replays(last)).await.assert_ended("response.completed").text(), "he");
}

#[tokio::test]
async fn a_delta_of_1_mb_passes_and_an_endless_event_does_not() {
    let large = "abcdefgh".repeat(1 << 17);
    let told = relayed(says().text(&large).delta(0)).await;
    assert_eq!(told.assert_ended("response.completed").text(), large);
    let endless =
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}", "x".repeat(20 << 20));
    fault(replays(endless), 502, PROTOCOL).await;
}

#[tokio::test]
async fn the_pieces_in_which_bytes_arrive_change_nothing() {
    let says = || {
        says().reasoning("über 思考 🧠").text("grüße 世界 🌍\n\"quoted\" \\ done").call(
            "c1",
            "exec",
            json!({"cmd": "echo é🌍"}),
        )
    };
    let expected = relayed(says()).await;
    let shown = |told: &Told| {
        let events =
            told.events.iter().filter(|event| event["type"] == "response.output_item.done");
        events
            .map(|event| {
                let mut item = event["item"].clone();
                item["id"] = json!("");
                // Escaped or not, the arguments are the same.
                if let Some(arguments) = item["arguments"].as_str() {
                    item["arguments"] = serde_json::from_str(arguments).unwrap();
                }
                item
            })
            .collect::<Vec<_>>()
    };
    for (name, step) in [
        ("one byte", says().over(line().split_every(1).gap(Duration::ZERO))),
        ("three bytes", says().over(line().split_every(3).gap(Duration::from_micros(50)))),
        ("crlf", says().over(line().crlf())),
        ("crlf in pieces", says().over(line().crlf().split_every(7).gap(Duration::ZERO))),
        ("counted", says().over(line().framing(Framing::Counted))),
        ("chunked", says().over(line().framing(Framing::Chunked))),
        ("closed", says().over(line().framing(Framing::Closed))),
        ("close after", says().over(line().close_after())),
        ("ascii", says().ascii().into()),
        ("surrogates", says().split_surrogates().delta(1).into()),
        ("paced", says().over(line().pace(Duration::from_millis(1)))),
    ] {
        let told = relayed(step).await;
        told.assert_ended("response.completed");
        assert_eq!(shown(&told), shown(&expected), "{name}");
    }
}

#[tokio::test]
async fn comments_and_blank_events_are_not_content() {
    let told = relayed(
        says()
            .comment("ping")
            .bytes(": OPENROUTER PROCESSING\n\n\n\n")
            .text("a")
            .comment("ping")
            .bytes("event: ping\ndata:\n\nid: 7\nretry: 10\n\n")
            .text("b"),
    )
    .await;
    assert_eq!(told.assert_ended("response.completed").text(), "ab");
}

#[tokio::test]
async fn comments_count_as_life_but_not_as_content() {
    let mut pinging = says();
    for _ in 0..5 {
        pinging = pinging.comment("ping").pause(Duration::from_millis(400));
    }
    let upstream = Upstream::start(pinging.text("late")).await;
    let quire = impatient(&upstream).await;
    assert_eq!(quire.stream(&plain()).await.assert_ended("response.completed").text(), "late");
}

#[tokio::test]
async fn an_error_inside_a_200_is_an_error() {
    for (kind, code, message, status, ours, stream) in [
        (
            "server_error",
            "server_is_overloaded",
            "busy",
            503,
            "server_is_overloaded",
            "server_is_overloaded",
        ),
        (
            "requests",
            "rate_limit_exceeded",
            "slow down",
            429,
            "rate_limit_exceeded",
            "rate_limit_exceeded",
        ),
        (
            "invalid_request_error",
            "context_length_exceeded",
            "too long",
            400,
            "context_length_exceeded",
            "context_length_exceeded",
        ),
        (
            "insufficient_quota",
            "insufficient_quota",
            "pay",
            429,
            "insufficient_quota",
            "insufficient_quota",
        ),
        ("server_error", "internal", "oops", 502, "upstream_error", "server_error"),
    ] {
        let error = fault(
            replays(format!(
                "data: {}\n\n",
                json!({"error": {"type": kind, "code": code, "message": message}})
            )),
            status,
            ours,
        )
        .await;
        assert_eq!(error["message"], message);
        let told = relayed(says().text("begun").error(kind, code, message)).await;
        told.assert_failed(stream);
        assert_eq!(told.text(), "begun");
        assert!(told.last()["response"]["error"]["message"].as_str().unwrap().contains(message));
    }
    fault(
        answers(200).error("requests", "rate_limit_exceeded", "slow"),
        429,
        "rate_limit_exceeded",
    )
    .await;
    fault(
        answers(200).json(
            &json!({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}),
        ),
        502,
        "upstream_error",
    )
    .await;
}

#[tokio::test]
async fn json_where_a_stream_was_asked_is_streamed_and_the_reverse_is_whole() {
    let object = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}});
    let told = relayed(answers(200).json(&object)).await;
    assert_eq!(told.assert_ended("response.completed").text(), "whole");
    assert_eq!(told.last()["response"]["usage"]["total_tokens"], 5);
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"live\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for kind in ["text/event-stream", "text/plain", "application/json", "application/octet-stream"]
    {
        let upstream =
            Upstream::start(Script::always(answers(200).header("content-type", kind).body(stream)))
                .await;
        let quire = Quire::before(&upstream).await;
        let mut response = quire.ask(&whole()).await;
        assert_eq!(response.status(), 200, "{kind}");
        let answer = response.json().await.unwrap();
        testkit::judge::responses_answer(&answer).unwrap();
        assert_eq!(answer["output"][0]["content"][0]["text"], "live", "{kind}");
        assert_eq!(quire.stream(&plain()).await.assert_ended("response.completed").text(), "live");
    }
}

#[tokio::test]
async fn missing_ends_and_counts_are_told_apart() {
    relayed(says().text("x").without_finish()).await.assert_failed("server_error");
    relayed(says().text("x").without_finish().without_done()).await.assert_failed("server_error");
    relayed(says().text("x").without_done()).await.assert_ended("response.completed");
    let told = relayed(says().text("a long enough text").without_usage()).await;
    told.assert_ended("response.completed");
    let usage = &told.last()["response"]["usage"];
    assert!(usage["total_tokens"].as_u64().unwrap() > 0, "{usage}");
    assert!(told.note_codes().contains(&"usage-estimated"));
    for place in [UsagePlace::OwnChunk, UsagePlace::WithFinish, UsagePlace::EveryChunk] {
        let told = relayed(
            says()
                .text("x")
                .usage(Usage { cached: 4, reasoning: 2, ..Usage::new(11, 7) })
                .usage_in(place),
        )
        .await;
        let usage = &told.last()["response"]["usage"];
        assert_eq!((&usage["input_tokens"], &usage["total_tokens"]), (&json!(11), &json!(18)));
        assert_eq!(usage["input_tokens_details"]["cached_tokens"], 4);
        assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], 2);
    }
    for (reason, end) in [("length", "max_output_tokens"), ("content_filter", "content_filter")] {
        let told = relayed(says().text("x").finish(reason)).await;
        told.assert_ended("response.incomplete");
        assert_eq!(told.last()["response"]["incomplete_details"]["reason"], end);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Upstream::start(Script::always(says().text("trap"))).await;
    for status in [301, 302, 303, 307, 308] {
        let url = format!("{}/chat/completions", elsewhere.base_url());
        let error = fault(answers(status).header("location", &url), 502, "upstream_error").await;
        assert!(error["message"].as_str().unwrap().contains(&status.to_string()), "{error}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn interim_answers_are_skipped_and_odd_statuses_are_faults() {
    let stream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"after\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let head = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    assert_eq!(
        relayed(raw(format!("{head}{stream}"))).await.assert_ended("response.completed").text(),
        "after"
    );
    let upstream = Upstream::start(Script::always(raw(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    )))
    .await;
    let quire = Quire::before(&upstream).await;
    refused(quire.ask(&plain()).await, 502).await;
    fault(raw("HTTP/1.1 204 No Content\r\n\r\n"), 502, PROTOCOL).await;
    fault(raw("HTTP/1.1 304 Not Modified\r\n\r\n"), 502, "upstream_error").await;
    fault(answers(418).error("teapot", "short", "stout"), 400, "invalid_request").await;
    fault(answers(999), 502, "upstream_error").await;
}

#[tokio::test]
async fn huge_headers_of_an_upstream_hurt_nobody() {
    let mut many = says().text("fine");
    for number in 0..80 {
        many = many.header(&format!("x-many-{number}"), &"v".repeat(500));
    }
    assert_eq!(relayed(many).await.assert_ended("response.completed").text(), "fine");
    let mut flood = says().text("never");
    for number in 0..2000 {
        flood = flood.header(&format!("x-many-{number}"), "v");
    }
    fault(flood, 502, PROTOCOL).await;
    fault(says().text("never").header("x-large", &"v".repeat(2 << 20)), 502, PROTOCOL).await;
}

#[tokio::test]
async fn every_status_becomes_what_clients_act_on() {
    for (status, ours, code) in [
        (400, 400, "invalid_request"),
        (401, 401, "invalid_api_key"),
        (402, 429, "insufficient_quota"),
        (403, 403, "permission_denied"),
        (404, 404, "model_not_found"),
        (413, 413, "request_too_large"),
        (422, 400, "invalid_request"),
        (429, 429, "rate_limit_exceeded"),
        (500, 502, "upstream_error"),
        (502, 502, "upstream_error"),
        (409, 502, "upstream_error"),
        (423, 502, "upstream_error"),
        (425, 502, "upstream_error"),
        (503, 503, "server_is_overloaded"),
        (504, 504, "upstream_timeout"),
        (529, 503, "server_is_overloaded"),
    ] {
        let answer = match status {
            403 | 409 | 422 | 423 | 425 | 502 | 504 | 529 => {
                answers(status).error("some_error", "some_code", "some words")
            }
            _ => refuses(status),
        };
        let upstream = Upstream::start(Script::always(answer)).await;
        let quire = Quire::before(&upstream).await;
        let response = quire.ask(&plain()).await;
        let permanent = response.header("x-should-retry") == Some("false");
        let waits = response.header("retry-after").is_some();
        let error = refused(response, ours).await;
        assert_eq!(error["code"], code, "{status}: {error}");
        assert_eq!(error["upstream"]["status"], status, "{error}");
        assert_eq!(waits, code == "rate_limit_exceeded", "{status}");
        // Codex tries everything but a 400 again.
        let codex = quire.send(&ask(&plain()).header("originator", "codex_exec")).await;
        assert_eq!(codex.status() == 400, permanent, "{status}");
        let seen = if permanent { 400 } else { ours };
        refused(codex, seen).await;
        assert_eq!(upstream.requests().len(), 2, "{status}: nothing is retried");
    }
}

#[tokio::test]
async fn a_wait_that_is_named_in_words_only_is_kept() {
    for (words, wait) in [("Please try again in 20s.", "20"), ("try again in 1m1.5s", "62")] {
        let refusal = refuses(429).error("tokens", "rate_limit_exceeded", words);
        let upstream = Upstream::start(Script::always(refusal)).await;
        let quire = Quire::before(&upstream).await;
        let response = quire.ask(&plain()).await;
        assert_eq!(response.header("retry-after"), Some(wait), "{words}");
    }
}

#[tokio::test]
async fn retry_after_is_kept() {
    for (name, value, ours) in
        [("retry-after", "7", "7"), ("retry-after", "1.2", "2"), ("retry-after-ms", "2500", "3")]
    {
        for status in [429, 503] {
            let upstream =
                Upstream::start(Script::always(refuses(status).header(name, value))).await;
            let quire = Quire::before(&upstream).await;
            let response = quire.ask(&plain()).await;
            assert_eq!(response.header("retry-after"), Some(ours), "{name}: {value}");
            refused(response, status).await;
        }
    }
}

#[tokio::test]
async fn nobody_listening_is_an_upstream_that_cannot_be_reached() {
    let upstream = Upstream::start(Script::default()).await;
    let config = lab(&upstream);
    drop(upstream);
    let quire = Quire::start(&config).await;
    let error = refused(quire.ask(&plain()).await, 502).await;
    assert_eq!(error["code"], "upstream_unreachable");
    assert!(error["message"].as_str().unwrap().contains("127.0.0.1"), "{error}");
    quire.assert_alive().await;
}

#[tokio::test]
async fn kept_connections_are_used_again_and_stale_ones_are_replaced() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    for _ in 0..5 {
        assert_eq!(quire.ask(&whole()).await.status(), 200);
    }
    assert_eq!(upstream.connections(), 1, "whole answers share a connection");
    // A connection that the upstream closes behind its answer is not tried again.
    upstream.set_script(Script::always(says().text("x").over(line().close_after())));
    for _ in 0..3 {
        assert_eq!(quire.ask(&whole()).await.status(), 200);
    }
    assert_eq!(upstream.connections(), 3);
    // One that breaks when it is used again is replaced, once.
    upstream.set_script(Script::steps([
        says().text("x").into(),
        raw(Vec::new()),
        says().text("fresh").into(),
    ]));
    assert_eq!(quire.ask(&whole()).await.status(), 200);
    let answer = quire.ask(&whole()).await.json().await.unwrap();
    assert_eq!(answer["output"][0]["content"][0]["text"], "fresh");
    upstream.assert_done();
}

#[tokio::test]
async fn a_request_that_was_worked_on_is_not_sent_again() {
    let upstream = Upstream::start(Script::steps([
        says().text("x").into(),
        raw(Vec::new()).over(line().head_delay(Duration::from_millis(500))),
    ]))
    .await;
    let quire = Quire::before(&upstream).await;
    assert_eq!(quire.ask(&whole()).await.status(), 200);
    let error = refused(quire.ask(&whole()).await, 502).await;
    assert_eq!(error["code"], "upstream_cut");
    assert_eq!((upstream.requests().len(), upstream.connections()), (2, 1));
    // Nor is one whose reading was confirmed, however soon the connection ends.
    let upstream = Upstream::start(Script::steps([
        says().text("x").into(),
        raw("HTTP/1.1 102 Processing\r\n\r\n"),
    ]))
    .await;
    let quire = Quire::before(&upstream).await;
    assert_eq!(quire.ask(&whole()).await.status(), 200);
    refused(quire.ask(&whole()).await, 502).await;
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_request_that_kills_its_connections_is_not_sent_to_all_of_them() {
    let upstream =
        Upstream::start(Script::always(says().text("x").pause(Duration::from_millis(100)))).await;
    let quire = Quire::before(&upstream).await;
    let request = whole();
    let many = together((0..8).map(|_| quire.ask(&request))).await;
    assert!(many.iter().all(|response| response.status() == 200));
    let before = upstream.requests().len();
    upstream.set_script(Script::always(raw(Vec::new())));
    refused(quire.ask(&whole()).await, 502).await;
    let sent = upstream.requests().len() - before;
    assert!(sent <= 2, "sent {sent} times");
}

#[tokio::test]
async fn an_answer_in_a_coding_is_not_asked_for_and_is_named_where_it_comes_all_the_same() {
    let garbage = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xfe];
    for (status, told, code) in
        [(200, 502, "upstream_protocol_error"), (429, 429, "rate_limit_exceeded")]
    {
        let encoded = answers(status).header("content-encoding", "gzip").body(garbage);
        for body in [plain(), whole()] {
            let upstream = Upstream::start(Script::from(encoded.clone())).await;
            let quire = Quire::before(&upstream).await;
            let error = refused(quire.ask(&body).await, told).await;
            assert_eq!(error["code"], code);
            assert!(error["message"].as_str().unwrap().contains("encoded as `gzip`"), "{error}");
            assert_eq!(upstream.requests()[0].header("accept-encoding"), Some("identity"));
        }
    }
    let named = says().text("x").header("content-encoding", "Identity");
    let upstream = Upstream::start(Script::always(named)).await;
    let quire = Quire::before(&upstream).await;
    assert_eq!(quire.ask(&whole()).await.status(), 200);
}

#[tokio::test]
async fn streams_leave_their_connection_for_the_next() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    for _ in 0..20 {
        quire.stream(&plain()).await.assert_ended("response.completed");
    }
    let connections = upstream.connections();
    println!("20 streams used {connections} connections");
    let finished =
        upstream.requests().iter().filter(|r| matches!(r.ending, Ending::Finished(_))).count();
    assert!(finished >= 19, "{finished}");
}

#[tokio::test]
async fn an_end_that_comes_in_a_packet_of_its_own_does_not_cost_the_connection() {
    // The pause stands between `[DONE]` and the last chunk too.
    let late = line().split_every(1 << 20).gap(Duration::from_millis(5));
    let upstream = Upstream::start(Script::always(says().text("x").over(late))).await;
    let quire = Quire::before(&upstream).await;
    for _ in 0..5 {
        quire.stream(&plain()).await.assert_ended("response.completed");
        let ended = |r: &Recorded| matches!(r.ending, Ending::Finished(_));
        assert!(upstream.until(SOON, |upstream| upstream.requests().iter().all(ended)).await);
    }
    assert_eq!(upstream.connections(), 1);
    // One whose end does not come is not used again.
    upstream.set_script(Script::steps([
        says().text("x").bytes("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n").stall().into(),
        says().text("y").into(),
    ]));
    assert_eq!(quire.stream(&plain()).await.assert_ended("response.completed").text(), "x");
    assert_eq!(quire.stream(&plain()).await.assert_ended("response.completed").text(), "y");
    assert_eq!(upstream.connections(), 2);
    assert!(upstream.until(SOON, |upstream| upstream.open_streams() == 0).await);
}

#[tokio::test]
async fn nothing_of_an_upstream_s_head_reaches_the_client() {
    let answer = says()
        .text("x")
        .header("openai-model", "gpt-other")
        .header("x-models-etag", "etag")
        .header("x-codex-primary-used-percent", "99")
        .header("set-cookie", "session=1")
        .header("x-reasoning-included", "true")
        .header("openai-processing-ms", "5")
        .header("server", "secret-stack");
    let upstream = Upstream::start(Script::steps([
        answer.clone().into(),
        answer.into(),
        refuses(400).header("set-cookie", "a=b").header("x-codex-turn-state", "x").into(),
    ]))
    .await;
    let quire = Quire::before(&upstream).await;
    for request in [plain(), whole(), plain()] {
        let response = quire.ask(&request).await;
        let names: Vec<String> =
            response.headers().0.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        for name in &names {
            let ours = [
                "content-type",
                "content-length",
                "transfer-encoding",
                "cache-control",
                "date",
                "x-quire-request-id",
                // quire's own, under the name that SDKs look for.
                "x-request-id",
                "x-quire-notes",
                "x-should-retry",
            ];
            assert!(ours.contains(&name.as_str()), "{name}");
        }
    }
    upstream.assert_done();
}

#[tokio::test]
async fn nothing_of_a_client_s_head_reaches_the_upstream() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let request = ask(&plain())
        .bearer("the-clients-own")
        .header("chatgpt-account-id", "acct_1")
        .header("cookie", "session=1")
        .header("originator", "codex_exec")
        .header("session-id", "s1")
        .header("user-agent", "codex_exec/0.169.0")
        .header("x-api-key", "another")
        .header("x-codex-turn-metadata", "{}")
        .header("openai-beta", "responses=experimental")
        .header("x-forwarded-for", "10.0.0.1")
        .header("referer", "http://127.0.0.1/");
    told(quire.send(&request).await).await.assert_ended("response.completed");
    let seen = &upstream.requests()[0];
    let names: Vec<String> =
        seen.headers.0.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    for name in &names {
        assert!(
            [
                "content-type",
                "accept",
                "accept-encoding",
                "user-agent",
                "authorization",
                "host",
                "content-length"
            ]
            .contains(&name.as_str()),
            "{name}"
        );
    }
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {}", testkit::canary::API_KEY).as_str())
    );
    assert!(seen.header("user-agent").unwrap().starts_with("quire/"));
    assert_eq!(seen.header("host"), Some(upstream.address().to_string().as_str()));
    upstream.assert_no_refusals();
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_request_was_read_is_heard() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        for close in [false, true, true] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 1000];
            stream.read_exact(&mut head).await.unwrap();
            let answer = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 33\r\nconnection: close\r\n\r\n{\"error\":{\"message\":\"over 1 MB\"}}";
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
            if !close {
                // As a polite server does, it reads on for a while.
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap();
            }
        }
    });
    let config = format!("[providers.lab]\ndialect = \"chat\"\nbase_url = \"{url}\"\n");
    let quire = Quire::start(&config).await;
    let large = body(json!({"input": "x".repeat(8 << 20)}));
    let error = refused(quire.ask(&large).await, 413).await;
    assert_eq!(error["message"], "over 1 MB");
    // Where the server slams the door its words may be lost; the client is told something anyway.
    for _ in 0..2 {
        let response = quire.ask(&large).await;
        assert!([413, 502].contains(&response.status()), "{}", response.status());
    }
    server.await.unwrap();
    quire.assert_alive().await;
}

#[tokio::test]
async fn the_words_of_an_error_are_kept_though_they_break_off() {
    let words = "upstream says: too many cooks";
    for step in [
        answers(500).body(words).over(line().framing(Framing::Closed)),
        answers(500).body(format!("{words}{}", " and more".repeat(100_000))).into(),
        answers(500)
            .body(format!("{words} and more"))
            .over(line().cut_after_bytes(words.len(), End::Close)),
        answers(500).body(format!("{words} and more")).over(line().stall_after_bytes(words.len())),
    ] {
        let upstream = Upstream::start(Script::always(step)).await;
        let quire = Quire::before(&upstream).await;
        let error = refused(quire.ask(&plain()).await, 502).await;
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(words) && message.len() < 3000, "{error}");
    }
}

#[tokio::test]
async fn a_whole_answer_over_the_limit_is_given_up() {
    let mut huge =
        br#"{"choices":[{"index":0,"finish_reason":"stop","message":{"content":""#.to_vec();
    huge.resize(65 << 20, b'x');
    let upstream = Upstream::start(Script::always(answers(200).body(huge))).await;
    let quire = Quire::before(&upstream).await;
    let error = refused(quire.ask(&whole()).await, 502).await;
    assert_eq!(error["code"], PROTOCOL);
    assert!(upstream.until(SOON, |upstream| upstream.open_streams() == 0).await);
}

#[tokio::test]
async fn a_stream_without_end_is_ended_and_hurts_nobody_meanwhile() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 100];
        stream.read_exact(&mut head).await.unwrap();
        let begun = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n";
        stream.write_all(begun).await.unwrap();
        let mut noise = vec![b'x'; 1 << 20];
        noise[..2].copy_from_slice(b": ");
        *noise.last_mut().unwrap() = b'\n';
        let mut written = 0;
        while stream.write_all(&noise).await.is_ok() {
            written += 1;
        }
        written
    });
    let config = format!("[providers.lab]\ndialect = \"chat\"\nbase_url = \"{url}\"\n");
    let quire = Quire::start(&config).await;
    let endless = quire.ask(&plain()).await;
    quire.assert_alive().await;
    let told = told(endless).await;
    told.assert_failed("server_error");
    assert!(told.last()["response"]["error"]["message"].as_str().unwrap().contains("256 MiB"));
    let written = server.await.unwrap();
    assert!((250..300).contains(&written), "{written} MiB were taken");
}

#[tokio::test]
async fn a_refusal_is_text_for_codex_which_shows_nothing_else() {
    let upstream = Upstream::start(Script::always(says().refusal("I cannot help with that"))).await;
    let quire = Quire::before(&upstream).await;
    let part = |told: &Told| told.last()["response"]["output"][0]["content"][0].clone();
    let other = quire.stream(&plain()).await;
    assert_eq!(part(&other)["refusal"], "I cannot help with that");
    let request = ask(&plain()).header("originator", "codex_exec");
    let codex = told(quire.send(&request).await).await;
    assert_eq!(part(&codex)["text"], "I cannot help with that");
    assert_eq!(codex.last()["response"]["quire"]["notes"][0]["code"], "refusal-as-text");
}

#[tokio::test]
async fn what_was_filtered_is_a_failure_for_codex_which_asks_again_otherwise() {
    let upstream = Upstream::start(Script::always(says().text("x").finish("content_filter"))).await;
    let quire = Quire::before(&upstream).await;
    let request = ask(&plain()).header("originator", "codex_exec");
    let codex = told(quire.send(&request).await).await;
    codex.assert_ended("response.failed");
    assert_eq!(codex.last()["response"]["error"]["code"], "invalid_prompt");
}
