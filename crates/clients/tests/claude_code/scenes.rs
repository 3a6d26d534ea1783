//! Claude Code plays the scenes that every client plays, onto every upstream.

use clients::claude_code::{HANDS, Outcome, Run};
use clients::scene::{LIMIT, Scene};
use clients::{Sent, Stage, each_upstream};
use testkit::Dialect;

use super::setup;

each_upstream!(
    text_is_answered_and_counted,
    a_stream_in_tiny_pieces_is_the_same_stream,
    a_command_creates_a_file_and_its_output_returns,
    parallel_calls_run_both_and_answer_in_order,
    a_note_is_written_and_edited_and_the_thoughts_return,
    a_429_is_waited_for_as_long_as_it_asks,
    an_upstream_that_cuts_once_is_asked_again,
    a_permanent_refusal_ends_at_once_in_the_upstreams_words,
    a_wrong_key_ends_at_once_in_the_upstreams_words,
    an_empty_balance_ends_at_once_in_the_upstreams_words,
    an_upstream_that_always_cuts_ends_in_an_honest_failure,
);

/// Plays a scene; the outcome and the requests are for what only one test wants to know.
async fn play(name: &str, upstream: Dialect) -> (Outcome, Vec<Sent>) {
    let scene = Scene::named(name);
    let stage = Stage::for_scene(scene, upstream, HANDS).await;
    setup().write(&stage.room, stage.quire.address());
    let outcome = Run::print(&stage.room, scene.prompt).limit(LIMIT).run().await;
    scene.judge(&outcome.ending(), |file| stage.room.read(file));
    let sent = stage.conversation(HANDS);
    stage.leave();
    (outcome, sent)
}

async fn text_is_answered_and_counted(upstream: Dialect) {
    let (outcome, sent) = play("text", upstream).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body["model"], "mock-model");
    assert!(sent[0].instructions().contains("You are a Claude agent"));
    assert!(sent[0].tool("Bash").is_some() && sent[0].tool("Edit").is_some());
    assert!(outcome.retries().is_empty());
    assert_eq!(outcome.turns(), 1);
}

async fn a_stream_in_tiny_pieces_is_the_same_stream(upstream: Dialect) {
    play("bytes-in-pieces", upstream).await;
}

async fn a_command_creates_a_file_and_its_output_returns(upstream: Dialect) {
    let (outcome, sent) = play("file", upstream).await;
    assert_eq!(outcome.said("thinking").count(), 1, "the thought is shown");
    assert_eq!(outcome.calls()[0].0, "Bash");
    assert!(!outcome.results()[0].0, "{:?}", outcome.results());
    assert_eq!(sent.len(), 2);
    let second = &sent[1];
    assert_eq!(second.calls()[0].1, "Bash");
    let call = second.calls()[0].0.to_owned();
    let answered: Vec<&str> = second.results().iter().map(|(id, _)| *id).collect();
    assert_eq!(answered, [call.as_str()]);
}

async fn parallel_calls_run_both_and_answer_in_order(upstream: Dialect) {
    let (outcome, sent) = play("parallel-calls", upstream).await;
    assert_eq!(outcome.calls().len(), 2);
    let ids: Vec<&str> = sent[1].calls().iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, ["call_a", "call_b"]);
    let answered: Vec<&str> = sent[1].results().iter().map(|(id, _)| *id).collect();
    assert_eq!(answered, ids);
}

async fn a_note_is_written_and_edited_and_the_thoughts_return(upstream: Dialect) {
    let (outcome, sent) = play("edit", upstream).await;
    let calls: Vec<&str> = outcome.calls().iter().map(|(name, _)| *name).collect();
    assert_eq!(calls, ["Write", "Edit"]);
    let last = &sent[2];
    let arguments = &last.calls()[1].2;
    assert_eq!(
        arguments["new_string"], "zwei \"2\" \\ 漢字 🙂",
        "arguments come back as they were"
    );
    assert!(last.said("assistant").iter().any(|text| text.contains("I write it.")));
    // The strict upstreams check the seals; a Chat server that is not known to want its
    // thoughts back does not get them.
    if upstream != Dialect::Chat {
        assert_eq!(last.reasoning().len(), 1, "{:?}", last.reasoning());
    }
}

async fn a_429_is_waited_for_as_long_as_it_asks(upstream: Dialect) {
    let (outcome, sent) = play("throttled", upstream).await;
    assert!(outcome.wall.as_millis() >= 1000, "nobody waited: {:?}", outcome.wall);
    assert_eq!(outcome.retries().len(), 1, "{:?}", outcome.retries());
    assert_eq!(sent.len(), 2);
}

async fn an_upstream_that_cuts_once_is_asked_again(upstream: Dialect) {
    let (_, sent) = play("cut-once", upstream).await;
    assert_eq!(sent.len(), 2);
    // What was half said must not come back as if it had been said.
    assert_eq!(sent[1].said("assistant"), [""; 0]);
}

async fn a_permanent_refusal_ends_at_once_in_the_upstreams_words(upstream: Dialect) {
    let (outcome, sent) = play("refused-for-ever", upstream).await;
    // Whatever a 400 says, Claude Code leaves out one beta after the other before it believes it.
    assert!(sent.len() <= 6, "asked {} times", sent.len());
    ended_at_once(&outcome);
}

async fn a_wrong_key_ends_at_once_in_the_upstreams_words(upstream: Dialect) {
    let (outcome, sent) = play("wrong-key", upstream).await;
    assert_eq!(sent.len(), 1, "asked {} times", sent.len());
    ended_at_once(&outcome);
}

async fn an_empty_balance_ends_at_once_in_the_upstreams_words(upstream: Dialect) {
    let (outcome, sent) = play("no-balance", upstream).await;
    assert_eq!(sent.len(), 1, "asked {} times", sent.len());
    ended_at_once(&outcome);
}

fn ended_at_once(outcome: &Outcome) {
    assert!(outcome.retries().is_empty(), "{:?}", outcome.retries());
    assert_eq!(outcome.code, Some(1));
}

async fn an_upstream_that_always_cuts_ends_in_an_honest_failure(upstream: Dialect) {
    let (outcome, sent) = play("keeps-failing", upstream).await;
    assert_eq!(outcome.code, Some(1), "it gives up: {outcome:#?}");
    assert!((2..=10).contains(&sent.len()), "asked {} times", sent.len());
}
