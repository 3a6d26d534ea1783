//! Codex plays the scenes that every client plays, onto every upstream.

use clients::codex::{HANDS, Outcome, Run, Setup};
use clients::scene::{LIMIT, Scene};
use clients::sent::chat;
use clients::{Sent, Stage, each_upstream};
use testkit::Dialect;

each_upstream!(
    text_is_answered_and_counted,
    a_stream_in_tiny_pieces_is_the_same_stream,
    a_command_creates_a_file_and_its_output_returns,
    parallel_calls_run_both_and_answer_in_order,
    a_note_is_written_and_patched,
    a_429_is_waited_for_as_long_as_it_asks,
    an_upstream_that_cuts_once_is_asked_again,
    a_permanent_refusal_ends_at_once_in_the_upstreams_words,
    a_wrong_key_ends_at_once_in_the_upstreams_words,
    an_empty_balance_ends_at_once_in_the_upstreams_words,
    an_upstream_that_always_cuts_ends_in_an_honest_failure,
);

/// Plays a scene; the outcome and the requests are for what only this test wants to know.
async fn play(name: &str, upstream: Dialect) -> (Outcome, Vec<Sent>) {
    let scene = Scene::named(name);
    let stage = Stage::for_scene(scene, upstream, HANDS).await;
    // Codex's own retries are on: that they are needed or not is part of the scene.
    Setup::new("gpt-5.5").retries().write(&stage.room, &stage.quire.base_url());
    let outcome = Run::exec(&stage.room, scene.prompt).limit(LIMIT).run().await;
    scene.judge(&outcome.ending(), |file| stage.room.read(file));
    let sent = stage.conversation(HANDS);
    stage.leave();
    (outcome, sent)
}

async fn text_is_answered_and_counted(upstream: Dialect) {
    let (outcome, sent) = play("text", upstream).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body["model"], "mock-model");
    assert!(sent[0].instructions().contains("You are Codex"));
    if upstream == Dialect::Chat {
        assert_eq!(chat::roles(&sent[0].body)[0], "system", "the base instructions come first");
    }
    assert_eq!(outcome.answers().len(), 1);
    assert!(outcome.retries().is_empty());
}

async fn a_stream_in_tiny_pieces_is_the_same_stream(upstream: Dialect) {
    play("bytes-in-pieces", upstream).await;
}

async fn a_command_creates_a_file_and_its_output_returns(upstream: Dialect) {
    let (outcome, sent) = play("file", upstream).await;
    assert_eq!(outcome.commands().len(), 1);
    assert_eq!(sent.len(), 2);
    let second = &sent[1];
    assert_eq!(second.calls()[0].0, "call_1");
    assert_eq!(second.calls()[0].1, "exec_command");
    let results = second.results();
    assert!(results.len() == 1 && results[0].0 == "call_1", "{results:?}");
    assert!(results[0].1.contains("exited with code 0"), "{results:?}");
}

async fn parallel_calls_run_both_and_answer_in_order(upstream: Dialect) {
    let (outcome, sent) = play("parallel-calls", upstream).await;
    assert_eq!(outcome.commands().len(), 2);
    let results = sent[1].results();
    let ids: Vec<&str> = results.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["call_a", "call_b"]);
    if upstream == Dialect::Chat {
        let message = chat::of_role(&sent[1].body, "assistant").last();
        let together = message.and_then(|message| message["tool_calls"].as_array());
        assert_eq!(together.map(Vec::len), Some(2), "one message calls both");
    }
}

async fn a_note_is_written_and_patched(upstream: Dialect) {
    let (outcome, sent) = play("edit", upstream).await;
    assert_eq!(outcome.items("file_change").count(), 2);
    let patched = &sent[2].calls()[1].2;
    assert!(patched["input"].as_str().is_some_and(|patch| patch.contains("*** Update File")));
    assert!(sent[2].said("assistant").iter().any(|text| text == "I write it."));
}

async fn a_429_is_waited_for_as_long_as_it_asks(upstream: Dialect) {
    let (outcome, sent) = play("throttled", upstream).await;
    assert!(outcome.wall.as_millis() >= 1000, "nobody waited: {:?}", outcome.wall);
    assert_eq!(sent.len(), 2);
}

async fn an_upstream_that_cuts_once_is_asked_again(upstream: Dialect) {
    let (_, sent) = play("cut-once", upstream).await;
    assert_eq!(sent.len(), 2);
    // What was half said must not come back as if it had been said.
    assert_eq!(sent[0].said("assistant"), sent[1].said("assistant"));
}

async fn a_permanent_refusal_ends_at_once_in_the_upstreams_words(upstream: Dialect) {
    ends_at_once("refused-for-ever", upstream).await;
}

async fn a_wrong_key_ends_at_once_in_the_upstreams_words(upstream: Dialect) {
    ends_at_once("wrong-key", upstream).await;
}

async fn an_empty_balance_ends_at_once_in_the_upstreams_words(upstream: Dialect) {
    ends_at_once("no-balance", upstream).await;
}

async fn ends_at_once(name: &str, upstream: Dialect) {
    let (outcome, sent) = play(name, upstream).await;
    assert_eq!(sent.len(), 1, "asked {} times", sent.len());
    assert!(outcome.retries().is_empty(), "{:?}", outcome.retries());
    assert!(outcome.usage().is_none());
}

async fn an_upstream_that_always_cuts_ends_in_an_honest_failure(upstream: Dialect) {
    let (outcome, sent) = play("keeps-failing", upstream).await;
    assert!(!outcome.retries().is_empty());
    assert!(sent.len() > 1);
    let complaints = outcome.complaints();
    assert!(
        complaints.iter().any(|complaint| complaint.contains("disconnected")),
        "{complaints:?}"
    );
}
