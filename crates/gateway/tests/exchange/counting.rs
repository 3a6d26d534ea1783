//! How many tokens a request is, by whoever can count it; and the other paths that clients of
//! Anthropic's ask before they begin.

use serde_json::{Value, json};
use testkit::client::Request;
use testkit::judge::Dialect;
use testkit::script::{Script, answers, counts, html, raw, refuses, says, silence};
use testkit::upstream::Upstream;

use crate::dialects::{heard, post, refused, request, strict, tolerant, whole};
use crate::stage::{Quire, lab};

const COUNTING: [Dialect; 2] = [Dialect::Responses, Dialect::Messages];

/// A request to be counted: not all that one to be answered must have.
fn counted(dialect: Dialect) -> Value {
    let mut body = request(
        dialect,
        json!({"tools": match dialect {
            Dialect::Messages => json!([{"name": "exec", "description": "runs", "input_schema": {"type": "object", "properties": {}}}]),
            _ => json!([{"type": "function", "name": "exec", "description": "runs", "parameters": {"type": "object", "properties": {}}, "strict": false}]),
        }}),
    );
    let members = body.as_object_mut().unwrap();
    members.remove("stream");
    members.remove("max_tokens");
    body
}

fn count(dialect: Dialect, body: &Value) -> Request {
    Request::post(dialect.count_path().expect("it counts")).json(body)
}

#[tokio::test]
async fn an_upstream_of_the_same_dialect_counts_what_is_passed_to_it() {
    for dialect in COUNTING {
        let upstream = tolerant(dialect, Script::default().counting(|_| counts(1234).into())).await;
        let quire = Quire::before(&upstream).await;
        let text = format!(" {{ \"novelty\": 1.0e2, {}", &counted(dialect).to_string()[1..]);
        let asks = Request::post(dialect.count_path().unwrap()).body(text.clone());
        let asks = asks.header("anthropic-beta", "token-counting-2024-11-01");
        let mut response = quire.send(&asks).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.header("x-quire-notes"), None);
        let expected = match dialect {
            Dialect::Messages => json!({"input_tokens": 1234}),
            _ => json!({"object": "response.input_tokens", "input_tokens": 1234}),
        };
        assert_eq!(response.json().await.unwrap(), expected);
        let got = upstream.counts().remove(0);
        let body = text.replace("lab/mock-model", "mock-model");
        assert_eq!(String::from_utf8(got.body.to_vec()).unwrap(), body);
        let beta = (dialect == Dialect::Messages).then_some("token-counting-2024-11-01");
        assert_eq!(got.header("anthropic-beta"), beta);
        let row = quire.rows(1).await.remove(0);
        assert_eq!(
            (&row["outcome"], &row["status"]),
            (&json!("completed"), &json!(200)),
            "{row:#}"
        );
        assert_eq!((&row["provider"], &row["usage"]), (&json!("lab"), &Value::Null), "{row:#}");
        upstream.assert_no_refusals();
    }
}

#[tokio::test]
async fn an_alias_adds_to_a_count_only_what_counters_know() {
    for dialect in COUNTING {
        let upstream = strict(dialect, Script::default().counting(|_| counts(9).into())).await;
        let quire = Quire::start(&format!(
            "{}[aliases]\n\"quick\" = {{ to = \"lab/mock-model\", effort = \"low\", max_output_tokens = 777, fast = true }}\n",
            lab(&upstream)
        ))
        .await;
        let mut body = counted(dialect);
        body["model"] = json!("quick");
        assert_eq!(quire.send(&count(dialect, &body)).await.status(), 200);
        body["model"] = json!("mock-model");
        match dialect {
            Dialect::Messages => body["output_config"] = json!({"effort": "low"}),
            _ => body["reasoning"] = json!({"effort": "low"}),
        }
        assert_eq!(*upstream.counts()[0].json, body);
    }
}

#[tokio::test]
async fn an_upstream_of_the_other_dialect_counts_a_translation() {
    for (dialect, other) in
        [(Dialect::Responses, Dialect::Messages), (Dialect::Messages, Dialect::Responses)]
    {
        let upstream = strict(other, Script::default().counting(|_| counts(77).into())).await;
        let quire = Quire::before(&upstream).await;
        let mut response = quire.send(&count(dialect, &counted(dialect))).await;
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
        assert_eq!(response.json().await.unwrap()["input_tokens"], 77);
        let got = upstream.counts().remove(0);
        assert_eq!(got.json["model"], "mock-model");
        assert!(got.contains("\"exec\"") && !got.contains("max_"), "{}", got.json);
        upstream.assert_no_refusals();
    }
}

/// Asserts that this is an estimate, and says so; returns it.
async fn estimated(quire: &Quire, dialect: Dialect, body: &Value) -> u64 {
    let mut response = quire.send(&count(dialect, body)).await;
    assert_eq!(response.status(), 200);
    assert!(response.header("x-quire-notes").unwrap().contains("count-estimated"));
    let answer = response.json().await.unwrap();
    assert_eq!(answer["quire"]["notes"][0]["code"], "count-estimated", "{answer}");
    assert_eq!(answer["quire"]["provider"], "lab");
    answer["input_tokens"].as_u64().expect("a number")
}

#[tokio::test]
async fn where_nobody_counts_it_is_estimated_and_said_so() {
    for dialect in COUNTING {
        let chat = strict(Dialect::Chat, Script::default()).await;
        let quire = Quire::before(&chat).await;
        let short = estimated(&quire, dialect, &counted(dialect)).await;
        let mut long = counted(dialect);
        let text = "four".repeat(1000);
        match dialect {
            Dialect::Messages => long["messages"][0]["content"] = json!(text),
            _ => long["input"] = json!(text),
        }
        let long = estimated(&quire, dialect, &long).await;
        assert!((1..60).contains(&short), "{short}");
        assert!((900..1200).contains(&long), "{long}");
        assert!(chat.requests().is_empty());
        // A server that has no such path.
        for status in [404, 405, 501] {
            let upstream =
                strict(dialect, Script::default().counting(move |_| refuses(status).into())).await;
            let quire = Quire::before(&upstream).await;
            assert_eq!(estimated(&quire, dialect, &counted(dialect)).await, short, "{status}");
            assert_eq!(upstream.counts().len(), 1);
        }
    }
    // The built-in model reads what it is sent.
    let quire = Quire::start("").await;
    let mut body = counted(Dialect::Messages);
    body["model"] = json!("quire/demo");
    assert_eq!(quire.send(&count(Dialect::Messages, &body)).await.status(), 200);
}

#[tokio::test]
async fn an_upstream_that_fails_at_counting_is_told() {
    for dialect in COUNTING {
        for (step, status, permanent) in [
            (refuses(401).into(), 401, true),
            (refuses(429).header("retry-after", "2").into(), 429, false),
            (refuses(500).into(), 502, false),
            (html(200).into(), 502, false),
            (answers(200).body("{\"tokens\":1}").into(), 502, false),
            (raw("HTTP/1.1 200 OK\r\n"), 502, false),
        ] {
            let upstream = strict(
                dialect,
                Script::default().counting({
                    let step: testkit::script::Step = step;
                    move |_| step.clone()
                }),
            )
            .await;
            let quire = Quire::before(&upstream).await;
            let response = quire.send(&count(dialect, &counted(dialect))).await;
            assert_eq!(response.header("x-should-retry"), permanent.then_some("false"));
            refused(dialect, response, status).await;
            assert_eq!(quire.rows(1).await[0]["outcome"], "failed");
        }
        let upstream = strict(dialect, Script::default().counting(|_| silence())).await;
        let quire =
            Quire::start(&format!("[upstream]\nidle_timeout_seconds = 1\n{}", lab(&upstream)))
                .await;
        refused(dialect, quire.send(&count(dialect, &counted(dialect))).await, 504).await;
        let mut unknown = counted(dialect);
        unknown["model"] = json!("nobody/x");
        refused(dialect, quire.send(&count(dialect, &unknown)).await, 404).await;
    }
}

#[tokio::test]
async fn the_query_of_anthropics_sdk_changes_nothing() {
    let upstream = strict(Dialect::Messages, Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    for path in ["/v1/messages?beta=true", "/v1/messages/?beta=true", "/v1/messages"] {
        let asks = Request::post(path).json(&whole(Dialect::Messages));
        assert_eq!(quire.send(&asks).await.status(), 200, "{path}");
    }
    let asks =
        Request::post("/v1/messages/count_tokens?beta=true").json(&counted(Dialect::Messages));
    assert_eq!(quire.send(&asks).await.status(), 200);
    assert!(upstream.requests().iter().all(|request| !request.path.contains('?')));
    upstream.assert_no_refusals();
}

#[tokio::test]
async fn a_client_that_asks_whether_anybody_is_there_needs_no_key() {
    let quire = Quire::start("").await;
    quire.app().store.keys().add("laptop").await.unwrap();
    quire.app().keys.refresh().await.unwrap();
    let asks = Request::new("HEAD", "/api/hello").header("user-agent", "claude-cli/2");
    assert_eq!(quire.send(&asks).await.status(), 200);
}

#[tokio::test]
async fn a_key_opens_every_endpoint_in_both_headers() {
    for dialect in Dialect::ALL {
        let upstream = strict(dialect, Script::always(says().text("x"))).await;
        let quire = Quire::before(&upstream).await;
        let key = quire.app().store.keys().add("laptop").await.unwrap();
        quire.app().keys.refresh().await.unwrap();
        let asks = post(dialect, &whole(dialect));
        for asks in [asks.clone().bearer(key.expose()), asks.header("x-api-key", key.expose())] {
            assert_eq!(quire.send(&asks).await.status(), 200);
        }
        for row in quire.rows(2).await {
            assert_eq!(row["client_key"], "laptop");
        }
        for got in upstream.requests() {
            assert!(!got.headers.0.iter().any(|(_, value)| value.contains(key.expose())));
        }
    }
}

#[tokio::test]
async fn the_list_of_models_is_paged_to_its_end() {
    let upstream = Upstream::start(Script::default()).await;
    let config = lab(&upstream).replace("[\"mock-model\"]", "[\"one\", \"two\", \"team/three\"]");
    let quire = Quire::start(&config).await;
    let all = quire.get("/v1/models").await;
    let names = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap();
        data.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut seen = Vec::new();
    let mut path = "/v1/models?limit=1".to_owned();
    loop {
        let page = quire.get(&path).await;
        let names = names(&page);
        assert_eq!(names.len(), 1, "{page:#}");
        assert_eq!((&page["first_id"], &page["last_id"]), (&json!(names[0]), &json!(names[0])));
        seen.extend(names);
        if page["has_more"] == false {
            break;
        }
        let after = page["last_id"].as_str().unwrap().replace('/', "%2F");
        path = format!("/v1/models?limit=1&after_id={after}");
    }
    assert_eq!(seen, names(&all));
    for name in &seen {
        let one = quire.get(&format!("/v1/models/{}", name.replace('/', "%2F"))).await;
        assert_eq!((&one["id"], &one["type"]), (&json!(name), &json!("model")));
    }
    let asks = Request::get("/v1/models/nobody%2Fx").header("anthropic-version", "2023-06-01");
    refused(Dialect::Messages, quire.send(&asks).await, 404).await;
    // Asked for by its bare name, a model has that name.
    assert_eq!(quire.get("/v1/models/team%2Fthree").await["id"], "team/three");
    let told = heard(Dialect::Chat, {
        upstream.set_script(says().text("x"));
        quire
            .send(&post(Dialect::Chat, &request(Dialect::Chat, json!({"model": "team/three"}))))
            .await
    });
    told.await.judged().assert_finished();
    assert_eq!(upstream.bodies()[0]["model"], "team/three");
}
