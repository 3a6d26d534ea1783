//! Errors in the caller's shape, on every endpoint: what is wrong with a request, and what its
//! upstream has against it.

use serde_json::{Value, json};
use testkit::client::Request;
use testkit::judge::Dialect;
use testkit::script::{Script, refuses, says};
use testkit::upstream::Upstream;

use crate::dialects::{post, post_raw, refused, request, strict, tolerant, whole};
use crate::stage::{Quire, lab};

/// A gateway with an upstream of this dialect, which must never be asked.
async fn untouched(dialect: Dialect) -> (Upstream, Quire) {
    let upstream = strict(dialect, Script::default()).await;
    let quire = Quire::before(&upstream).await;
    (upstream, quire)
}

#[tokio::test]
async fn broken_json_is_refused_in_every_shape() {
    for dialect in Dialect::ALL {
        let (upstream, quire) = untouched(dialect).await;
        for text in ["", "{", "nonsense", "{\"a\":1} trailing", "NaN", "null", "[]", "7"] {
            let error = refused(dialect, quire.send(&post_raw(dialect, text)).await, 400).await;
            assert_eq!(error["code"], "invalid_request", "{text}");
        }
        let path = dialect.count_path().unwrap_or("/v1/responses/input_tokens");
        let shape = if path.starts_with("/v1/messages") { dialect } else { Dialect::Responses };
        refused(shape, quire.send(&Request::post(path).body("{")).await, 400).await;
        assert!(upstream.requests().is_empty());
    }
}

#[tokio::test]
async fn a_wrong_type_is_named_where_the_request_is_translated() {
    for dialect in Dialect::ALL {
        for other in crate::dialects::others(dialect) {
            let (upstream, quire) = untouched(other).await;
            let mut wrong = vec![
                ("model", json!(7)),
                ("stream", json!("yes")),
                ("tools", json!("exec")),
                ("temperature", json!("hot")),
                ("top_p", json!([])),
            ];
            wrong.extend(match dialect {
                Dialect::Chat => vec![
                    ("messages", json!("hi")),
                    ("messages", json!([{"role": 7, "content": "x"}])),
                    ("messages", json!([{"role": "user", "content": 7}])),
                    ("max_completion_tokens", json!(0)),
                    ("max_tokens", json!("many")),
                    ("tool_choice", json!(7)),
                    ("response_format", json!("json")),
                    ("reasoning_effort", json!(7)),
                    ("stop", json!(7)),
                    ("stream_options", json!("usage")),
                ],
                Dialect::Responses => vec![("input", json!(7)), ("reasoning", json!("high"))],
                Dialect::Messages => vec![
                    ("messages", json!("hi")),
                    ("messages", json!([{"role": 7, "content": "x"}])),
                    ("messages", json!([{"role": "user", "content": 7}])),
                    (
                        "messages",
                        json!([{"role": "user", "content": [{"type": "text", "text": 7}]}]),
                    ),
                    ("max_tokens", json!(0)),
                    ("max_tokens", json!("many")),
                    ("system", json!(7)),
                    ("tool_choice", json!("auto")),
                    ("thinking", json!("on")),
                    ("stop_sequences", json!("x")),
                ],
            });
            for (member, value) in wrong {
                let body = request(dialect, json!({member: value.clone()}));
                let error = refused(dialect, quire.send(&post(dialect, &body)).await, 400).await;
                let param = error["param"].as_str().unwrap_or_default();
                assert!(
                    param.starts_with(member),
                    "{} {member} = {value}: {error}",
                    dialect.name()
                );
            }
            assert!(upstream.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_passed_request_is_for_its_upstream_to_say() {
    for dialect in Dialect::ALL {
        let upstream = strict(dialect, Script::default()).await;
        let quire = Quire::before(&upstream).await;
        let body = request(dialect, json!({"temperature": "hot"}));
        let error = refused(dialect, quire.send(&post(dialect, &body)).await, 400).await;
        assert!(error["message"].as_str().unwrap().contains("temperature"), "{error}");
        assert_eq!(upstream.refusals().len(), 1);
    }
}

#[tokio::test]
async fn an_unknown_model_is_404_with_suggestions() {
    for dialect in Dialect::ALL {
        let (upstream, quire) = untouched(dialect).await;
        for (name, hint) in
            [("lap/mock-model", "lab/mock-model"), ("gpt-5.5", ""), ("claude-opus-5", ""), ("", "")]
        {
            let body = request(dialect, json!({"model": name}));
            let response = quire.send(&post(dialect, &body)).await;
            assert_eq!(response.header("x-should-retry"), Some("false"));
            let error = refused(dialect, response, 404).await;
            assert_eq!(
                (&error["code"], &error["param"]),
                (&json!("model_not_found"), &json!("model"))
            );
            assert!(error["message"].as_str().unwrap().contains(hint), "{error}");
        }
        let mut nameless = whole(dialect);
        nameless.as_object_mut().unwrap().remove("model");
        let error = refused(dialect, quire.send(&post(dialect, &nameless)).await, 400).await;
        assert_eq!(error["param"], "model");
        assert!(upstream.requests().is_empty());
    }
}

#[tokio::test]
async fn what_no_other_dialect_has_is_refused_by_name() {
    for other in [Dialect::Responses, Dialect::Messages] {
        let (upstream, quire) = untouched(other).await;
        let audio = json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}]);
        for (member, value) in [
            ("n", json!(2)),
            ("messages", audio),
            ("modalities", json!(["text", "audio"])),
            ("audio", json!({"voice": "alloy", "format": "wav"})),
        ] {
            let body = request(Dialect::Chat, json!({member: value}));
            let error =
                refused(Dialect::Chat, quire.send(&post(Dialect::Chat, &body)).await, 400).await;
            assert!(
                error["param"].as_str().unwrap_or_default().starts_with(member),
                "{member}: {error}"
            );
        }
        assert!(upstream.requests().is_empty());
    }
    // Where both sides speak Chat it is between the two of them.
    let upstream = strict(Dialect::Chat, Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let body = request(Dialect::Chat, json!({"n": 1, "stream": false}));
    assert_eq!(quire.send(&post(Dialect::Chat, &body)).await.status(), 200);
}

#[tokio::test]
async fn a_message_request_without_a_limit_is_refused() {
    let mut body = whole(Dialect::Messages);
    body.as_object_mut().unwrap().remove("max_tokens");
    for other in Dialect::ALL {
        let upstream = strict(other, Script::default()).await;
        let quire = Quire::before(&upstream).await;
        let response = quire.send(&post(Dialect::Messages, &body)).await;
        assert_eq!(response.header("x-should-retry"), Some("false"));
        let error = refused(Dialect::Messages, response, 400).await;
        assert!(error["message"].as_str().unwrap().contains("max_tokens"), "{error}");
    }
}

#[tokio::test]
async fn a_bad_key_is_403_in_every_shape() {
    let upstream = strict(Dialect::Chat, Script::default()).await;
    let quire = Quire::before(&upstream).await;
    quire.app().store.keys().add("laptop").await.unwrap();
    quire.app().keys.refresh().await.unwrap();
    for dialect in Dialect::ALL {
        for asks in [post(dialect, &whole(dialect)), Request::get("/v1/models")] {
            let asks = match dialect {
                Dialect::Messages => asks.header("anthropic-version", "2023-06-01"),
                _ => asks,
            };
            for asks in
                [asks.clone(), asks.clone().bearer("wrong"), asks.header("x-api-key", "wrong")]
            {
                let response = quire.send(&asks).await;
                assert_eq!(response.header("x-should-retry"), Some("false"));
                let error = refused(dialect, response, 403).await;
                assert!(error["message"].as_str().unwrap().contains("quire key add"), "{error}");
            }
        }
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn too_large_a_body_is_413_in_every_shape() {
    let upstream = strict(Dialect::Chat, Script::default()).await;
    let quire = Quire::start(&format!("[server]\nmax_body_bytes = 1000\n{}", lab(&upstream))).await;
    for dialect in Dialect::ALL {
        let body = request(dialect, json!({"user": "x".repeat(2000)}));
        let response = quire.send(&post(dialect, &body)).await;
        assert_eq!(response.header("x-should-retry"), Some("false"));
        refused(dialect, response, 413).await;
    }
}

#[tokio::test]
async fn a_path_that_does_not_exist_is_told_in_the_shape_of_its_neighbours() {
    let (_upstream, quire) = untouched(Dialect::Chat).await;
    for (path, dialect) in [
        ("/v1/messages/batches", Dialect::Messages),
        ("/v1/messages/count", Dialect::Messages),
        ("/v1/chat/completions/1", Dialect::Chat),
        ("/v1/response", Dialect::Responses),
        ("/nothing", Dialect::Responses),
    ] {
        let error = refused(dialect, quire.send(&Request::post(path)).await, 404).await;
        assert_eq!(error["param"], "path", "{path}");
        let asks = Request::post(path).header("anthropic-version", "2023-06-01");
        refused(Dialect::Messages, quire.send(&asks).await, 404).await;
    }
    // A base URL that lacks its end is told so.
    for path in ["/messages", "/chat/completions"] {
        let error = refused(Dialect::Responses, quire.send(&Request::post(path)).await, 404).await;
        assert!(error["message"].as_str().unwrap().contains(&format!("/v1{path}")), "{error}");
    }
    refused(Dialect::Messages, quire.send(&Request::get("/v1/messages")).await, 405).await;
    refused(Dialect::Chat, quire.send(&Request::get("/v1/chat/completions")).await, 405).await;
}

/// What an upstream answers, and what the caller gets: the status for the two shapes, the code, and
/// whether another try is of no use.
const REFUSALS: [(u16, &str, u16, u16, &str, bool); 12] = [
    (400, "invalid_value", 400, 400, "invalid_request", true),
    (400, "context_length_exceeded", 400, 400, "context_length_exceeded", true),
    (401, "invalid_api_key", 401, 401, "invalid_api_key", true),
    (402, "insufficient_balance", 429, 402, "insufficient_quota", true),
    (403, "", 403, 403, "permission_denied", true),
    (404, "model_not_found", 404, 404, "model_not_found", true),
    (413, "request_too_large", 413, 413, "request_too_large", true),
    (422, "", 400, 400, "invalid_request", true),
    (429, "rate_limit_exceeded", 429, 429, "rate_limit_exceeded", false),
    (500, "", 502, 502, "upstream_error", false),
    (503, "", 503, 529, "server_is_overloaded", false),
    (529, "", 503, 529, "server_is_overloaded", false),
];

#[tokio::test]
async fn what_an_upstream_refuses_is_told_in_the_callers_shape() {
    for caller in Dialect::ALL {
        for callee in Dialect::ALL {
            for (status, code, openai, anthropic, ours, permanent) in REFUSALS {
                let code = if code.is_empty() { "some_code" } else { code };
                let answer = refuses(status)
                    .header("retry-after", "7")
                    .header("set-cookie", "a=b")
                    .error("some_type", code, "in their own words");
                let upstream = tolerant(callee, Script::always(answer)).await;
                let quire = Quire::before(&upstream).await;
                let expected = if caller == Dialect::Messages { anthropic } else { openai };
                // In Messages there is no code, and their words say nothing.
                if callee == Dialect::Messages && code == "context_length_exceeded" {
                    continue;
                }
                for stream in [true, false] {
                    let body = request(caller, json!({"stream": stream}));
                    let response = quire.send(&post(caller, &body)).await;
                    let place = format!("{} to {}, {status}", caller.name(), callee.name());
                    assert_eq!(
                        response.header("x-should-retry"),
                        permanent.then_some("false"),
                        "{place}"
                    );
                    let wait = response.header("retry-after");
                    assert_eq!(wait, (!permanent).then_some("7"), "{place}");
                    assert_eq!(response.header("set-cookie"), None);
                    let error = refused(caller, response, expected).await;
                    // In Messages a 404 is one of a model only where it says so.
                    if status != 404 || callee != Dialect::Messages {
                        assert_eq!(error["code"], ours, "{place}: {error}");
                    }
                    let words = error["message"].as_str().unwrap();
                    assert!(words.contains("in their own words"), "{place}: {error}");
                    assert_eq!(error["upstream"]["status"], status, "{place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn codex_is_told_of_what_is_permanent_with_400_and_of_the_rest_as_it_is() {
    for (status, code, openai, _, ours, permanent) in REFUSALS {
        let code = if code.is_empty() { "some_code" } else { code };
        let upstream =
            tolerant(Dialect::Responses, refuses(status).error("t", code, "words")).await;
        let quire = Quire::before(&upstream).await;
        let asks = post(Dialect::Responses, &request(Dialect::Responses, json!({})));
        let mut response = quire.send(&asks.header("originator", "codex_exec")).await;
        assert_eq!(response.status(), if permanent { 400 } else { openai }, "{status}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["code"], ours);
    }
}

#[tokio::test]
async fn claude_code_is_told_in_the_words_it_knows_that_a_prompt_is_too_long() {
    let words = [
        (
            "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens",
            "prompt is too long: 140000 tokens > 131072 maximum",
        ),
        (
            "This model's maximum context length is 16384 tokens. However, you requested 8192 output tokens and your prompt contains at least 8193 input tokens, for a total of at least 16385 tokens.",
            "input length and `max_tokens` exceed context limit: 8193 + 8192 > 16384, decrease",
        ),
        (
            "prompt is too long: 210000 tokens > 200000 maximum",
            "prompt is too long: 210000 tokens > 200000 maximum",
        ),
    ];
    for callee in Dialect::ALL {
        for (theirs, ours) in words {
            let answer =
                refuses(400).error("invalid_request_error", "context_length_exceeded", theirs);
            let upstream = tolerant(callee, Script::always(answer)).await;
            let quire = Quire::before(&upstream).await;
            let asks = post(Dialect::Messages, &request(Dialect::Messages, json!({})));
            let error = refused(Dialect::Messages, quire.send(&asks).await, 400).await;
            assert!(error["message"].as_str().unwrap().starts_with(ours), "{error}");
            assert_eq!(error["code"], "context_length_exceeded");
        }
    }
}
