//! The request log: everything promised, and nothing of what was said.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::canary;
use testkit::client::Request;
use testkit::script::{End, Script, Usage, refuses, says};
use testkit::upstream::Upstream;

use crate::stage::{
    Process, Quire, SOON, ask, body, files, lab, plain, quire, refused, run, told, whole,
    write_config,
};

#[tokio::test]
async fn the_bytes_of_every_answer_are_counted() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let unknown = body(json!({"model": "nobody/x"}));
    let count = Request::post("/v1/responses/input_tokens").json(&plain());
    let requests = [ask(&whole()), ask(&plain()), ask(&unknown), count];
    for (before, request) in requests.iter().enumerate() {
        let sent = quire.send(request).await.bytes().await.unwrap().len();
        let rows = quire.rows(before + 1).await;
        assert_eq!(rows[0]["response_bytes"], sent, "{:#}", rows[0]);
    }
}

#[tokio::test]
async fn a_row_holds_everything_promised() {
    let usage = Usage { prompt: 20, completion: 9, cached: 5, reasoning: 3 };
    let upstream = Upstream::start(says().reasoning("hm").text("answer").usage(usage)).await;
    let quire = Quire::before(&upstream).await;
    let request = ask(&body(json!({"novelty": 1})))
        .header("user-agent", "codex_exec/0.169.0 (Linux)")
        .header("session-id", "session-7");
    let response = quire.send(&request).await;
    let id = response.header("x-quire-request-id").unwrap().to_owned();
    told(response).await;
    let row = quire.rows(1).await.remove(0);
    for (member, value) in [
        ("id", json!(id)),
        ("client", json!("codex_exec")),
        ("client_key", Value::Null),
        ("session", json!("session-7")),
        ("dialect_in", json!("responses")),
        ("dialect_out", json!("chat")),
        ("model_asked", json!("lab/mock-model")),
        ("model_used", json!("mock-model")),
        ("provider", json!("lab")),
        ("stream", json!(true)),
        ("status", json!(200)),
        ("outcome", json!("completed")),
        ("fault_kind", Value::Null),
        (
            "usage",
            json!({"input": 20, "cached": 5, "cache_written": 0, "output": 9, "reasoning": 3, "total": 29}),
        ),
    ] {
        assert_eq!(row[member], value, "{member} of {row:#}");
    }
    let timing = |name: &str| row["timings"][name].as_u64().unwrap_or_default();
    assert!(
        timing("first_byte_us") > 0 && timing("first_byte_us") <= timing("first_event_us"),
        "{row:#}"
    );
    assert!(timing("first_event_us") <= timing("total_us"), "{row:#}");
    assert!(
        row["request_bytes"].as_u64().unwrap() > 50
            && row["response_bytes"].as_u64().unwrap() > 500
    );
    assert!(row["notes"].as_array().unwrap().contains(&json!({"code": "unknown-field", "n": 1})));
    assert_eq!(
        (&row["attempts"][0]["provider"], &row["attempts"][0]["status"]),
        (&json!("lab"), &json!(200))
    );
    let one = quire
        .send(
            &Request::get(&format!("/api/requests/{id}")).bearer(quire.app().admin_token.expose()),
        )
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(one["id"], id);
}

#[tokio::test]
async fn the_status_is_the_one_that_the_client_got() {
    let upstream = Upstream::start(Script::always(refuses(401))).await;
    let quire = Quire::before(&upstream).await;
    refused(quire.ask(&plain()).await, 401).await;
    refused(quire.send(&ask(&plain()).header("originator", "codex_exec")).await, 400).await;
    refused(quire.ask(&body(json!({"model": "nobody/x"}))).await, 404).await;
    let rows = quire.rows(3).await;
    let statuses: Vec<&Value> = rows.iter().rev().map(|row| &row["status"]).collect();
    assert_eq!(statuses, [401, 400, 404]);
    assert!(rows.iter().all(|row| row["outcome"] == "failed"));
    assert_eq!(
        (&rows[2]["fault_kind"], &rows[2]["error_code"]),
        (&json!("unauthorized"), &json!("invalid_api_key"))
    );
    assert_eq!(rows[0]["fault_kind"], "unknown-model");
}

#[tokio::test]
async fn what_was_said_is_never_on_the_disk() {
    let secret = canary::PROMPT;
    let upstream = Upstream::start(Script::steps([
        says().reasoning(secret).text(secret).call("c1", "exec", json!({"cmd": secret})).into(),
        says().text(secret).cut(End::Close).into(),
        says().text(secret).into(),
        refuses(500).into(),
        says().text(secret).error("server_error", "x", "failed").into(),
    ]))
    .await;
    let mut quire = Quire::before(&upstream).await;
    let request = body(json!({
        "input": [{"role": "user", "content": secret}, {"type": "function_call_output", "call_id": "c0", "output": secret}],
        "instructions": secret,
        "tools": [{"type": "function", "name": "exec", "description": secret, "parameters": {"type": "object", "properties": {}}}],
        "metadata": {"said": secret},
        secret: secret,
    }));
    told(quire.ask(&request).await).await;
    told(quire.ask(&request).await).await;
    let mut unstreamed = request.clone();
    unstreamed["stream"] = json!(false);
    assert_eq!(quire.ask(&unstreamed).await.status(), 200);
    refused(quire.ask(&request).await, 502).await;
    told(quire.ask(&request).await).await;
    // Requests that are refused before they are understood quote nothing either.
    for bad in [json!(secret), json!({"model": "lab/mock-model", "input": {"said": secret}})] {
        refused(quire.ask(&bad).await, 400).await;
    }
    let broken = Request::post("/v1/responses")
        .body(format!("{{\"model\":\"lab/mock-model\",\"input\":\"{secret}"));
    refused(quire.send(&broken).await, 400).await;
    quire.rows(8).await;
    quire.end().await;
    let files = files(quire.home.path());
    assert!(files.iter().any(|(path, _)| path.ends_with("quire.db")));
    for (path, bytes) in files {
        canary::assert_no_secret(&path.display().to_string(), bytes);
    }
}

#[tokio::test]
async fn an_upstream_that_quotes_the_prompt_does_not_get_it_into_the_log() {
    let quoting = refuses(400).error(
        "invalid_request_error",
        "bad",
        &format!("cannot answer: {}", canary::PROMPT),
    );
    let upstream = Upstream::start(Script::always(quoting)).await;
    let mut quire = Quire::before(&upstream).await;
    let error = refused(quire.ask(&body(json!({"input": canary::PROMPT}))).await, 400).await;
    assert!(error["message"].as_str().unwrap().contains(canary::PROMPT), "the client may read it");
    quire.rows(1).await;
    quire.end().await;
    for (path, bytes) in files(quire.home.path()) {
        canary::assert_no_secret(&path.display().to_string(), bytes);
    }
}

#[tokio::test]
async fn a_log_that_is_switched_off_holds_nothing() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let mut quire = Quire::start(&format!("[log]\nenabled = false\n{}", lab(&upstream))).await;
    told(quire.ask(&plain()).await).await;
    assert_eq!(quire.ask(&whole()).await.status(), 200);
    // Switched on while running, it counts from the next request.
    write_config(quire.home.path(), &lab(&upstream));
    let waiting = async {
        while !quire.app().live.snapshot().log.enabled {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.unwrap();
    told(quire.ask(&plain()).await).await;
    assert_eq!(quire.rows(1).await.len(), 1);
    quire.end().await;
}

#[tokio::test]
async fn the_log_is_shown_and_followed_by_the_command_line() {
    let upstream = Upstream::start(Script::choose(|request| match request.number {
        1 => refuses(429).into(),
        _ => says().text("x").into(),
    }))
    .await;
    let home = TempDir::new().unwrap();
    assert!(run(home.path(), &["logs"]).status.success(), "without a log there is nothing to show");
    write_config(home.path(), &lab(&upstream));
    let process = Process::start(home.path(), "warn");
    told(process.client().send(&ask(&plain())).await.unwrap()).await;
    refused(process.client().send(&ask(&plain())).await.unwrap(), 429).await;
    let rows = async {
        loop {
            let output = run(home.path(), &["logs", "--json"]);
            let text = String::from_utf8(output.stdout).unwrap();
            if text.lines().count() == 2 {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let text = tokio::time::timeout(SOON, rows).await.unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&rows[0]["outcome"], &rows[1]["outcome"]),
        (&json!("completed"), &json!("failed")),
        "newest last"
    );
    let failed = String::from_utf8(run(home.path(), &["logs", "--failed"]).stdout).unwrap();
    assert!(failed.lines().count() == 1 && failed.contains("429"), "{failed}");
    assert_eq!(run(home.path(), &["logs", "--provider", "other"]).stdout, b"");
    let mut follow = quire(home.path())
        .args(["logs", "--follow", "--json", "-n", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("failed"));
    told(process.client().send(&ask(&plain())).await.unwrap()).await;
    let next = tokio::task::spawn_blocking(move || lines.next().unwrap().unwrap());
    let next = tokio::time::timeout(SOON, next).await.unwrap().unwrap();
    assert!(next.contains("completed"), "{next}");
    follow.kill().unwrap();
    follow.wait().unwrap();
}

#[test]
fn a_reader_that_leaves_the_log_is_no_error() {
    let home = TempDir::new().unwrap();
    assert!(run(home.path(), &["key", "add", "one"]).status.success());
    let mut list = quire(home.path())
        .args(["key", "list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(list.stdout.take());
    let output = list.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("panicked"), "{told}");
}
