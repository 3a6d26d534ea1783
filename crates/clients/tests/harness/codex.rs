//! Codex on its recordings.

use clients::codex::{AppServer, Run, Setup};
use clients::replay::Replay;
use clients::scene::Usage;
use clients::{Room, codex};
use serde_json::json;

async fn play(name: &str, setup: Setup) -> (Room, Replay, codex::Outcome) {
    let room = Room::fresh(name);
    let replay = Replay::codex(name).await;
    setup.write(&room, &replay.base_url());
    let outcome = Run::exec(&room, "Do as you are told").run().await;
    (room, replay, outcome)
}

#[tokio::test]
async fn a_recorded_tool_loop_edits_the_workspace() {
    let (room, replay, outcome) = play("tool-loop", Setup::new("gpt-5.5")).await;
    outcome.succeeded();
    assert_eq!(room.read("a.txt").as_deref(), Some("one\n"));
    assert_eq!(outcome.commands(), [("/bin/bash -lc 'echo one > a.txt && cat a.txt'", "one\n")]);
    assert_eq!(outcome.items("file_change").count(), 1);
    assert_eq!(outcome.answer(), "All done.");
    let expected = Usage { input: 3600, cached: 3000, output: 120, reasoning: 30 };
    assert_eq!(outcome.usage(), Some(expected));
    assert_eq!(replay.asked().len(), 3);
}

#[tokio::test]
async fn a_recorded_mcp_call_reaches_the_toy_server_and_the_warning_is_a_complaint() {
    let setup = Setup::new("deepseek/deepseek-v4-pro").toy_mcp();
    let (_room, _replay, outcome) = play("mcp-namespace-call", setup).await;
    let call = outcome.items("mcp_tool_call").next().expect("the tool was called");
    assert_eq!(call["result"]["content"], json!([{"type": "text", "text": "sum=5"}]));
    let complaints = outcome.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("Model metadata"), "{complaints:?}");
}

#[tokio::test]
async fn a_session_over_the_app_server_can_be_compacted() {
    let room = Room::fresh("app-server");
    let replay = Replay::codex_each(&["text-gpt-5.5", "text-gpt-5.5"]).await;
    Setup::new("gpt-5.5").write(&room, &replay.base_url());
    let mut session = AppServer::open(&room).await;
    let turn = session.turn("Say hello").await;
    assert_eq!(turn["items"][0]["text"], "Hello from the mock.");
    let compacted = session.compact().await;
    assert_eq!(compacted["status"], "completed");
    assert_eq!(replay.asked()[1].body["tools"], json!([]));
}

#[tokio::test]
async fn a_login_under_the_name_openai_compresses_its_bodies() {
    let room = Room::fresh("login");
    let replay = Replay::codex("text-gpt-5.5").await;
    let chatgpt = Replay::serve(Vec::new()).await;
    Setup::new("gpt-5.5")
        .provider_name("OpenAI")
        .login(&chatgpt.base_url())
        .write(&room, &replay.base_url());
    Run::exec(&room, "Hello").run().await;
    let asked = replay.asked();
    let header = |wanted: &str| {
        let found = asked[0].headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    assert_eq!(header("content-encoding"), "zstd");
    assert!(header("chatgpt-account-id").contains("qCANARYq"));
    assert!(header("authorization").ends_with("qCANARYq"));
}
