//! The scripted upstream, seen by the raw client: what scripts say arrives, cuts cut, splits split.

use std::io::ErrorKind;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::client::{Client, Request, Response};
use testkit::script::{
    End, Framing, Script, Step, answers, html, line, raw, refuses, replays, says, silence,
};
use testkit::sse;
use testkit::upstream::{Ending, Upstream};

const PATH: &str = "/v1/chat/completions";
const SOON: Duration = Duration::from_secs(10);

fn body(stream: bool) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream})
}

async fn ask(upstream: &Upstream, stream: bool) -> Response {
    Client::new(upstream.address()).post(PATH, &body(stream)).await.expect("it answers")
}

/// The content of a streamed answer.
fn content(stream: &[u8]) -> String {
    let chunks = sse::json(stream);
    let deltas = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["content"]);
    deltas.filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn a_streamed_answer_comes_as_events_and_a_whole_one_as_an_object() {
    let upstream = Upstream::start(Script::always(says().text("hello there, world"))).await;
    let mut response = ask(&upstream, true).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let bytes = response.bytes().await.unwrap();
    assert_eq!(content(&bytes), "hello there, world");
    assert_eq!(sse::parse(&bytes).last().unwrap().data, "[DONE]");
    let whole = ask(&upstream, false).await.json().await.unwrap();
    assert_eq!(whole["choices"][0]["message"]["content"], "hello there, world");
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    upstream.assert_done();
}

#[tokio::test]
async fn steps_answer_in_order_on_one_kept_connection() {
    let upstream = Upstream::start([
        refuses(429).header("retry-after", "2").into(),
        says().text("second").into(),
    ])
    .await;
    let client = Client::new(upstream.address());
    let request = Request::post(PATH).json(&body(true));
    let mut connection = client.connect().await.unwrap();
    connection.request(&request).await.unwrap();
    let mut first = connection.response().await.unwrap();
    assert_eq!((first.status(), first.header("retry-after")), (429, Some("2")));
    assert_eq!(first.json().await.unwrap()["error"]["code"], "rate_limit_exceeded");
    let mut connection = first.into_connection();
    connection.request(&request).await.unwrap();
    let mut second = connection.response().await.unwrap();
    assert_eq!(content(&second.bytes().await.unwrap()), "second");
    let connections: Vec<usize> = upstream.requests().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [1, 1]);
    upstream.assert_done();
}

#[tokio::test]
async fn requests_in_any_order_are_told_apart_by_their_bodies() {
    let script = Script::default()
        .when(|request| request.contains("child"), says().text("I am the child"))
        .whenever(|request| request.roles() == ["user"], says().text("I am the parent"));
    let upstream = Upstream::start(script).await;
    let client = Client::new(upstream.address());
    for (prompt, answer) in
        [("parent", "I am the parent"), ("child", "I am the child"), ("child", "I am the parent")]
    {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": prompt}]});
        let whole = client.post(PATH, &body).await.unwrap().json().await.unwrap();
        assert_eq!(whole["choices"][0]["message"]["content"], answer);
    }
}

#[tokio::test]
async fn a_closure_chooses_by_request() {
    let script = Script::choose(|request| says().text(format!("no. {}", request.number)).into());
    let upstream = Upstream::start(script).await;
    for number in 0..3 {
        let bytes = ask(&upstream, true).await.bytes().await.unwrap();
        assert_eq!(content(&bytes), format!("no. {number}"));
    }
}

#[tokio::test]
async fn a_request_beyond_the_script_is_a_trouble() {
    let upstream = Upstream::start(Script::default()).await;
    assert_eq!(ask(&upstream, true).await.status(), 500);
    assert_eq!(upstream.troubles(), ["the script has no step for request 0"]);
}

#[tokio::test]
async fn a_refused_request_uses_no_step_and_is_recorded() {
    let upstream = Upstream::start(says().text("good")).await;
    let client = Client::new(upstream.address());
    let mut refused = client.post(PATH, &json!({"model": "m"})).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(
        refused.json().await.unwrap(),
        json!({"error": {"message": "Missing required parameter: 'messages'.",
            "type": "invalid_request_error", "param": "messages",
            "code": "missing_required_parameter"}})
    );
    assert_eq!(upstream.refusals()[0].rule, "messages-missing");
    assert_eq!(ask(&upstream, true).await.status(), 200);
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| upstream.assert_done()));
    assert!(told.is_err());
}

#[tokio::test]
async fn heads_are_checked_too() {
    let upstream = Upstream::start(Script::always(says())).await;
    let client = Client::new(upstream.address());
    let text = body(true).to_string();
    let plain = Request::post(PATH).body(text.clone()).header("content-type", "text/plain");
    let zipped = Request::post(PATH).json(&body(true)).header("content-encoding", "zstd");
    let told = Request::post(PATH).json(&body(true)).header("ChatGPT-Account-Id", "x");
    let twice = Request::post(PATH).json(&body(true)).bearer("a").bearer("b");
    let broken = Request::post(PATH).header("content-type", "application/json").body("{");
    for request in [plain, zipped, told, twice, broken] {
        assert!(client.send(&request).await.unwrap().status() >= 400);
    }
    let rules: Vec<&str> = upstream.refusals().iter().map(|refusal| refusal.rule).collect();
    assert_eq!(
        rules,
        [
            "head-content-type",
            "head-content-encoding",
            "head-private-header",
            "head-two-authorizations",
            "body-not-json"
        ]
    );
}

#[tokio::test]
async fn a_wrong_key_gets_openais_401_and_a_right_one_passes() {
    let upstream = Upstream::with().key("k").start(Script::always(says().text("in"))).await;
    let client = Client::new(upstream.address());
    let request = Request::post(PATH).json(&body(false));
    let mut refused = client.send(&request.clone().bearer("x")).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json().await.unwrap()["error"]["code"], "invalid_api_key");
    assert_eq!(client.send(&request).await.unwrap().status(), 401);
    assert_eq!(client.send(&request.bearer("k")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn other_routes_and_models() {
    let upstream = Upstream::with().models(["a", "b"]).start(Script::default()).await;
    let client = Client::new(upstream.address());
    let models = client.get("/v1/models").await.unwrap().json().await.unwrap();
    assert_eq!(models["data"][1]["id"], "b");
    assert_eq!(client.get("/v1/responses").await.unwrap().status(), 404);
    let mut unknown = client.post(PATH, &body(true)).await.unwrap();
    assert_eq!(unknown.status(), 404);
    assert_eq!(unknown.json().await.unwrap()["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn every_byte_can_be_a_write_of_its_own() {
    let step = says().text("é😀").over(line().split_every(1).gap(Duration::from_millis(1)));
    let upstream = Upstream::start(step).await;
    let mut response = ask(&upstream, true).await;
    let mut reads = 0;
    let mut whole = Vec::new();
    while let Some(part) = response.part().await.unwrap() {
        reads += 1;
        whole.extend(part);
    }
    assert_eq!(content(&whole), "é😀");
    // A busy machine may join some; most must stay apart.
    assert!(reads > whole.len() / 4, "{reads} reads for {} bytes", whole.len());
}

#[tokio::test]
async fn a_cut_after_bytes_lets_through_exactly_so_many() {
    for framing in [Framing::Chunked, Framing::Counted, Framing::Closed] {
        for end in [End::Close, End::Reset] {
            let step =
                says().text("some text").over(line().framing(framing).cut_after_bytes(100, end));
            let upstream = Upstream::start(step).await;
            let mut events = ask(&upstream, true).await.events();
            let (_, error) = events.rest().await;
            assert_eq!(events.raw().len(), 100, "{framing:?} {end:?}");
            match (framing, end) {
                // Nothing but the missing end of the event tells of this cut.
                (Framing::Closed, End::Close) => assert!(error.is_none()),
                (_, End::Close) => assert_eq!(error.unwrap().kind(), ErrorKind::UnexpectedEof),
                (_, End::Reset) => assert_eq!(error.unwrap().kind(), ErrorKind::ConnectionReset),
            }
            let cut = |up: &Upstream| matches!(up.requests()[0].ending, Ending::Cut(_));
            assert!(upstream.until(SOON, cut).await);
        }
    }
}

#[tokio::test]
async fn a_cut_after_events_ends_between_them() {
    let step = says().text("abc").delta(1).over(line().cut_after_events(3, End::Close));
    let upstream = Upstream::start(step).await;
    let (events, error) = ask(&upstream, true).await.events().rest().await;
    assert_eq!(events.len(), 3);
    assert_eq!(error.unwrap().kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_cut_inside_the_script_ends_there() {
    let upstream = Upstream::start([
        says().text("a").cut(End::Close).text("b").into(),
        says().text("ab").cut(End::Reset).into(),
    ])
    .await;
    let mut events = ask(&upstream, true).await.events();
    assert!(events.rest().await.1.is_some());
    assert_eq!(content(events.raw()), "a");
    let mut whole = ask(&upstream, false).await;
    assert!(whole.bytes().await.is_err());
}

#[tokio::test]
async fn a_stalled_answer_stays_open_until_the_client_leaves() {
    let stalls: [Step; 4] = [
        says().text("a").stall().into(),
        says().text("a").over(line().stall_after_events(1)),
        says().text("a").over(line().stall_after_bytes(10)),
        says().text("a").over(line().head_delay(Duration::from_secs(3600))),
    ];
    let upstream = Upstream::start(Vec::from(stalls)).await;
    for number in 0..4 {
        let client = Client::new(upstream.address());
        let mut connection = client.connect().await.unwrap();
        connection.request(&Request::post(PATH).json(&body(true))).await.unwrap();
        assert!(upstream.until(SOON, |up| up.requests().len() > number).await);
        assert_eq!(upstream.open_streams(), 1);
        assert_eq!(upstream.requests()[number].closed(), None);
        drop(connection);
        assert!(upstream.until(SOON, |up| up.requests()[number].closed().is_some()).await);
        assert_eq!(upstream.open_streams(), 0);
    }
}

#[tokio::test]
async fn a_client_that_leaves_mid_stream_is_noticed() {
    let step = says().text("x".repeat(10_000)).delta(1);
    let upstream = Upstream::start(step.over(line().pace(Duration::from_millis(5)))).await;
    let mut events = ask(&upstream, true).await.events();
    events.next().await.unwrap().unwrap();
    events.into_response().reset().unwrap();
    assert!(upstream.until(SOON, |up| up.requests()[0].closed().is_some()).await);
}

#[tokio::test]
async fn events_come_at_their_pace_and_after_the_head() {
    let pace = Duration::from_millis(20);
    let upstream = Upstream::start(says().text("abc").delta(1).over(line().pace(pace))).await;
    let (events, _) = ask(&upstream, true).await.events().rest().await;
    assert!(events.last().unwrap().at - events[0].at >= pace * 4);
}

#[tokio::test]
async fn line_ends_comments_and_garbage_pass_as_written() {
    let step = says().comment("keep-alive").text("a").bytes("data: {broken\n\n").without_done();
    let upstream = Upstream::start(step.over(line().crlf())).await;
    let mut events = ask(&upstream, true).await.events();
    let (got, error) = events.rest().await;
    assert!(error.is_none());
    assert_eq!(events.comments()[0].0, "keep-alive");
    assert!(events.raw().starts_with(b": keep-alive\r\n\r\n"));
    assert!(got.iter().any(|arrived| arrived.event.data == "{broken"));
    assert!(got.iter().all(|arrived| arrived.event.data != "[DONE]"));
}

#[tokio::test]
async fn whole_http_answers_are_sent_as_given() {
    let upstream = Upstream::start([
        html(502).into(),
        replays("data: {\"a\":1}\n\n").into(),
        answers(200).body("not json").into(),
        raw("HTTP/1.1 418 Teapot\r\ncontent-length: 2\r\n\r\nhi"),
        raw("SSH-2.0-nothing\r\n"),
    ])
    .await;
    let mut page = ask(&upstream, true).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().await.unwrap().contains("<html>"));
    assert_eq!(sse::json(ask(&upstream, true).await.bytes().await.unwrap()), [json!({"a": 1})]);
    assert!(ask(&upstream, true).await.json().await.is_err());
    let mut teapot = ask(&upstream, true).await;
    assert_eq!((teapot.status(), teapot.text().await.unwrap().as_str()), (418, "hi"));
    assert!(Client::new(upstream.address()).post(PATH, &body(true)).await.is_err());
}

#[tokio::test]
async fn a_megabyte_in_one_delta_arrives() {
    let text = "0123456789abcdef".repeat(65_536);
    let upstream = Upstream::start(says().text(&text).delta(0)).await;
    assert_eq!(content(&ask(&upstream, true).await.bytes().await.unwrap()), text);
}

#[tokio::test]
async fn half_a_request_is_a_trouble() {
    let upstream = Upstream::start(Script::always(says())).await;
    let client = Client::new(upstream.address());
    let bytes = Request::post(PATH).json(&body(true)).to_bytes(upstream.address());
    let mut connection = client.connect().await.unwrap();
    connection.write(&bytes[..bytes.len() - 5]).await.unwrap();
    drop(connection);
    assert!(upstream.until(SOON, |up| !up.troubles().is_empty()).await);
}

#[tokio::test]
async fn a_kept_connection_that_is_reset_is_no_trouble() {
    let upstream = Upstream::start(says().text("ok")).await;
    let mut response = ask(&upstream, true).await;
    response.bytes().await.unwrap();
    response.reset().unwrap();
    assert_eq!(ask(&upstream, true).await.status(), 500);
    assert_eq!(upstream.troubles(), ["the script has no step for request 1"]);
}

#[tokio::test]
async fn a_slow_sender_is_understood() {
    let upstream = Upstream::start(says().text("ok")).await;
    let bytes = Request::post(PATH).json(&body(false)).to_bytes(upstream.address());
    let mut connection = Client::new(upstream.address()).connect().await.unwrap();
    connection.write_slowly(&bytes, 40, Duration::from_millis(2)).await.unwrap();
    assert_eq!(connection.response().await.unwrap().status(), 200);
}

#[tokio::test]
async fn dropping_the_upstream_closes_everything() {
    let upstream = Upstream::start(silence()).await;
    let address = upstream.address();
    let mut connection = Client::new(address).connect().await.unwrap();
    connection.request(&Request::post(PATH).json(&body(true))).await.unwrap();
    assert!(upstream.until(SOON, |up| up.open_streams() == 1).await);
    drop(upstream);
    assert!(connection.response().await.is_err());
    let gone = async {
        while Client::new(address).connect().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, gone).await.unwrap();
}
