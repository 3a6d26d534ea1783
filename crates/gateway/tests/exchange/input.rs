//! What bad input gets: an answer in OpenAI's error shape that helps, and a server unhurt.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::client::Request;
use testkit::judge::Dialect;
use testkit::script::{Script, says};
use testkit::upstream::Upstream;

use crate::stage::{
    Process, Quire, ask, body, lab, plain, provider, refused, refused_in, run, told, whole,
    write_config,
};

/// Asserts that this request is refused with this status, and that the gateway answers the next.
async fn refuse(quire: &Quire, request: &Request, status: u16) -> Value {
    let error = refused(quire.send(request).await, status).await;
    quire.assert_alive().await;
    error
}

/// A gateway whose upstream must never be asked.
async fn untouched() -> (Upstream, Quire) {
    let upstream = Upstream::start(Script::default()).await;
    let quire = Quire::before(&upstream).await;
    (upstream, quire)
}

fn raw_body(bytes: impl Into<Vec<u8>>) -> Request {
    Request::post("/v1/responses").header("content-type", "application/json").body(bytes)
}

#[tokio::test]
async fn broken_json_is_refused_with_its_place() {
    let (upstream, quire) = untouched().await;
    for text in [
        "",
        "{",
        "nonsense",
        "{\"model\":\"lab/mock-model\",}",
        "{\"a\":1} trailing",
        "{'a':1}",
        "[1,",
        "\"\\ud800\"x",
        "NaN",
    ] {
        let error = refuse(&quire, &raw_body(text), 400).await;
        assert_eq!(error["code"], "invalid_request", "{text}");
        assert!(error["message"].as_str().unwrap().contains("JSON"), "{text}: {error}");
    }
    for text in ["null", "[]", "3", "\"text\"", "true"] {
        refuse(&quire, &raw_body(text), 400).await;
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_wrong_type_of_any_known_member_is_named() {
    let (upstream, quire) = untouched().await;
    let wrong = [
        ("model", json!(7)),
        ("input", json!(7)),
        ("input", json!({"role": "user"})),
        ("instructions", json!({})),
        ("tools", json!("exec")),
        ("stream", json!("yes")),
        ("tool_choice", json!(7)),
        ("parallel_tool_calls", json!("yes")),
        ("reasoning", json!("high")),
        ("reasoning", json!({"effort": 7})),
        ("reasoning", json!({"summary": 7})),
        ("text", json!("json")),
        ("text", json!({"format": "json"})),
        ("text", json!({"verbosity": 7})),
        ("max_output_tokens", json!("many")),
        ("max_output_tokens", json!(-1)),
        ("max_output_tokens", json!(0)),
        ("temperature", json!("hot")),
        ("top_p", json!([])),
        ("service_tier", json!(1)),
        ("prompt_cache_key", json!(1)),
        ("safety_identifier", json!({})),
        ("store", json!("yes")),
        ("include", json!("reasoning.encrypted_content")),
        ("background", json!("yes")),
        ("truncation", json!(1)),
        ("metadata", json!("x")),
        ("input", json!([{"type": "message", "role": 7, "content": "x"}])),
        ("input", json!([{"type": "message", "role": "user", "content": 7}])),
        ("input", json!([{"type": "function_call_output", "call_id": 7, "output": "x"}])),
    ];
    for (member, value) in wrong {
        let request = ask(&body(json!({member: value.clone()})));
        let error = refuse(&quire, &request, 400).await;
        let param = error["param"].as_str().unwrap_or_default();
        assert!(param.starts_with(member), "{member} = {value}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.len() > 15, "{message}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_missing_model_or_input_is_named() {
    let (_upstream, quire) = untouched().await;
    let error = refuse(&quire, &ask(&json!({"input": "hi"})), 400).await;
    assert_eq!(error["param"], "model");
    let error = refuse(&quire, &ask(&json!({"model": "lab/mock-model"})), 400).await;
    assert_eq!(error["param"], "input");
    let error = refuse(&quire, &ask(&body(json!({"input": null}))), 400).await;
    assert_eq!(error["param"], "input");
}

#[tokio::test]
async fn an_unknown_model_is_404_with_the_nearest_names() {
    let upstream = Upstream::start(Script::default()).await;
    let other = Upstream::start(Script::default()).await;
    let config = format!(
        "{}{}[default]\nmodel = \"lab/mock-model\"\n",
        lab(&upstream),
        provider("den", &other)
    );
    let quire = Quire::start(&config).await;
    let ask_for = |model: &str| ask(&body(json!({"model": model})));
    let error = refuse(&quire, &ask_for("lap/mock-model"), 404).await;
    assert_eq!((&error["code"], &error["param"]), (&json!("model_not_found"), &json!("model")));
    assert!(error["message"].as_str().unwrap().contains("lab/mock-model"), "{error}");
    // Two providers list the bare name, so it means neither.
    let error = refuse(&quire, &ask_for("mock-model"), 404).await;
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("lab/mock-model") && message.contains("den/mock-model"), "{message}");
    for name in ["gpt-5.5", "", "/", "lab/", "x\u{0}y", &"long".repeat(10_000)] {
        let error = refuse(&quire, &ask_for(name), 404).await;
        assert!(error["message"].as_str().unwrap().len() < 2_000, "a short message");
    }
    let mut told = quire.send(&ask_for("gpt-5.5").header("originator", "codex_exec")).await;
    assert_eq!(told.status(), 400, "Codex tries a 404 again");
    assert!(told.text().await.unwrap().contains("model_not_found"));
}

#[tokio::test]
async fn an_unlisted_model_of_an_open_provider_is_asked_for_with_a_note() {
    let upstream = Upstream::start(says().text("x")).await;
    let quire = Quire::before(&upstream).await;
    let told = quire.stream(&body(json!({"model": "lab/newer-model"}))).await;
    assert!(told.assert_ended("response.completed").note_codes().contains(&"model-unlisted"));
    assert_eq!(upstream.bodies()[0]["model"], "newer-model");
}

#[tokio::test]
async fn a_body_of_100_mb_is_413_announced_or_not() {
    let (upstream, quire) = untouched().await;
    let large = vec![b'x'; 100 << 20];
    let error = refuse(&quire, &raw_body(large.clone()), 413).await;
    assert!(error["message"].as_str().unwrap().contains("64 MiB"), "{error}");
    let mut connection = quire.connect().await;
    let head = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: {}\r\ntransfer-encoding: chunked\r\n\r\n",
        quire.address
    );
    connection.write(head.as_bytes()).await.unwrap();
    for chunk in large.chunks(1 << 20) {
        connection.write(b"100000\r\n").await.unwrap();
        connection.write(chunk).await.unwrap();
        connection.write(b"\r\n").await.unwrap();
    }
    connection.write(b"0\r\n\r\n").await.unwrap();
    refused(connection.response().await.unwrap(), 413).await;
    quire.assert_alive().await;
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_need_not_be_sent() {
    let (_upstream, quire) = untouched().await;
    let mut connection = quire.connect().await;
    let head = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: {}\r\nexpect: 100-continue\r\ncontent-length: 104857600\r\n\r\n",
        quire.address
    );
    connection.write(head.as_bytes()).await.unwrap();
    refused(connection.response().await.unwrap(), 413).await;
    quire.assert_alive().await;
    // A body of the right size is waited for.
    let demo = json!({"model": "quire/demo", "input": "hi", "stream": true});
    let polite = quire.send(&ask(&demo).header("expect", "100-continue")).await;
    told(polite).await.assert_ended("response.completed");
}

#[tokio::test]
async fn nesting_10_000_deep_is_refused() {
    let (_upstream, quire) = untouched().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        let in_input = format!("{{\"model\":\"lab/mock-model\",\"input\":{deep}}}");
        let in_unknown = format!("{{\"model\":\"lab/mock-model\",\"input\":\"x\",\"new\":{deep}}}");
        let unclosed = open.repeat(10_000);
        for text in [deep, in_input, in_unknown, unclosed] {
            refuse(&quire, &raw_body(text), 400).await;
        }
    }
}

#[tokio::test]
async fn invalid_utf8_is_refused_with_its_place() {
    let (_upstream, quire) = untouched().await;
    for bad in [&b"\xff"[..], b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x98"] {
        let mut text = br#"{"model":"lab/mock-model","input":""#.to_vec();
        text.extend_from_slice(bad);
        text.extend_from_slice(b"\"}");
        let error = refuse(&quire, &raw_body(text), 400).await;
        assert!(error["message"].as_str().unwrap().contains("byte 35"), "{error}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[tokio::test]
async fn bombs_stop_at_the_limit_and_unknown_encodings_are_named() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::start(&format!(
        "[server]\nmax_body_bytes = 1048576\nrepeat_limit = 0\n{}",
        lab(&upstream)
    ))
    .await;
    let encoded = |name: &str, bytes: Vec<u8>| raw_body(bytes).header("content-encoding", name);
    let zeros = vec![b' '; 32 << 20];
    for (name, bytes) in
        [("gzip", gzip(&zeros)), ("zstd", zstd(&zeros)), ("gzip, zstd", zstd(&gzip(&zeros)))]
    {
        assert!(bytes.len() < 1 << 20, "the bomb itself is small");
        let error = refuse(&quire, &encoded(name, bytes), 413).await;
        assert_eq!(error["code"], "request_too_large");
    }
    let good = plain().to_string();
    for name in ["br", "compress", "zstd, br", "gzip, gzip, gzip, gzip"] {
        let error = refuse(&quire, &encoded(name, good.clone().into_bytes()), 400).await;
        assert_eq!(error["param"], "content-encoding", "{name}");
    }
    for name in ["zstd", "gzip", "deflate"] {
        refuse(&quire, &encoded(name, b"\x78 not compressed".to_vec()), 400).await;
        refuse(&quire, &encoded(name, Vec::new()), 400).await;
    }
    assert!(upstream.requests().is_empty());
    for (name, bytes) in [("gzip", gzip(good.as_bytes())), ("zstd", zstd(good.as_bytes()))] {
        told(quire.send(&encoded(name, bytes)).await).await.assert_ended("response.completed");
    }
    upstream.assert_no_refusals();
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let (_upstream, quire) = untouched().await;
    for count in [150, 5000] {
        let mut request = ask(&plain());
        for number in 0..count {
            request = request.header(&format!("x-flood-{number}"), "x");
        }
        let error = refuse(&quire, &request, 431).await;
        assert!(error["message"].as_str().unwrap().contains("header"), "{error}");
    }
    for size in [100 << 10, 1 << 20] {
        let request = ask(&plain()).header("x-large", &"x".repeat(size));
        refuse(&quire, &request, 431).await;
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let (_upstream, quire) = untouched().await;
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nbroken header\r\n\r\n",
        b"POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: x\r\n\r\n",
        b"POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    ] {
        let response = quire.client().raw(bytes).await.unwrap();
        refused(response, 400).await;
        quire.assert_alive().await;
    }
}

#[tokio::test]
async fn a_slow_head_is_given_up() {
    let (_upstream, quire) = {
        let upstream = Upstream::start(Script::default()).await;
        let quire =
            Quire::start(&format!("[server]\nhead_timeout_seconds = 1\n{}", lab(&upstream))).await;
        (upstream, quire)
    };
    let mut connection = quire.connect().await;
    connection.write(b"POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ").await.unwrap();
    let error = refused(connection.response().await.unwrap(), 408).await;
    assert!(error["message"].as_str().unwrap().contains("1 s"), "{error}");
    // One that says nothing at all is let go without a word, as an idle connection is.
    let idle = quire.connect().await;
    assert!(idle.response().await.is_err());
    quire.assert_alive().await;
}

#[tokio::test]
async fn a_slow_body_is_given_up_and_a_steady_one_is_not() {
    let upstream = Upstream::start(says().text("x")).await;
    let quire = Quire::before(&upstream).await;
    let bytes = ask(&plain()).to_bytes(quire.address);
    let mut connection = quire.connect().await;
    connection.write_slowly(&bytes, 20, Duration::from_millis(10)).await.unwrap();
    told(connection.response().await.unwrap()).await.assert_ended("response.completed");
    let mut connection = quire.connect().await;
    connection.write(&bytes[..bytes.len() - 10]).await.unwrap();
    // The gateway must be waiting before the clock is stopped; then the wait passes at once.
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::pause();
    let error = refused(connection.response().await.unwrap(), 400).await;
    tokio::time::resume();
    assert!(error["message"].as_str().unwrap().contains("30 s"), "{error}");
    quire.assert_alive().await;
}

#[tokio::test]
async fn half_a_request_hurts_nobody() {
    let (upstream, quire) = untouched().await;
    let bytes = ask(&plain()).to_bytes(quire.address);
    for at in [1, 20, bytes.len() / 2, bytes.len() - 1] {
        let mut connection = quire.connect().await;
        connection.write(&bytes[..at]).await.unwrap();
        connection.end_sending().await.unwrap();
        drop(connection);
        let mut connection = quire.connect().await;
        connection.write(&bytes[..at]).await.unwrap();
        connection.reset().unwrap();
        quire.assert_alive().await;
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::start([says().text("one").into(), says().text("two").into()]).await;
    let quire = Quire::before(&upstream).await;
    let mut bytes = ask(&plain()).to_bytes(quire.address);
    bytes.extend(Request::get("/health").to_bytes(quire.address));
    bytes.extend(ask(&whole()).to_bytes(quire.address));
    let mut connection = quire.connect().await;
    connection.write(&bytes).await.unwrap();
    let mut first = connection.response().await.unwrap();
    assert!(first.text().await.unwrap().contains("one"));
    let mut second = first.into_connection().response().await.unwrap();
    assert_eq!(second.json().await.unwrap()["status"], "ok");
    let mut third = second.into_connection().response().await.unwrap();
    assert_eq!(third.json().await.unwrap()["output"][0]["content"][0]["text"], "two");
    upstream.assert_done();
}

#[tokio::test]
async fn wrong_paths_and_methods_are_told_the_right_ones() {
    let (_upstream, quire) = untouched().await;
    for (method, path, status) in [
        ("POST", "/responses", 404),
        ("POST", "/v1/response", 404),
        ("GET", "/", 200),
        ("GET", "/nothing", 404),
        ("GET", "/v1/models/none", 404),
        ("GET", "/../etc/passwd", 404),
        ("GET", "/%2e%2e/%00", 404),
        ("PUT", "/v1/responses", 405),
        ("GET", "/v1/chat/completions", 405),
        ("DELETE", "/v1/models", 405),
        ("DELETE", "/v1/models/quire/demo", 405),
        ("PATCH", "/health", 405),
        ("OPTIONS", "/v1/responses", 405),
        ("BREW", "/v1/responses", 405),
        ("DELETE", "/", 405),
        ("TRACE", "/", 405),
        ("CONNECT", "/", 405),
    ] {
        let request = Request::new(method, path);
        let response = quire.send(&request).await;
        assert!(response.header("access-control-allow-origin").is_none());
        assert_eq!(response.header("allow").is_some(), status == 405, "{method} {path}");
        if status == 200 {
            assert_eq!(response.status(), 200);
        } else {
            let error = refused(response, status).await;
            let param = error["param"].as_str().unwrap_or_default();
            assert!(["path", "method", "model"].contains(&param), "{method} {path}: {error}");
        }
    }
    quire.assert_alive().await;
}

#[tokio::test]
async fn a_wrong_method_is_told_in_the_shape_of_its_path() {
    let (_upstream, quire) = untouched().await;
    for path in ["/v1/messages", "/v1/messages/count_tokens", "/v1/messages/"] {
        let response = quire.send(&Request::get(path)).await;
        assert_eq!(response.header("allow"), Some("POST"));
        let error = refused_in(Dialect::Messages, response, 405).await;
        assert!(error["message"].as_str().unwrap().contains("takes `POST`"), "{error}");
    }
    // Codex would try another status again.
    let response =
        quire.send(&Request::new("PUT", "/v1/responses").header("originator", "x")).await;
    assert_eq!(response.header("allow"), Some("POST"));
    refused(response, 400).await;
    let words = quire.send(&Request::get("/")).await.text().await.unwrap();
    for path in ["/v1/responses", "/v1/chat/completions", "/v1/messages"] {
        assert!(words.contains(path), "{words}");
    }
}

#[tokio::test]
async fn head_is_cheap_anywhere() {
    let (_upstream, quire) = untouched().await;
    for path in
        ["/", "/v1/models", "/v1/responses", "/health", "/nothing", "/api/status", "/api/hello"]
    {
        let mut connection = quire.connect().await;
        connection.request(&Request::new("HEAD", path)).await.unwrap();
        connection.request(&Request::get("/ready")).await.unwrap();
        // The next answer on the connection begins where the head ended: there was no body.
        let head = connection.response().await.unwrap();
        assert_eq!(head.status(), 200, "{path}");
        assert!(head.header("x-quire-request-id").is_some());
        let ready = head.into_connection().response().await.unwrap();
        assert_eq!(ready.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_websocket_is_declined_so_that_codex_goes_on_over_http() {
    let (_upstream, quire) = untouched().await;
    let upgrade = Request::get("/v1/responses")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let error = refused(quire.send(&upgrade).await, 426).await;
    assert!(error["message"].as_str().unwrap().contains("POST"));
    refused(quire.send(&Request::get("/v1/responses")).await, 405).await;
    quire.assert_alive().await;
}

#[tokio::test]
async fn unknown_fields_items_parts_and_tools_are_never_an_error() {
    let upstream = Upstream::start(Script::always(says().text("fine"))).await;
    let quire = Quire::before(&upstream).await;
    let request = body(json!({
        "input": [
            {"type": "hologram", "id": "h_1", "data": [1, 2]},
            {"type": "message", "role": "user", "sparkle": true, "content": [
                {"type": "input_text", "text": "hi", "colour": "red"},
                {"type": "input_smell", "smell": "rain"},
            ]},
            {"type": "function_call", "call_id": "c1", "name": "x", "arguments": "{}", "mood": "good"},
            {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_taste", "taste": "salt"}]},
        ],
        "tools": [
            {"type": "telepathy", "name": "mind"},
            {"type": "function", "name": "x", "parameters": {"type": "object"}, "aura": 3},
        ],
        "reasoning": {"vibe": "calm"},
        "text": {"font": "serif"},
        "stream_options": {"include_obfuscation": false, "whisper": true},
        "brand_new": {"deep": [{"er": null}]},
    }));
    let told = quire.stream(&request).await;
    told.assert_ended("response.completed");
    let codes = told.note_codes();
    for code in ["unknown-field", "unknown-item", "unknown-part", "unknown-tool"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    assert!(told.notes.as_deref().unwrap().contains("unknown-field"));
    upstream.assert_done();
}

#[test]
fn a_broken_configuration_stops_the_start_with_file_line_and_hint() {
    for (config, line, words, hint) in [
        ("[server\n", 1, "", ""),
        ("\n[providers.lab]\ndialect = \"chat\"\n", 2, "base_url", "base_url"),
        ("[server]\nlisten = \"nowhere\"\n", 2, "not an address", "127.0.0.1:8484"),
        ("[servers]\nlisten = \"127.0.0.1:1\"\n", 1, "servers", "server"),
        ("\n[providers.deepseek]\npreset = \"deepseek\"\n", 2, "no key", "DEEPSEEK_API_KEY"),
        ("[aliases]\n\"a\" = \"nobody/x\"\n", 2, "nobody", ""),
    ] {
        let home = TempDir::new().unwrap();
        write_config(home.path(), config);
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["check"]] {
            let output = run(home.path(), command);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{config}: {told}");
            assert!(told.contains(&format!("config.toml:{line}")), "{config}: {told}");
            assert!(told.contains(words) && told.contains(hint), "{config}: {told}");
        }
    }
}

#[tokio::test]
async fn a_configuration_that_breaks_while_running_is_reported_and_the_old_one_stays() {
    let upstream = Upstream::start(Script::always(says().text("still here"))).await;
    let quire = Quire::before(&upstream).await;
    let health = quire.get("/health").await;
    assert_eq!(health["config"]["stale"], false);
    write_config(quire.home.path(), "[server]\nlisten = 7\n");
    let health = quire.until("/health", |health| health["config"]["stale"] == true).await;
    let problem = &health["config"]["problems"][0];
    assert_eq!(
        (&problem["line"], &problem["severity"]),
        (&json!(2), &json!("error")),
        "{health:#}"
    );
    assert!(problem["file"].as_str().unwrap().ends_with("config.toml"));
    assert_eq!(quire.stream(&plain()).await.text(), "still here");
    write_config(quire.home.path(), &lab(&upstream));
    quire.until("/health", |health| health["config"]["stale"] == false).await;
    assert_eq!(quire.stream(&plain()).await.text(), "still here");
}

#[test]
fn a_taken_port_is_told_by_whom_and_how_to_choose_another() {
    let ours = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = TempDir::new().unwrap();
    let serve = |address: SocketAddr| {
        let output = run(home.path(), &["serve", "--listen", &address.to_string()]);
        assert_eq!(output.status.code(), Some(3));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told = serve(ours.local_addr().unwrap());
    assert!(told.contains("is taken") && told.contains("--listen"), "{told}");
    if cfg!(target_os = "linux") {
        assert!(told.contains(&format!("process {}", std::process::id())), "{told}");
    }
    let other = TempDir::new().unwrap();
    let quire = Process::start(other.path(), "warn");
    let told = serve(quire.address);
    assert!(told.contains("another quire"), "{told}");
}

#[tokio::test]
async fn other_names_and_foreign_pages_are_refused() {
    let (upstream, quire) = untouched().await;
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "192.168.0.7:8484",
        "quire",
        "0.0.0.0",
        "",
    ] {
        for request in [
            ask(&plain()),
            Request::get("/health"),
            Request::get("/v1/models"),
            Request::get("/api/status"),
            Request::get("/"),
        ] {
            let error = refused(quire.send(&request.header("host", host)).await, 403).await;
            assert_eq!(error["param"], "host", "{host}");
        }
    }
    let absolute =
        format!("GET http://evil.example/health HTTP/1.1\r\nhost: {}\r\n\r\n", quire.address);
    refused(quire.client().raw(absolute.as_bytes()).await.unwrap(), 403).await;
    let nameless = quire.client().raw(b"GET /health HTTP/1.0\r\n\r\n").await.unwrap();
    refused(nameless, 403).await;
    let own = format!("http://{}", quire.address);
    for origin in [
        "null",
        "https://evil.example",
        "http://127.0.0.1:1",
        "http://localhost",
        "file://",
        "",
        &format!("{own}.evil.example"),
    ] {
        let form = Request::post("/v1/responses")
            .header("origin", origin)
            .header("content-type", "text/plain")
            .body(plain().to_string());
        let error = refused(quire.send(&form).await, 403).await;
        assert_eq!(error["param"], "origin", "{origin}");
        refused(quire.send(&Request::get("/health").header("origin", origin)).await, 403).await;
        refused(
            quire.send(&Request::new("OPTIONS", "/v1/responses").header("origin", origin)).await,
            403,
        )
        .await;
    }
    let same = quire.send(&Request::get("/health").header("origin", &own)).await;
    assert_eq!(same.status(), 200);
    assert!(upstream.requests().is_empty());
    quire.assert_alive().await;
}

#[tokio::test]
async fn a_listed_name_is_admitted() {
    let upstream = Upstream::start(says().text("x")).await;
    let quire =
        Quire::start(&format!("[server]\nallowed_hosts = [\"box.lan\"]\n{}", lab(&upstream))).await;
    let request =
        ask(&plain()).header("host", "box.lan:8484").header("origin", "https://box.lan:8484");
    told(quire.send(&request).await).await.assert_ended("response.completed");
}

#[tokio::test]
async fn the_admin_api_wants_its_token_and_nothing_else() {
    let (_upstream, quire) = untouched().await;
    let key = quire.app().store.keys().add("data").await.unwrap();
    quire.app().keys.refresh().await.unwrap();
    let token = quire.app().admin_token.expose().to_owned();
    let status = Request::get("/api/status");
    refused(quire.send(&status).await, 403).await;
    for wrong in ["wrong", "", key.expose(), &token[1..], &format!("{token}x")] {
        refused(quire.send(&status.clone().bearer(wrong)).await, 403).await;
    }
    refused(
        quire.send(&status.clone().header("authorization", &format!("Basic {token}"))).await,
        403,
    )
    .await;
    refused(quire.send(&status.clone().bearer(&token).header("host", "evil.example")).await, 403)
        .await;
    refused(
        quire.send(&status.clone().bearer(&token).header("origin", "https://evil.example")).await,
        403,
    )
    .await;
    refused(quire.send(&Request::post("/api/status").bearer(&token)).await, 400).await;
    refused(quire.send(&Request::get("/api/nothing").bearer(&token)).await, 404).await;
    refused(quire.send(&Request::get("/api/requests/none").bearer(&token)).await, 404).await;
    refused(quire.send(&Request::get("/api/requests?limit=x").bearer(&token)).await, 400).await;
    let mut good = quire.send(&status.clone().bearer(&token)).await;
    assert_eq!(good.status(), 200);
    assert_eq!(good.json().await.unwrap()["status"], "ok");
    // The admin token opens no model either.
    let error = refused(quire.send(&ask(&plain()).bearer(&token)).await, 403).await;
    assert_eq!(error["code"], "permission_denied");
}

#[tokio::test]
async fn a_refusal_reaches_who_is_still_sending() {
    let (_upstream, quire) = untouched().await;
    quire.app().store.keys().add("somebody").await.unwrap();
    quire.app().keys.refresh().await.unwrap();
    let large = body(json!({"input": "x".repeat(8 << 20)}));
    for _ in 0..5 {
        refused(quire.send(&ask(&large).bearer("wrong")).await, 403).await;
        refused(quire.send(&Request::post("/v1/nothing").bearer("wrong").json(&large)).await, 403)
            .await;
    }
}
