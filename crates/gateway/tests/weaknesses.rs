//! What was found wrong or weak in other gateways, as far as it takes a running one to tell. Each
//! test names the finding: GodeX by its number in a list of 28, opencodex by one in a list of 15.
//! What translation alone decides is tested beside the translation.

#[expect(dead_code, clippy::panic, reason = "the exchange tests use all of it; tests panic")]
#[path = "exchange/stage.rs"]
mod stage;

use std::time::Duration;

use gateway::config::Snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::script::{End, Script, line, refuses, says, silence};
use testkit::upstream::Upstream;
use tokio::time::Instant;

use stage::{Quire, SOON, body, lab, note_codes, plain, provider, refused, whole, write_config};

/// GodeX 1: what translation loses is known inside and never told to the caller.
#[tokio::test]
async fn diagnostics_reach_the_caller_and_the_log() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let told = quire.stream(&body(json!({"safety_levels": 3, "store": true}))).await;
    let header = told.notes.as_deref().unwrap();
    assert!(header.contains("unknown-field") && header.contains("not-stored"), "{header}");
    let notes = told.quire()["notes"].as_array().unwrap();
    let unknown = notes.iter().find(|note| note["code"] == "unknown-field").unwrap();
    assert_eq!((&unknown["at"], &unknown["effect"]), (&json!("safety_levels"), &json!("dropped")));
    let row = quire.rows(1).await.remove(0);
    assert!(row["notes"].to_string().contains("unknown-field"));
}

/// GodeX 8: a client that goes away leaves the upstream request running, and paid for.
#[tokio::test]
async fn a_client_that_goes_away_takes_the_upstream_request_with_it() {
    let upstream = Upstream::start(says().text("begun").stall()).await;
    let quire = Quire::before(&upstream).await;
    let mut events = quire.ask(&plain()).await.events();
    events.next().await.unwrap().unwrap();
    let left = Instant::now();
    drop(events);
    assert!(upstream.until(SOON, |upstream| upstream.open_streams() == 0).await);
    let closed = upstream.requests()[0].closed().unwrap();
    assert!(closed - left < Duration::from_secs(1), "{:?}", closed - left);
}

/// GodeX 9: no keep-alive and no timeouts, so that a silent upstream hangs its client for ever.
#[tokio::test]
async fn silence_is_bridged_and_then_ended() {
    let upstream = Upstream::start(says().text("begun").stall()).await;
    let config = "[server]\nkeep_alive_seconds = 1\n[upstream]\nidle_timeout_seconds = 3\n";
    let quire = Quire::start(&format!("{config}{}", lab(&upstream))).await;
    let told = quire.stream(&plain()).await;
    told.assert_failed("server_error");
    let alive = told.names().iter().filter(|name| **name == "response.in_progress").count();
    assert!(alive >= 3, "two signs of life and the opening: {alive}");
}

/// GodeX 10: no retry, no fallback, no connection pool.
#[tokio::test]
async fn a_configured_fallback_answers_and_connections_are_kept() {
    let first = Upstream::start(Script::always(refuses(503))).await;
    let second = Upstream::start(Script::always(says().text("spare"))).await;
    let fallback = "[fallback]\n\"lab/*\" = [\"spare/mock-model\"]\n";
    let quire =
        Quire::start(&format!("{}{}{fallback}", lab(&first), provider("spare", &second))).await;
    for _ in 0..3 {
        let answer = quire.ask(&whole()).await.json().await.unwrap();
        assert_eq!(answer["output"][0]["content"][0]["text"], "spare");
        assert!(note_codes(&answer["quire"]).contains(&"fallback-used"));
    }
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

/// GodeX 11: it listens on every address and asks nobody for a key.
#[test]
fn the_default_is_loopback_and_other_addresses_need_a_key() {
    let home = TempDir::new().unwrap();
    let path = home.path().display().to_string();
    let env = move |name: &str| (name == "QUIRE_HOME").then(|| path.clone());
    let (snapshot, _) = Snapshot::load(None, &env).unwrap();
    assert!(snapshot.server.listen.ip().is_loopback());
    let refused = stage::run(home.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("quire key add"));
}

/// GodeX 18: error bodies have a message alone, so that clients cannot tell what happened.
/// opencodex 10: the upstream's error is wrapped as a text within a text.
#[tokio::test]
async fn errors_are_filled_and_encoded_once() {
    let words = "Invalid value: \"x\" for `top_k`\nsee the documentation";
    let upstream = Upstream::start(Script::always(refuses(400).error(
        "invalid_request_error",
        "invalid_value",
        words,
    )))
    .await;
    let quire = Quire::before(&upstream).await;
    let error = refused(quire.ask(&plain()).await, 400).await;
    assert_eq!(error["message"], words);
    for member in ["type", "code"] {
        assert!(!error[member].as_str().unwrap().is_empty());
    }
    let error = refused(quire.ask(&body(json!({"temperature": "hot"}))).await, 400).await;
    assert_eq!(error["param"], "temperature");
}

/// GodeX 20: capabilities belong to the provider, so that its models that see are blind, or those
/// that are blind are shown images.
#[tokio::test]
async fn capabilities_belong_to_each_model() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let config = format!(
        "{}[[providers.duo.models]]\nid = \"eyes\"\ninput = [\"text\", \"image\"]\ncontext = 1000\n[[providers.duo.models]]\nid = \"blind\"\ninput = [\"text\"]\ncontext = 2000\n",
        provider("duo", &upstream).replace("models = [\"mock-model\"]\n", "")
    );
    let quire = Quire::start(&config).await;
    let models = quire.get("/v1/models").await;
    let fact = |slug: &str, member: &str| {
        let entries = models["models"].as_array().unwrap();
        entries.iter().find(|entry| entry["slug"] == slug).unwrap()[member].clone()
    };
    assert_eq!(fact("duo/eyes", "input_modalities"), json!(["text", "image"]));
    assert_eq!(fact("duo/blind", "input_modalities"), json!(["text"]));
    assert_eq!(
        (fact("duo/eyes", "context_window"), fact("duo/blind", "context_window")),
        (json!(1000), json!(2000))
    );
    let pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let look = |model: &str| {
        body(
            json!({"model": model, "input": [{"role": "user", "content": [{"type": "input_text", "text": "look"}, {"type": "input_image", "image_url": pixel}]}]}),
        )
    };
    let seen = quire.stream(&look("duo/eyes")).await;
    assert!(!seen.assert_ended("response.completed").note_codes().contains(&"image-omitted"));
    let blind = quire.stream(&look("duo/blind")).await;
    assert!(blind.assert_ended("response.completed").note_codes().contains(&"image-omitted"));
    let sent = upstream.bodies();
    assert!(
        sent[0].to_string().contains("image_url") && !sent[1].to_string().contains("image_url")
    );
}

/// GodeX 23: without a catalog Codex knows neither the window of a model nor `apply_patch` for it.
#[tokio::test]
async fn the_catalog_tells_codex_what_a_model_can() {
    let upstream = Upstream::start(Script::default()).await;
    let config = format!(
        "[providers.deepseek]\npreset = \"deepseek\"\nbase_url = \"{}\"\napi_key = \"k\"\n",
        upstream.base_url()
    );
    let quire = Quire::start(&config).await;
    let models = quire.get("/v1/models").await;
    let entries = models["models"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["slug"] == "deepseek/deepseek-v4-pro").unwrap();
    assert_eq!(entry["context_window"], 1_000_000);
    assert_eq!(entry["apply_patch_tool_type"], "freeform");
    assert!(entry["supported_reasoning_levels"].as_array().unwrap().len() > 1);
}

/// GodeX 25: a change of the configuration needs a restart.
#[tokio::test]
async fn a_change_of_the_configuration_needs_no_restart() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::start("").await;
    refused(quire.ask(&plain()).await, 404).await;
    write_config(quire.home.path(), &lab(&upstream));
    quire.until("/v1/models", |models| models.to_string().contains("lab/mock-model")).await;
    quire.stream(&plain()).await.assert_ended("response.completed");
}

/// GodeX 26: traces and sessions grow for ever.
#[tokio::test]
async fn the_log_keeps_to_its_size() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let mut quire = Quire::start(&format!("[log]\nmax_rows = 5\n{}", lab(&upstream))).await;
    for _ in 0..20 {
        assert_eq!(quire.ask(&whole()).await.status(), 200);
    }
    quire.until("/health", |health| health["log"]["written"] == 20).await;
    let pruned = async {
        while quire.rows(0).await.len() > 5 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, pruned).await.expect("old rows go");
    quire.end().await;
    for (path, _) in stage::files(quire.home.path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.starts_with("quire.db") || !name.contains("trace"), "{name}");
    }
}

/// GodeX 27, opencodex 3: the answer names the upstream's model instead of the one asked for.
#[tokio::test]
async fn the_answer_names_the_model_that_was_asked_for() {
    let upstream =
        Upstream::start(Script::always(says().text("x").model("vendor/other-20260101"))).await;
    let quire =
        Quire::start(&format!("{}[aliases]\n\"gpt-5.5\" = \"lab/mock-model\"\n", lab(&upstream)))
            .await;
    for asked in ["gpt-5.5", "lab/mock-model"] {
        let told = quire.stream(&body(json!({"model": asked}))).await;
        let named = |event: &Value| event["response"]["model"].as_str().map(str::to_owned);
        assert!(told.events.iter().filter_map(named).all(|name| name == asked));
        let mut answer = quire.ask(&body(json!({"model": asked, "stream": false}))).await;
        assert_eq!(answer.json().await.unwrap()["model"], asked);
    }
}

/// GodeX 28: a new provider needs a change of the program.
#[tokio::test]
async fn a_new_provider_is_a_file() {
    let upstream = Upstream::start(Script::always(says().text("mine"))).await;
    let home = TempDir::new().unwrap();
    std::fs::create_dir(home.path().join("providers")).unwrap();
    let record = format!(
        "id = \"mine\"\nname = \"Mine\"\nbase_url = \"{}\"\nauth = {{ scheme = \"bearer\", optional = true }}\n\n[[models]]\nid = \"own-model\"\ncontext = 4000\n",
        upstream.base_url()
    );
    std::fs::write(home.path().join("providers/mine.toml"), record).unwrap();
    write_config(home.path(), "[providers.mine]\npreset = \"mine\"\napi_key = \"k\"\n");
    let quire = Quire::at(home, &[]).await;
    let told = quire.stream(&body(json!({"model": "mine/own-model"}))).await;
    assert_eq!(told.assert_ended("response.completed").text(), "mine");
    assert_eq!(quire.get("/v1/models/mine%2Fown-model").await["id"], "mine/own-model");
}

/// opencodex 1: a stream that is cut after its text is `completed`, with no usage.
#[tokio::test]
async fn a_stream_without_its_end_is_failed() {
    for step in [
        says().text("half of").cut(End::Close).into(),
        says().text("half of").cut(End::Reset).into(),
        says().text("half of").without_finish().without_done().without_usage().into(),
        says().text("half of").without_finish().over(line().close_after()),
    ] {
        let upstream = Upstream::start(Script::always(step)).await;
        let quire = Quire::before(&upstream).await;
        quire.stream(&plain()).await.assert_failed("server_error");
        assert_eq!(quire.rows(1).await[0]["outcome"], "failed");
    }
}

/// opencodex 2: an unknown provider prefix is sent to the default provider in silence.
#[tokio::test]
async fn an_unknown_prefix_goes_nowhere() {
    let upstream = Upstream::start(Script::always(silence())).await;
    let quire =
        Quire::start(&format!("{}[default]\nmodel = \"lab/mock-model\"\n", lab(&upstream))).await;
    for model in ["nobody/mock-model", "Lab/mock-model", "lab:mock-model", "mock-model/lab"] {
        let error = refused(quire.ask(&body(json!({"model": model}))).await, 404).await;
        assert_eq!(error["code"], "model_not_found", "{model}");
    }
    assert!(upstream.requests().is_empty());
}

/// opencodex 9: missing usage is reported as zeros, and Codex never compacts.
#[tokio::test]
async fn missing_usage_is_estimated_and_noted() {
    let upstream =
        Upstream::start(Script::always(says().text("twelve words or so").without_usage())).await;
    let quire = Quire::before(&upstream).await;
    let told = quire.stream(&body(json!({"input": "words ".repeat(1000)}))).await;
    let usage = &told.last()["response"]["usage"];
    assert!(usage["input_tokens"].as_u64().unwrap() > 500, "{usage}");
    assert!(usage["output_tokens"].as_u64().unwrap() > 0, "{usage}");
    assert!(told.note_codes().contains(&"usage-estimated"));
}

/// opencodex 12: a `response.heartbeat` event that no schema knows.
#[tokio::test]
async fn signs_of_life_are_events_of_the_schema() {
    let upstream =
        Upstream::start(says().text("a").pause(Duration::from_millis(1500)).text("b")).await;
    let quire =
        Quire::start(&format!("[server]\nkeep_alive_seconds = 1\n{}", lab(&upstream))).await;
    // The judge refuses every event that is in no schema.
    let told = quire.stream(&plain()).await;
    assert_eq!(told.names().iter().filter(|name| **name == "response.in_progress").count(), 2);
}

/// opencodex 13: upstreams see the name of a runtime instead of the product's.
#[tokio::test]
async fn upstreams_see_who_asks() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    quire.stream(&plain()).await;
    quire.ask(&whole()).await;
    for request in upstream.requests() {
        assert_eq!(request.header("user-agent"), Some(gateway::USER_AGENT));
    }
}

/// opencodex 15: stored responses cannot be retrieved. quire stores none yet, and says so.
#[tokio::test]
async fn what_is_not_stored_is_said_not_to_be() {
    let upstream = Upstream::start(Script::always(says().text("x"))).await;
    let quire = Quire::before(&upstream).await;
    let told = quire.stream(&body(json!({"store": true}))).await;
    let response = &told.last()["response"];
    assert_eq!(response["store"], false);
    assert!(told.note_codes().contains(&"not-stored"));
    let id = response["id"].as_str().unwrap();
    let answer = quire.client().get(&format!("/v1/responses/{id}")).await.unwrap();
    refused(answer, 404).await;
    let follow = body(json!({"previous_response_id": id}));
    let error = refused(quire.ask(&follow).await, 400).await;
    assert_eq!(error["param"], "previous_response_id");
}
