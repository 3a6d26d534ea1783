//! The upstream as a Responses server: what it serves, what it refuses, and that what it says is
//! right by the judge once it came through a socket.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::client::Client;
use testkit::judge::{responses_answer, responses_stream};
use testkit::script::{End, Script, line, refuses, says};
use testkit::strict::Profile;
use testkit::upstream::{Settings, Upstream};

const PATH: &str = "/v1/responses";

fn openai() -> Settings {
    Upstream::with().profile(Profile::OpenAiResponses)
}

fn body(stream: bool) -> Value {
    json!({"model": "mock-model", "stream": stream, "input": [{"role": "user", "content": "hi"}]})
}

#[tokio::test]
async fn a_stream_and_a_whole_answer_come_through_as_they_should() {
    let script = Script::always(says().reasoning("hm").text("hello").over(line().split_every(7)));
    let upstream = openai().start(script).await;
    let client = Client::new(upstream.address());
    let mut response = client.post(PATH, &body(true)).await.unwrap();
    assert_eq!(response.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let events = testkit::sse::parse(response.bytes().await.unwrap());
    let frames: Vec<(String, String)> =
        events.into_iter().map(|event| (event.name.unwrap_or_default(), event.data)).collect();
    assert_eq!(responses_stream(&frames), Ok(()));
    let whole = client.post(PATH, &body(false)).await.unwrap().json().await.unwrap();
    assert_eq!(responses_answer(&whole), Ok(()));
    assert_eq!(whole["output"][1]["content"][0]["text"], "hello");
    assert_eq!(upstream.completions().len(), 2);
    upstream.assert_no_refusals();
}

#[tokio::test]
async fn tokens_are_counted_beside_the_script() {
    let upstream = openai().start(says().text("only once")).await;
    let client = Client::new(upstream.address());
    let ask = json!({"model": "mock-model", "input": "hi"});
    let path = "/v1/responses/input_tokens";
    let count = client.post(path, &ask).await.unwrap().json().await.unwrap();
    assert_eq!(count["object"], "response.input_tokens");
    assert!(count["input_tokens"].as_u64().is_some_and(|tokens| tokens > 0));
    assert_eq!(client.post(path, &body(true)).await.unwrap().status(), 400);
    assert_eq!(upstream.refusals()[0].rule, "count-unknown-member");
    assert_eq!((upstream.counts().len(), upstream.steps_left()), (2, 1));
}

#[tokio::test]
async fn refusals_are_openais() {
    let upstream = openai().start(Script::default()).await;
    let client = Client::new(upstream.address());
    let mut chat = body(false);
    chat["messages"] = json!([]);
    let mut refused = client.post(PATH, &chat).await.unwrap();
    assert_eq!(refused.status(), 400);
    let error = refused.json().await.unwrap()["error"].take();
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("unsupported_parameter"), &json!("messages"))
    );
    let gone = json!({"model": "m", "input": [{"type": "reasoning", "id": "rs_1", "summary": []},
        {"role": "assistant", "content": "x"}]});
    let mut missing = client.post(PATH, &gone).await.unwrap();
    assert_eq!(missing.status(), 404);
    let words = missing.json().await.unwrap()["error"]["message"].take();
    assert!(
        words.as_str().is_some_and(|words| words.starts_with("Item with id 'rs_1' not found."))
    );
    assert_eq!(client.post("/v1/chat/completions", &chat).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_turn_can_go_on_from_the_one_before() {
    let upstream = openai()
        .start([says().call("call_1", "f", json!({"a": 1})).into(), says().text("done").into()])
        .await;
    let client = Client::new(upstream.address());
    let first = client.post(PATH, &body(false)).await.unwrap().json().await.unwrap();
    let next = json!({"model": "m", "previous_response_id": first["id"], "input": [
        {"type": "function_call_output", "call_id": "call_1", "output": "1"}]});
    let second = client.post(PATH, &next).await.unwrap().json().await.unwrap();
    assert_eq!(second["previous_response_id"], first["id"]);
    assert_eq!(second["output"][0]["content"][0]["text"], "done");
    upstream.assert_done();
}

#[tokio::test]
async fn failures_come_before_and_inside_a_stream() {
    let upstream = openai()
        .start([
            refuses(429).header("retry-after", "1").into(),
            says().text("a").error("server_error", "server_is_overloaded", "busy").into(),
            says().text("abcdef").delta(1).over(line().cut_after_events(6, End::Reset)),
            says().text("a").stall().into(),
        ])
        .await;
    let client = Client::new(upstream.address());
    assert_eq!(client.post(PATH, &body(true)).await.unwrap().status(), 429);
    let failed = client.post(PATH, &body(true)).await.unwrap().bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&failed).contains("event: response.failed"));
    let mut cut = client.post(PATH, &body(true)).await.unwrap().events();
    assert!(cut.rest().await.1.is_some());
    let stalled = client.post(PATH, &body(true)).await.unwrap();
    assert_eq!(upstream.open_streams(), 1);
    drop(stalled);
    assert!(upstream.until(Duration::from_secs(20), |up| up.open_streams() == 0).await);
    upstream.assert_done();
}
