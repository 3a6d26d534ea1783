//! Pi plays the scenes that every client plays.

use clients::pi::{HANDS, Outcome, Run};
use clients::scene::{LIMIT, Scene};
use clients::{Sent, Stage};
use testkit::Dialect;

use super::setup;

clients::each_pair! {
    text_is_answered_and_counted,
    a_file_is_written_and_edited,
    parallel_calls_run_both,
    a_refusal_ends_at_once,
    a_cut_is_asked_again,
}

/// Plays a scene; the outcome and the requests are for what only this test wants to know.
async fn play(name: &str, client: Dialect, upstream: Dialect) -> (Outcome, Vec<Sent>) {
    let scene = Scene::named(name);
    let stage = Stage::for_scene(scene, upstream, HANDS).await;
    // Pi's own retries are on: that they are needed or not is part of the scene.
    setup(client, upstream).retries().write(&stage.room, stage.quire.address());
    let outcome = Run::new(&stage.room, scene.prompt).limit(LIMIT).run().await;
    scene.judge(&outcome.ending(), |file| stage.room.read(file));
    let sent = stage.conversation(HANDS);
    stage.leave();
    (outcome, sent)
}

async fn text_is_answered_and_counted(client: Dialect, upstream: Dialect) {
    let (outcome, sent) = play("text", client, upstream).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body["model"], "mock-model");
    assert!(sent[0].instructions().contains("operating inside pi"), "{:#}", sent[0].body);
    assert_eq!(sent[0].tools(), ["read", "bash", "edit", "write"]);
    assert_eq!(outcome.retries(), 0);
}

async fn a_file_is_written_and_edited(client: Dialect, upstream: Dialect) {
    let (outcome, sent) = play("edit", client, upstream).await;
    let tools: Vec<&str> = outcome.tools().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(tools, ["write", "edit"]);
    let calls = sent[2].calls();
    let results = sent[2].results();
    assert_eq!(calls.len(), 2, "{calls:?}");
    for ((id, ..), (answered, _)) in calls.iter().zip(&results) {
        assert_eq!(id, answered, "{results:?}");
    }
}

async fn parallel_calls_run_both(client: Dialect, upstream: Dialect) {
    let (outcome, sent) = play("parallel-calls", client, upstream).await;
    assert_eq!(outcome.tools().len(), 2);
    assert_eq!(sent[1].calls().len(), 2);
    assert_eq!(sent[1].results().len(), 2);
}

async fn a_refusal_ends_at_once(client: Dialect, upstream: Dialect) {
    let (outcome, sent) = play("refused-for-ever", client, upstream).await;
    // Pi looks for words such as `500` or `overloaded` in all of the error's text to tell whether
    // it passes, and the id that an error of Messages names may hold such a number by chance.
    let by_chance = if client == Dialect::Messages { 2 } else { 0 };
    assert!(sent.len() <= 1 + by_chance, "asked {} times", sent.len());
    assert_eq!(outcome.retries(), sent.len() - 1);
}

async fn a_cut_is_asked_again(client: Dialect, upstream: Dialect) {
    let (outcome, sent) = play("cut-once", client, upstream).await;
    assert_eq!(sent.len(), 2);
    assert_eq!(outcome.retries(), 1);
    // What was half said must not come back as if it had been said.
    assert_eq!(sent[1].said("assistant"), [""; 0]);
}

#[tokio::test]
async fn the_rest_of_the_scenes_ends_as_it_must() {
    for (name, client, upstream) in [
        ("bytes-in-pieces", Dialect::Messages, Dialect::Chat),
        ("file", Dialect::Chat, Dialect::Messages),
        ("throttled", Dialect::Messages, Dialect::Responses),
        ("wrong-key", Dialect::Responses, Dialect::Messages),
        ("no-balance", Dialect::Chat, Dialect::Responses),
    ] {
        play(name, client, upstream).await;
    }
}
