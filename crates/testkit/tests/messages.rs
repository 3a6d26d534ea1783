//! The upstream as a Messages server: its paths, keys and shapes, and what scripts say on it.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::Dialect;
use testkit::client::{Client, Request, Response};
use testkit::judge;
use testkit::script::{End, Script, Usage, answers, counts, line, refuses, says};
use testkit::sse;
use testkit::strict::Profile;
use testkit::upstream::{Settings, Upstream};

const PATH: &str = "/v1/messages";

fn anthropic() -> Settings {
    Upstream::with().profile(Profile::Anthropic)
}

fn body(stream: bool) -> Value {
    json!({"model": "m", "max_tokens": 64, "stream": stream,
        "messages": [{"role": "user", "content": "hi"}]})
}

fn request(path: &str, body: &Value) -> Request {
    Request::post(path).json(body).header("anthropic-version", "2023-06-01")
}

async fn send(upstream: &Upstream, request: &Request) -> Response {
    Client::new(upstream.address()).send(request).await.expect("it answers")
}

#[tokio::test]
async fn a_streamed_answer_is_named_and_ends_and_a_whole_one_says_the_same() {
    let says = says().reasoning("hm").text("hello").call("toolu_1", "f", json!({"a": 1}));
    let upstream = anthropic().start(Script::always(says)).await;
    let mut streamed = send(&upstream, &request("/v1/messages?beta=true", &body(true))).await;
    assert_eq!(streamed.status(), 200);
    assert_eq!(streamed.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(streamed.header("request-id"), Some("req_0"));
    let frames = judge::frames(streamed.bytes().await.unwrap());
    judge::messages_stream(&frames).unwrap();
    let whole = send(&upstream, &request(PATH, &body(false))).await.json().await.unwrap();
    judge::messages_answer(&whole).unwrap();
    judge::messages_same(&frames, &whole).unwrap();
    assert_eq!(upstream.completions().len(), 2);
    upstream.assert_no_refusals();
}

#[tokio::test]
async fn tokens_are_counted_by_the_script_or_by_bytes() {
    let upstream = anthropic().start(Script::default()).await;
    let path = "/v1/messages/count_tokens?beta=true";
    let ask = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let count = send(&upstream, &request(path, &ask)).await.json().await.unwrap();
    assert_eq!(count, json!({"input_tokens": ask.to_string().len() / 4}));
    upstream.set_script(Script::default().counting(|request| {
        if request.contains("many") { refuses(404).into() } else { counts(42).into() }
    }));
    let count = send(&upstream, &request(path, &ask)).await.json().await.unwrap();
    assert_eq!(count, json!({"input_tokens": 42}));
    let many = json!({"model": "m", "messages": [{"role": "user", "content": "many"}]});
    assert_eq!(send(&upstream, &request(path, &many)).await.status(), 404);
    assert_eq!(send(&upstream, &request(path, &body(false))).await.status(), 400);
    assert_eq!(upstream.counts().len(), 4);
    assert_eq!(upstream.refusals()[0].rule, "anthropic-count-unknown-member");
}

#[tokio::test]
async fn other_paths_are_refused_in_the_dialects_shape() {
    let upstream = anthropic().start(Script::always(says())).await;
    for path in ["/v1/chat/completions", "/v1/responses", "/v1/complete"] {
        let mut refused = send(&upstream, &request(path, &body(false))).await;
        assert_eq!(refused.status(), 404);
        let body = refused.json().await.unwrap();
        assert_eq!(body["error"]["type"], "not_found_error", "{path}");
        judge::error_body(Dialect::Messages, 404, &body).unwrap();
    }
    let rules: Vec<&str> = upstream.refusals().iter().map(|refusal| refusal.rule).collect();
    assert_eq!(rules, ["path-unknown"; 3]);
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| upstream.assert_done()));
    assert!(told.is_err());
}

#[tokio::test]
async fn each_dialect_has_its_own_paths() {
    let every = [Dialect::Chat, Dialect::Responses, Dialect::Messages];
    for dialect in every {
        let profile = Profile::strictest(dialect);
        let upstream = Upstream::with().profile(profile).start(Script::always(says())).await;
        assert_eq!(upstream.dialect(), dialect);
        for path in every.map(Dialect::path) {
            let status = send(&upstream, &request(path, &json!({}))).await.status();
            let is_own = path == dialect.path();
            assert_eq!(status != 404, is_own, "{path} at {}: {status}", dialect.name());
        }
    }
}

#[tokio::test]
async fn a_key_comes_as_a_bearer_or_as_a_key() {
    let upstream = anthropic().key("k").start(Script::always(says().text("in"))).await;
    let ask = request(PATH, &body(false));
    for (request, status) in [
        (ask.clone(), 401),
        (ask.clone().header("x-api-key", "x"), 401),
        (ask.clone().bearer("x"), 401),
        (ask.clone().header("x-api-key", "k"), 200),
        (ask.bearer("k"), 200),
    ] {
        let mut response = send(&upstream, &request).await;
        assert_eq!(response.status(), status);
        if status == 401 {
            let body = response.json().await.unwrap();
            assert_eq!(body["error"]["type"], "authentication_error");
        }
    }
}

#[tokio::test]
async fn heads_are_checked() {
    let upstream = anthropic().start(Script::always(says())).await;
    let unversioned = Request::post(PATH).json(&body(false));
    let mut refused = send(&upstream, &unversioned).await;
    assert_eq!(refused.status(), 400);
    let told = refused.json().await.unwrap();
    assert_eq!(told["error"]["message"], "anthropic-version: header is required");
    let mut edits = body(false);
    edits["context_management"] = json!({"edits": []});
    assert_eq!(send(&upstream, &request(PATH, &edits)).await.status(), 400);
    let with_beta = request(PATH, &edits).header("anthropic-beta", "context-management-2025-06-27");
    assert_eq!(send(&upstream, &with_beta).await.status(), 200);
    let large = request(PATH, &json!(0)).body(vec![b'x'; 33 << 20]);
    assert_eq!(send(&upstream, &large).await.status(), 413);
    let rules: Vec<&str> = upstream.refusals().iter().map(|refusal| refusal.rule).collect();
    assert_eq!(rules, ["head-version", "anthropic-beta-member", "head-too-large"]);
}

#[tokio::test]
async fn errors_of_a_script_have_anthropics_shape() {
    let upstream = anthropic()
        .start([
            refuses(529).header("retry-after", "2").into(),
            answers(429).error("rate_limit_error", "", "slow down").into(),
            says().text("a").error("overloaded_error", "", "Overloaded").text("b").into(),
        ])
        .await;
    let ask = request(PATH, &body(true));
    let mut overloaded = send(&upstream, &ask).await;
    assert_eq!((overloaded.status(), overloaded.header("retry-after")), (529, Some("2")));
    assert_eq!(
        overloaded.json().await.unwrap(),
        json!({"type": "error", "request_id": "req_0",
            "error": {"type": "overloaded_error", "message": "Overloaded"}})
    );
    let limited = send(&upstream, &ask).await.json().await.unwrap();
    assert_eq!(limited["error"], json!({"type": "rate_limit_error", "message": "slow down"}));
    let events = sse::parse(send(&upstream, &ask).await.bytes().await.unwrap());
    let last = events.last().unwrap();
    assert_eq!(last.name.as_deref(), Some("error"));
    assert!(!events.iter().any(|event| event.data.contains("\"b\"")));
    upstream.assert_done();
}

#[tokio::test]
async fn cuts_and_counts_are_as_the_script_says() {
    let usage = Usage { cached: 30, ..Usage::new(100, 9) };
    let upstream = anthropic()
        .start([
            says().text("some text").over(line().cut_after_events(4, End::Close)),
            says().text("ok").usage(usage).cache_written(20).into(),
        ])
        .await;
    let ask = request(PATH, &body(true));
    let (events, error) = send(&upstream, &ask).await.events().rest().await;
    assert_eq!(events.len(), 4);
    assert!(error.is_some());
    let whole = send(&upstream, &request(PATH, &body(false))).await.json().await.unwrap();
    assert_eq!(
        whole["usage"],
        json!({"input_tokens": 50, "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 30, "output_tokens": 9})
    );
    assert!(upstream.until(Duration::from_secs(5), |up| up.open_streams() == 0).await);
    upstream.assert_done();
}

#[tokio::test]
async fn the_list_of_models_has_anthropics_shape() {
    let upstream = anthropic().models(["a", "b"]).start(Script::default()).await;
    let list = Client::new(upstream.address()).get("/v1/models").await.unwrap();
    let list = { list }.json().await.unwrap();
    assert_eq!((&list["first_id"], &list["has_more"]), (&json!("a"), &json!(false)));
    assert_eq!(list["data"][1]["type"], "model");
    let mut unknown = send(&upstream, &request(PATH, &body(false))).await;
    assert_eq!(unknown.status(), 404);
    let told = unknown.json().await.unwrap();
    assert_eq!(told["error"], json!({"type": "not_found_error", "message": "model: m"}));
}
