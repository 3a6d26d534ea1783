//! Marked fakes as keys, bearers, header values and prompts, through everything that quire does;
//! then the mark is hunted for in every answer, on the disk and in the logs.

use serde_json::json;
use tempfile::TempDir;
use testkit::canary::{self, assert_no_secret};
use testkit::client::{Client, Request};
use testkit::judge::Dialect;
use testkit::script::{End, Script, Step, answers, html, raw, refuses, replays, says};
use testkit::upstream::{Recorded, Upstream};

use crate::dialects::{post, request, strict};
use crate::stage::{Process, ask, body, files, run, write_config};

/// A configuration full of secrets, in every place that may hold one; each upstream is the provider
/// with the name of its dialect.
fn secrets(upstreams: &[Upstream], other: &Upstream) -> String {
    let [key, second, access] = [canary::API_KEY, canary::OTHER_API_KEY, canary::ACCESS_TOKEN];
    let section = |upstream: &Upstream| {
        let (port, dialect) = (upstream.address().port(), upstream.dialect().name());
        format!(
            r#"
[providers.{dialect}]
dialect = "{dialect}"
base_url = "http://user:{access}@127.0.0.1:{port}/v1"
api_key = "{key}"
models = ["mock-model"]
headers = {{ "x-tenant" = "{access}" }}
"#
        )
    };
    let sections: String = upstreams.iter().map(section).collect();
    let address = other.base_url();
    format!(
        r#"{sections}
[server]
repeat_limit = 0
[providers.den]
dialect = "chat"
base_url = "{address}"
api_key = "${{DEN_KEY}}"
models = ["mock-model"]
auth = {{ header = "x-den-key" }}

[providers.gone]
dialect = "chat"
base_url = "http://127.0.0.1:1/v1?key={second}"
api_key = "{second}"
models = ["mock-model"]

[fallback]
"gone/*" = ["den/mock-model"]
"#
    )
}

/// Answers that repeat what they were sent, as careless servers do.
fn indiscreet() -> Vec<Step> {
    let told =
        format!("Incorrect API key provided: {}; also {}", canary::API_KEY, canary::ACCESS_TOKEN);
    let inside =
        json!({"error": {"message": told, "type": canary::API_KEY, "code": canary::API_KEY}});
    vec![
        refuses(401).error("invalid_request_error", canary::API_KEY, &told).into(),
        answers(400).body(told.clone()).into(),
        html(500).body(format!("<html><b>{told}</b></html>")).into(),
        answers(200).json(&inside).into(),
        replays(format!("data: {inside}\n\n")).into(),
        says().text("begun").data(&inside).into(),
        says().text("begun").error(canary::API_KEY, canary::API_KEY, &told).into(),
        says()
            .text("x")
            .header("x-echo", canary::API_KEY)
            .header("set-cookie", canary::API_KEY)
            .into(),
        raw(format!("HTTP/1.1 200 {}\r\n\r\n", canary::API_KEY)),
        refuses(307)
            .header("location", &format!("http://127.0.0.1:1/?key={}", canary::API_KEY))
            .into(),
        says().text("x").cut(End::Reset).into(),
        says().text("x").into(),
    ]
}

/// A request that carries secrets wherever a client may.
fn telltale(request: Request) -> Request {
    request
        .bearer(canary::CLIENT_KEY)
        .header("x-api-key", canary::CLIENT_KEY)
        .header("cookie", &format!("session={}", canary::ACCESS_TOKEN))
        .header("chatgpt-account-id", canary::ACCESS_TOKEN)
        .header("x-codex-turn-metadata", &format!("{{\"t\":\"{}\"}}", canary::ACCESS_TOKEN))
        .header("proxy-authorization", &format!("Bearer {}", canary::REFRESH_TOKEN))
        .header("originator", "codex_exec")
}

/// Head and body of an answer, in which nothing marked may stand.
async fn hunt(client: Client, request: &Request, what: &str) -> String {
    let mut response = client.send(request).await.expect("it answers");
    for (name, value) in &response.headers().0 {
        assert_no_secret(what, format!("{name}: {value}"));
    }
    let text = response.text().await.expect("a body");
    assert_no_secret(what, &text);
    text
}

#[tokio::test]
async fn no_secret_shows_anywhere() {
    let steps = indiscreet();
    // Every step for each dialect of the callers, streamed and whole.
    const EACH: usize = 2 * Dialect::ALL.len();
    let mut upstreams = Vec::new();
    for dialect in Dialect::ALL {
        let steps = steps.clone();
        let careless = move |request: &Recorded| steps[request.number / EACH % steps.len()].clone();
        let counting =
            |_: &Recorded| refuses(401).error("x", canary::API_KEY, canary::API_KEY).into();
        let script = Script::choose(careless).counting(counting);
        upstreams.push(strict(dialect, script).await);
    }
    let other = Upstream::start(Script::always(says().text("spare"))).await;
    let home = TempDir::new().unwrap();
    let config = secrets(&upstreams, &other);
    write_config(home.path(), &config);
    let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
    let mut command = crate::stage::quire(home.path());
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("DEN_KEY", canary::OTHER_API_KEY);
    let mut process = Process::start_as(&mut command, "trace");
    let client = process.client();

    for upstream in &upstreams {
        let model = format!("{}/mock-model", upstream.dialect().name());
        for number in 0..steps.len() {
            for (caller, stream) in
                Dialect::ALL.into_iter().flat_map(|caller| [(caller, true), (caller, false)])
            {
                let body = request(caller, json!({"model": model, "stream": stream}));
                let what = format!("answer {number} of {model} to {}", caller.name());
                hunt(client, &telltale(post(caller, &body)), &what).await;
            }
        }
        for path in Dialect::ALL.into_iter().filter_map(Dialect::count_path) {
            let body = json!({"model": model, "input": "hi", "messages": [{"role": "user", "content": "hi"}]});
            hunt(client, &telltale(Request::post(path).json(&body)), path).await;
        }
    }
    for model in ["den/mock-model", "gone/mock-model", "nobody/x", "quire/demo"] {
        for caller in Dialect::ALL {
            let body = request(caller, json!({"model": model}));
            hunt(client, &telltale(post(caller, &body)), model).await;
        }
    }
    // What is refused before it is understood.
    for bad in [
        telltale(ask(&json!({"input": 7}))),
        telltale(ask(&body(json!({"tools": 7})))),
        telltale(post(Dialect::Messages, &json!({"model": "chat/mock-model", "messages": 7}))),
        telltale(post(Dialect::Chat, &json!({"model": "messages/mock-model", "messages": 7}))),
        Request::post("/v1/responses").bearer(canary::CLIENT_KEY).body("{"),
        Request::post("/v1/messages").bearer(canary::CLIENT_KEY).body("{"),
        Request::post("/v1/messages/x").header("x-api-key", canary::CLIENT_KEY),
        Request::post("/v1/nothing").bearer(canary::CLIENT_KEY),
        Request::get("/health").header("host", "evil.example").bearer(canary::CLIENT_KEY),
        Request::get("/api/status").bearer(canary::CLIENT_KEY),
        Request::get("/api/status").bearer(canary::ADMIN_TOKEN),
    ] {
        hunt(client, &bad, "a refusal").await;
    }
    let token = std::fs::read_to_string(home.path().join("admin-token")).unwrap();
    let mut told = String::new();
    for path in [
        "/health",
        "/ready",
        "/metrics",
        "/v1/models",
        "/v1/models/chat%2Fmock-model",
        "/api/status",
        "/api/requests",
        "/",
    ] {
        told += &hunt(client, &Request::get(path).bearer(token.trim()), path).await;
    }
    assert!(!told.contains(token.trim()), "the admin token is in no answer");
    // A configuration that is broken around its secrets.
    for broken in [
        config.replace("api_key = \"sk", "api_key = 7\nx = \"sk"),
        config.replace("base_url = \"http://user", "base_url = \"ftp://user"),
        config.replace("headers = {", "headers = { 7 = "),
        format!("{config}\n[providers.chat]\napi_key = \"{}\"", canary::API_KEY),
    ] {
        write_config(home.path(), &broken);
        let until = async {
            while !hunt(client, &Request::get("/health"), "/health")
                .await
                .contains("\"stale\":true")
            {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(crate::stage::SOON, until).await.expect("the breakage is seen");
        let check = run(home.path(), &["check"]);
        outputs.push(("check".into(), [check.stdout, check.stderr].concat()));
        write_config(home.path(), &config);
        let until = async {
            while hunt(client, &Request::get("/health"), "/health").await.contains("\"stale\":true")
            {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(crate::stage::SOON, until).await.expect("it is mended");
    }
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["logs"],
        &["logs", "--json"],
        &["key", "list"],
        &["key", "revoke", canary::CLIENT_KEY],
    ] {
        let output = run(home.path(), arguments);
        let text = [output.stdout, output.stderr].concat();
        // What a person typed may be shown back to them.
        if !arguments.contains(&canary::CLIENT_KEY) {
            outputs.push((arguments.join(" "), text));
        }
    }
    process.terminate();
    process.ended().await;
    let log = process.stderr();
    assert!(log.len() > 10_000, "the log was at its most talkative");
    outputs.push(("the log".into(), log));
    for (what, text) in outputs {
        assert_no_secret(&what, text);
    }
    for (path, bytes) in files(home.path()) {
        assert_no_secret(&path.display().to_string(), bytes);
    }
    // They did go where they belong, and nothing of the callers' did.
    let bearer = format!("Bearer {}", canary::API_KEY);
    for upstream in &upstreams {
        assert!(upstream.requests().len() >= EACH * steps.len());
        let usual = match upstream.dialect() {
            Dialect::Messages => ("x-api-key", canary::API_KEY),
            Dialect::Chat | Dialect::Responses => ("authorization", bearer.as_str()),
        };
        for sent in upstream.requests() {
            assert_eq!(sent.header(usual.0), Some(usual.1));
            assert_eq!(sent.header("x-tenant"), Some(canary::ACCESS_TOKEN));
            for (name, value) in &sent.headers.0 {
                let ours = [usual.0, "x-tenant"].contains(&name.to_ascii_lowercase().as_str());
                assert!(ours || canary::find(value).is_none(), "{name}: {value}");
            }
        }
    }
}
