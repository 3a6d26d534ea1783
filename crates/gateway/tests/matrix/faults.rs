//! What goes wrong with the upstream, told to each client in its own shape: before the answer, in
//! the middle of it, and when the connection breaks. And ids, which no two answers share.

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::Dialect;
use testkit::client::Response;
use testkit::judge;
use testkit::script::{Script, Step, refuses};

use crate::client::{Client, Heard};
use crate::play::{MODEL, Pair};
use crate::scene::{Add, Asks, Ends, Finish, Piece, speech};

const WORDS: &str = "the harbour is closed until noon";

async fn ask(pair: &Pair, step: impl Into<Step>, stream: bool) -> (Client, Response) {
    pair.upstream.set_script(Script::always(step));
    let mut client = Client::new(pair.client, &Asks::default(), MODEL);
    client.add(&Add::User(vec![Piece::Text("Hello.".to_owned())]));
    let response = pair.quire.send(&client.request(stream)).await;
    (client, response)
}

/// Reads an answer that must be an error of this status in the client's own shape, with the
/// upstream's words.
///
/// Claude Code takes the words of an overloaded upstream from 529 alone.
async fn refused(pair: &Pair, mut response: Response, status: u16, words: &str) -> Value {
    let status = match (pair.client, status) {
        (Dialect::Messages, 503) => 529,
        (_, status) => status,
    };
    let text = response.text().await.expect("a body");
    assert_eq!(response.status(), status, "{text}");
    assert!(response.header("x-quire-request-id").is_some(), "no id: {text}");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    if let Err(complaints) = judge::error_body(pair.client, status, &body) {
        panic!("{complaints:?}\n{body:#}");
    }
    let message = body["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(words), "{message}");
    body["error"].clone()
}

/// The type of error that Anthropic has for a status.
fn anthropic(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        _ => "invalid_request_error",
    }
}

/// The code that OpenAI's clients act on.
fn openai(status: u16) -> &'static str {
    match status {
        401 => "invalid_api_key",
        429 => "rate_limit_exceeded",
        503 => "server_is_overloaded",
        _ => "invalid_request",
    }
}

/// Each error before the answer keeps its status, its words and what it says of another try.
pub(crate) async fn errors_before_the_answer(pair: &Pair) {
    for (status, kind, code) in [
        (400, "invalid_request_error", "invalid_value"),
        (401, "authentication_error", "invalid_api_key"),
        (429, "requests", "rate_limit_exceeded"),
        (503, "server_error", "server_is_overloaded"),
    ] {
        let kind =
            if pair.upstream.dialect() == Dialect::Messages { anthropic(status) } else { kind };
        let mut step = refuses(status).error(kind, code, WORDS);
        if status == 429 {
            step = step.header("retry-after", "7");
        }
        for stream in [true, false] {
            let (_, response) = ask(pair, step.clone(), stream).await;
            let after = response.header("retry-after").map(str::to_owned);
            let retry = response.header("x-should-retry").map(str::to_owned);
            let error = refused(pair, response, status, WORDS).await;
            assert_eq!(after.as_deref(), (status == 429).then_some("7"), "{error}");
            let is_final = retry.as_deref() == Some("false");
            assert_eq!(is_final, matches!(status, 400 | 401), "{status}: {retry:?}");
            if pair.client == Dialect::Messages {
                assert_eq!(error["type"], anthropic(status), "{error}");
            } else {
                assert_eq!(error["code"], openai(status), "{error}");
            }
            assert_eq!(error["upstream"]["status"], status, "{error}");
            assert_eq!(error["upstream"]["type"], kind, "{error}");
        }
    }
}

/// An error in the middle keeps what came before it, and ends the answer with its words.
pub(crate) async fn errors_in_the_answer(pair: &Pair) {
    let is_messages = pair.upstream.dialect() == Dialect::Messages;
    let kind = if is_messages { "overloaded_error" } else { "server_error" };
    let says = speech()
        .text("Half of an answer")
        .ends(Ends::Error(kind, "server_is_overloaded", WORDS))
        .says(&[]);
    // A server of Chat Completions that means it says no more.
    let says = match pair.upstream.dialect() {
        Dialect::Chat => says.without_finish().without_usage().without_done(),
        Dialect::Messages | Dialect::Responses => says,
    };
    let (client, response) = ask(pair, says.clone(), true).await;
    let heard = client.hear(response, true).await;
    assert_half(&heard, WORDS);
    let (_, response) = ask(pair, says, false).await;
    refused(pair, response, 503, WORDS).await;
}

/// A connection that breaks is a failure, never an end.
pub(crate) async fn cuts(pair: &Pair) {
    let says = speech().text("Half of an answer").ends(Ends::Cut).says(&[]);
    let (client, response) = ask(pair, says.clone(), true).await;
    let heard = client.hear(response, true).await;
    assert_half(&heard, "upstream");
    let (_, response) = ask(pair, says, false).await;
    refused(pair, response, 502, "upstream").await;
}

fn assert_half(heard: &Heard, words: &str) {
    assert_eq!(heard.answer.text, "Half of an answer");
    let Finish::Failed(told) = &heard.answer.finish else { panic!("{:?}", heard.answer) };
    assert!(told.contains(words), "{told}");
}

/// No two answers share an id, even if the upstream calls them all the same. Those that are passed
/// have the upstream's.
pub(crate) async fn ids_are_unique(pair: &Pair) {
    let passed = pair.client == pair.upstream.dialect();
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for number in 0..50 {
        let says = speech().thought("hm").text("Here.").says(&[]);
        let says = if passed { says } else { says.id("msg_same") };
        let stream = number % 2 == 0;
        let (client, response) = ask(pair, says, stream).await;
        let request = response.header("x-quire-request-id").expect("an id").to_owned();
        let object = client.hear(response, stream).await.object;
        let items = object["output"].as_array().cloned().unwrap_or_default();
        let of_items = items.iter().filter_map(|item| item["id"].as_str());
        let all = of_items.chain(object["id"].as_str()).map(str::to_owned);
        for id in all.chain([request]) {
            count += 1;
            assert!(ids.insert(id.clone()), "the id `{id}` is used twice");
        }
    }
    assert!(count >= 100, "{count} ids");
}
