//! What Codex learns from the gateway: the catalog, the instructions, aliases, the demo model.

use clients::codex::{self, Run, Setup, models, write_config};
use clients::replay::Replay;
use clients::sent::chat;
use clients::stage::{lab, preset};
use clients::{Room, Stage, quire};
use serde_json::Value;
use testkit::script::{Script, says};
use testkit::strict::Profile;

use super::{run, with_catalog};

#[tokio::test]
async fn a_foreign_model_of_the_catalog_is_known_and_may_patch() {
    let stage = Stage::set("catalog", says().text("Here.")).await;
    let outcome = run(&stage, &with_catalog(), "Who are you?").await;
    outcome.succeeded();
    let sent = stage.sent();
    let tools = chat::tools(&sent[0]);
    for name in ["exec_command", "apply_patch", "view_image"] {
        assert!(tools.contains(&name), "no `{name}` in {tools:?}");
    }
    assert!(chat::offered(&sent[0], "spawn_agent").is_some(), "{tools:?}");
    assert!(chat::offered(&sent[0], "tool_search").is_none(), "{tools:?}");

    let listed = models(&stage.room).await;
    let slugs: Vec<&str> = listed["models"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["slug"].as_str())
        .collect();
    for slug in ["lab/mock-model", "gpt-5.5"] {
        assert!(slugs.contains(&slug), "no `{slug}` in {slugs:?}");
    }
    stage.leave();
}

/// The instructions that this Codex sends for a model that it knows itself.
async fn instructions_without_a_gateway() -> String {
    let room = Room::fresh("instructions");
    let replay = Replay::codex("text-gpt-5.5").await;
    Setup::new("gpt-5.5").write(&room, &replay.base_url());
    Run::exec(&room, "Hello").run().await.succeeded();
    let first = &replay.asked()[0].body["input"][0];
    assert_eq!(first["role"], "developer");
    first["content"][0]["text"].as_str().expect("the first item is text").to_owned()
}

#[tokio::test]
async fn after_a_sync_a_foreign_model_gets_the_instructions_of_the_installed_codex() {
    let expected = instructions_without_a_gateway().await;
    let room = Room::fresh("sync");
    let synced = quire::run(&room, &["codex", "sync"]).await;
    assert_eq!(synced.code, Some(0), "{}{}", synced.stdout, synced.stderr);
    assert!(synced.stdout.contains(codex::VERSION), "it says whose: {}", synced.stdout);

    let stage = Stage::in_room(room, Profile::GenericStrict, says().text("Here."), lab).await;
    let outcome = run(&stage, &with_catalog(), "Who are you?").await;
    outcome.succeeded();
    let first = chat::text(&stage.sent()[0]["messages"][0]);
    assert!(first.starts_with(&expected), "other instructions: {first:.300}");
    stage.leave();
}

#[tokio::test]
async fn without_a_sync_a_foreign_model_gets_instructions_of_our_own() {
    let stage = Stage::set("no-sync", says().text("Here.")).await;
    run(&stage, &with_catalog(), "Who are you?").await.succeeded();
    let first = chat::text(&stage.sent()[0]["messages"][0]);
    assert!(!first.trim().is_empty());
    assert!(!first.starts_with("You are Codex, a coding agent based on GPT-5."), "{first:.300}");
    stage.leave();
}

/// The block of GodeX's document for `~/.codex/config.toml`, unchanged, port included.
const GODEX_BLOCK: &str = r#"model = "gpt-5.5"
model_provider = "godex"

[model_providers.godex]
name = "GodeX"
base_url = "http://127.0.0.1:5678/v1"
wire_api = "responses"
requires_openai_auth = false
supports_websockets = false
"#;

#[tokio::test]
async fn the_block_of_the_godex_document_works_unchanged() {
    let script = Script::always(says().text("Here."));
    let config = |upstream: &str| {
        let sets = "alias_sets = [\"codex-defaults\"]";
        preset(upstream, "127.0.0.1:5678", &["deepseek", "zhipu"], sets)
    };
    let stage = Stage::with("godex", Profile::GenericStrict, script, config).await;
    write_config(&stage.room, GODEX_BLOCK);
    let outcome = Run::exec(&stage.room, "Who are you?").run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Here.");

    let aliases = [
        ("gpt-5.4", "deepseek-v4-pro"),
        ("gpt-5.4-mini", "glm-5.1"),
        ("gpt-5.3-codex", "deepseek-v4-pro"),
        ("gpt-5.3-codex-spark", "glm-5.1"),
    ];
    for (alias, _) in aliases {
        let outcome = Run::exec(&stage.room, "And you?").with("-m", alias).run().await;
        assert_eq!((outcome.code, outcome.answer()), (Some(0), "Here."), "{alias}");
    }
    let served: Vec<Value> =
        stage.sent().into_iter().map(|mut sent| sent["model"].take()).collect();
    let mut expected = vec!["deepseek-v4-pro"];
    expected.extend(aliases.map(|(_, model)| model));
    assert_eq!(served, expected);
    stage.leave();
}

#[tokio::test]
async fn a_chatgpt_login_works_and_stays_between_codex_and_quire() {
    // Codex gives its token and account to any provider that asks for its login, and compresses
    // the body for one that is called `OpenAI`. The stage looks for both upstream.
    let stage = Stage::set("login", says().text("Here.")).await;
    let chatgpt = Replay::serve(Vec::new()).await;
    let setup = Setup::new("gpt-5.5").provider_name("OpenAI").login(&chatgpt.base_url());
    let outcome = run(&stage, &setup, "Who are you?").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Here.");
    assert_eq!(stage.sent().len(), 1);
    stage.leave();
}

#[tokio::test]
async fn the_demo_model_shows_a_newcomer_a_tool_loop() {
    let room = Room::fresh("demo");
    let quire = quire::Quire::serve(&room, "[server]\nlisten = \"127.0.0.1:0\"\n").await;
    Setup::new("quire/demo").catalog().write(&room, &quire.base_url());
    let outcome = Run::exec(&room, "Show me").run().await;
    outcome.succeeded();
    assert_eq!(outcome.commands().len(), 1, "{outcome:#?}");
    assert!(outcome.answer().contains("demo"), "it says what it is: {}", outcome.answer());
}

#[tokio::test]
async fn an_unknown_model_ends_at_once_with_suggestions() {
    let stage = Stage::set("unknown-model", Script::default()).await;
    let outcome = run(&stage, &Setup::new("labb/mock-model").retries(), "Hello").await;
    assert_eq!(outcome.code, Some(1));
    let complaints = outcome.complaints().join("\n");
    assert!(complaints.contains("lab/mock-model"), "{complaints}");
    assert!(outcome.retries().is_empty());
    assert!(stage.sent().is_empty());
    stage.leave();
}
