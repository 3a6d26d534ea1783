//! Codex plays the scenes that every client plays.

use clients::Stage;
use clients::codex::{self, Outcome, Run, Setup};
use clients::scene::{LIMIT, Scene};
use clients::sent::chat;
use serde_json::Value;
use testkit::Dialect;

/// Plays a scene; the outcome and the requests are for what only this test wants to know.
async fn play(name: &str) -> (Outcome, Vec<Value>) {
    let scene = Scene::named(name);
    let stage = Stage::for_scene(scene, Dialect::Chat, codex::HANDS).await;
    // Codex's own retries are on: that they are needed or not is part of the scene.
    Setup::new("gpt-5.5").retries().write(&stage.room, &stage.quire.base_url());
    let outcome = Run::exec(&stage.room, scene.prompt).limit(LIMIT).run().await;
    scene.judge(&outcome.ending(), |file| stage.room.read(file));
    let sent = stage.sent();
    stage.leave();
    (outcome, sent)
}

#[tokio::test]
async fn text_is_answered_and_counted() {
    let (outcome, sent) = play("text").await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["model"], "mock-model");
    assert_eq!(chat::roles(&sent[0])[0], "system", "the base instructions come first");
    assert!(chat::text(&sent[0]["messages"][0]).contains("You are Codex"));
    assert_eq!(outcome.answers().len(), 1);
    assert!(outcome.retries().is_empty());
}

#[tokio::test]
async fn a_stream_in_tiny_pieces_is_the_same_stream() {
    play("bytes-in-pieces").await;
}

#[tokio::test]
async fn a_command_creates_a_file_and_its_output_returns() {
    let (outcome, sent) = play("file").await;
    assert_eq!(outcome.commands().len(), 1);
    let [_, second] = &sent[..] else { panic!("two requests, not {}", sent.len()) };
    assert_eq!(chat::calls(second)[0].0, "call_1");
    assert_eq!(chat::calls(second)[0].1, "exec_command");
    let results = chat::results(second);
    assert!(results.len() == 1 && results[0].0 == "call_1", "{results:?}");
    assert!(results[0].1.contains("exited with code 0"), "{results:?}");
}

#[tokio::test]
async fn parallel_calls_run_both_and_answer_in_order() {
    let (outcome, sent) = play("parallel-calls").await;
    assert_eq!(outcome.commands().len(), 2);
    let ids: Vec<String> = chat::results(&sent[1]).into_iter().map(|(id, _)| id.into()).collect();
    assert_eq!(ids, ["call_a", "call_b"]);
    let together = chat::of_role(&sent[1], "assistant").last().map(|m| m["tool_calls"].clone());
    assert_eq!(together.as_ref().and_then(Value::as_array).map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_429_is_waited_for_as_long_as_it_asks() {
    let (outcome, sent) = play("throttled").await;
    assert!(outcome.wall.as_millis() >= 1000, "nobody waited: {:?}", outcome.wall);
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn an_upstream_that_cuts_once_is_asked_again() {
    let (_, sent) = play("cut-once").await;
    assert_eq!(sent.len(), 2);
    // What was half said must not come back as if it had been said.
    assert_eq!(chat::roles(&sent[0]), chat::roles(&sent[1]));
}

#[tokio::test]
async fn a_permanent_refusal_ends_at_once_in_the_upstreams_words() {
    ends_at_once("refused-for-ever").await;
}

#[tokio::test]
async fn a_wrong_key_ends_at_once_in_the_upstreams_words() {
    ends_at_once("wrong-key").await;
}

#[tokio::test]
async fn an_empty_balance_ends_at_once_in_the_upstreams_words() {
    ends_at_once("no-balance").await;
}

async fn ends_at_once(name: &str) {
    let (outcome, sent) = play(name).await;
    assert_eq!(sent.len(), 1, "asked {} times", sent.len());
    assert!(outcome.retries().is_empty(), "{:?}", outcome.retries());
    assert!(outcome.usage().is_none());
}

#[tokio::test]
async fn an_upstream_that_always_cuts_ends_in_an_honest_failure() {
    let (outcome, sent) = play("keeps-failing").await;
    assert!(!outcome.retries().is_empty());
    assert!(sent.len() > 1);
    let complaints = outcome.complaints();
    assert!(
        complaints.iter().any(|complaint| complaint.contains("disconnected")),
        "{complaints:?}"
    );
}
