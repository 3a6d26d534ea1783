//! A client that sends one request again and again, each time after its answer, is in a loop that
//! somebody pays for. Whatever else looks like it is none.

use serde_json::json;
use testkit::client::{Request, Response};
use testkit::judge::Dialect;
use testkit::script::{Script, line, refuses, says};
use testkit::upstream::Upstream;

use crate::dialects::{post, refused, request, strict, whole};
use crate::stage::{Quire, lab, together};

/// A gateway with the guard as it is by default.
async fn guarded(upstream: &Upstream) -> Quire {
    Quire::start(&format!("[server]\nallowed_hosts = []\n{}", lab(upstream))).await
}

/// Sends a request so many times, one after the other.
async fn repeat(quire: &Quire, asks: &Request, times: usize) {
    for _ in 0..times {
        finish(quire.send(asks).await).await;
    }
}

async fn finish(mut response: Response) {
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap();
}

#[tokio::test]
async fn the_eleventh_of_the_same_is_refused_in_the_callers_shape() {
    for dialect in Dialect::ALL {
        for other in Dialect::ALL {
            let upstream = strict(other, Script::always(says().text("x"))).await;
            let quire = guarded(&upstream).await;
            for stream in [true, false] {
                let asks = post(dialect, &request(dialect, json!({"stream": stream})));
                repeat(&quire, &asks, 10).await;
                let response = quire.send(&asks).await;
                let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=10).contains(&wait), "{wait}");
                assert_eq!(response.header("x-should-retry"), None);
                let error = refused(dialect, response, 429).await;
                assert_eq!(error["code"], "rate_limit_exceeded");
                assert!(error["message"].as_str().unwrap().contains("repeat_limit"), "{error}");
            }
            assert_eq!(upstream.requests().len(), 20);
            let rows = quire.rows(22).await;
            assert_eq!(
                (&rows[0]["status"], &rows[0]["fault_kind"]),
                (&json!(429), &json!("rate-limited"))
            );
        }
    }
}

#[tokio::test]
async fn failed_answers_count_as_well() {
    let upstream = strict(Dialect::Messages, Script::always(refuses(500))).await;
    let quire = guarded(&upstream).await;
    let asks = post(Dialect::Messages, &whole(Dialect::Messages));
    for _ in 0..10 {
        refused(Dialect::Messages, quire.send(&asks).await, 502).await;
    }
    refused(Dialect::Messages, quire.send(&asks).await, 429).await;
}

#[tokio::test]
async fn other_bodies_sessions_and_keys_are_others() {
    let upstream = strict(Dialect::Chat, Script::always(says().text("x"))).await;
    let quire = guarded(&upstream).await;
    let body = |said: &str| {
        request(
            Dialect::Chat,
            json!({"stream": false, "messages": [{"role": "user", "content": said}]}),
        )
    };
    let asks = post(Dialect::Chat, &body("hi"));
    repeat(&quire, &asks, 10).await;
    refused(Dialect::Chat, quire.send(&asks).await, 429).await;
    finish(quire.send(&post(Dialect::Chat, &body("hello"))).await).await;
    finish(quire.send(&asks.clone().header("x-session-id", "another")).await).await;
    // One that differs where nobody would look first.
    let long = |at: usize| {
        let mut text = "x".repeat(20_000);
        text.replace_range(at..at + 1, "y");
        post(Dialect::Chat, &body(&text))
    };
    for at in 0..15 {
        finish(quire.send(&long(5_000 + at)).await).await;
    }
    // And the first is still refused, as long as it goes on.
    refused(Dialect::Chat, quire.send(&asks).await, 429).await;
}

#[tokio::test]
async fn what_runs_side_by_side_is_no_loop() {
    let slow = says().text("abc").delta(1).over(line().pace(std::time::Duration::from_millis(50)));
    let upstream = strict(Dialect::Chat, Script::always(slow)).await;
    let quire = guarded(&upstream).await;
    let asks = post(Dialect::Responses, &request(Dialect::Responses, json!({})));
    let all = together((0..30).map(|_| quire.send(&asks))).await;
    assert!(all.iter().all(|response| response.status() == 200));
    together(all.into_iter().map(finish)).await;
    refused(Dialect::Responses, quire.send(&asks).await, 429).await;
}

#[tokio::test]
async fn the_guard_can_be_set_and_switched_off() {
    let upstream = strict(Dialect::Chat, Script::always(says().text("x"))).await;
    let asks = post(Dialect::Chat, &whole(Dialect::Chat));
    let quire = Quire::start(&format!("[server]\nrepeat_limit = 0\n{}", lab(&upstream))).await;
    repeat(&quire, &asks, 25).await;
    let quire = Quire::start(&format!("[server]\nrepeat_limit = 2\n{}", lab(&upstream))).await;
    repeat(&quire, &asks, 2).await;
    refused(Dialect::Chat, quire.send(&asks).await, 429).await;
}

#[tokio::test]
async fn counting_again_and_again_is_what_clients_do() {
    let body = json!({"model": "lab/mock-model", "messages": [{"role": "user", "content": "hi"}]});
    for dialect in [Dialect::Messages, Dialect::Chat] {
        let upstream = strict(dialect, Script::default()).await;
        let quire = guarded(&upstream).await;
        repeat(&quire, &Request::post("/v1/messages/count_tokens").json(&body), 15).await;
    }
}
