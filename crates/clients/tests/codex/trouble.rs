//! Upstreams that fail in the middle, or in ways for which Codex has words of its own.

use clients::Stage;
use clients::codex::Setup;
use clients::sent::chat;
use serde_json::json;
use testkit::script::{End, Script, html, refuses, says};

use super::run;

fn patient() -> Setup {
    Setup::new("gpt-5.5").retries()
}

#[tokio::test]
async fn a_tool_that_ran_before_the_cut_is_not_run_again() {
    let append = json!({"cmd": "echo x >> count.txt"});
    let script = Script::steps([
        // A second call begins, so the first one is known to be whole; then the line breaks.
        says()
            .call("call_1", "exec_command", append)
            .call_raw("call_2", "exec_command", "{\"cmd\": \"echo y >>")
            .argument_pieces(0)
            .cut(End::Reset)
            .into(),
        says().text("Once is enough.").into(),
    ]);
    let stage = Stage::set("cut-after-call", script).await;
    let outcome = run(&stage, &patient(), "Count").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Once is enough.");
    // Whether the first call was closed before the cut is quire's choice; twice is never right.
    let count = stage.room.read("count.txt").unwrap_or_default();
    assert!(count == "x\n" || count.is_empty(), "{count:?}");
    let again = &stage.sent()[1];
    let called = chat::calls(again).len();
    assert_eq!(called, count.lines().count(), "what ran is in the history, and nothing else");
    stage.leave();
}

/// A call without its end, around a patch that is whole.
const UNFINISHED: &str =
    "{\"input\":\"*** Begin Patch\\n*** Add File: ghost.txt\\n+boo\\n*** End Patch\\n";

#[tokio::test]
async fn a_patch_that_was_cut_is_not_applied() {
    // The cut falls behind a patch that is whole and before the end of its call. Codex runs every
    // call whose item is done, even one marked `incomplete`.
    let script = Script::steps([
        says()
            .call_raw("call_1", "apply_patch", UNFINISHED)
            .argument_pieces(0)
            .cut(End::Reset)
            .into(),
        says().text("Nothing was written.").into(),
    ]);
    let stage = Stage::set("cut-in-patch", script).await;
    let outcome = run(&stage, &patient(), "Write").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Nothing was written.");
    assert_eq!(stage.room.read("ghost.txt"), None);
    assert!(chat::calls(&stage.sent()[1]).is_empty(), "what never ended was never said");
    stage.leave();
}

#[tokio::test]
async fn an_error_inside_the_stream_is_a_failure_and_not_an_answer() {
    let words = "the lab ran out of ink";
    let failing = || says().text("Dear").error("server_error", "ink", words).without_finish();
    let stage = Stage::set("error-in-stream", Script::always(failing())).await;
    let outcome = run(&stage, &Setup::new("gpt-5.5"), "Write").await;
    assert_eq!(outcome.code, Some(1));
    let complaints = outcome.complaints();
    assert!(complaints.iter().any(|complaint| complaint.contains(words)), "{complaints:?}");
    assert!(outcome.usage().is_none());
    stage.leave();
}

#[tokio::test]
async fn a_full_context_is_told_in_codexs_own_words() {
    let words = "This model's maximum context length is 65536 tokens.";
    let refusal = refuses(400).error("invalid_request_error", "context_length_exceeded", words);
    let stage = Stage::set("context", refusal).await;
    let outcome = run(&stage, &patient(), "Write").await;
    assert_eq!(outcome.code, Some(1));
    let complaints = outcome.complaints();
    assert!(
        complaints.iter().any(|complaint| complaint.contains("ran out of room")),
        "{complaints:?}"
    );
    assert_eq!(stage.sent().len(), 1);
    stage.leave();
}

#[tokio::test]
async fn an_answer_that_hit_its_limit_is_incomplete() {
    let stage = Stage::set("length", says().text("Once upon a").finish("length")).await;
    let outcome = run(&stage, &patient(), "Tell").await;
    assert_eq!(outcome.code, Some(1));
    assert_eq!(outcome.answer(), "Once upon a", "what was said is shown");
    let complaints = outcome.complaints();
    assert!(
        complaints.iter().any(|complaint| complaint.contains("max_output_tokens")),
        "{complaints:?}"
    );
    assert_eq!(stage.sent().len(), 1);
    stage.leave();
}

/// Codex would ask five times more for what was filtered, and each time the answer would be paid for.
#[tokio::test]
async fn an_answer_that_was_filtered_ends_at_once_and_says_why() {
    let filtered = || says().text("Once upon a").finish("content_filter");
    let stage = Stage::set("filtered", Script::always(filtered())).await;
    let outcome = run(&stage, &patient(), "Tell").await;
    assert_eq!(outcome.code, Some(1));
    let complaints = outcome.complaints();
    assert!(
        complaints.iter().any(|complaint| complaint.contains("stopped the answer")),
        "{complaints:?}"
    );
    assert_eq!(stage.sent().len(), 1);
    stage.leave();
}

#[tokio::test]
async fn a_patch_that_hit_the_limit_is_not_applied() {
    let unfinished = says().call_raw("call_1", "apply_patch", UNFINISHED).finish("length");
    let stage = Stage::set("length-in-patch", unfinished).await;
    let outcome = run(&stage, &patient(), "Write").await;
    assert_eq!(outcome.code, Some(1));
    assert_eq!(stage.room.read("ghost.txt"), None);
    let complaints = outcome.complaints();
    assert!(
        complaints.iter().any(|complaint| complaint.contains("max_output_tokens")),
        "{complaints:?}"
    );
    stage.leave();
}

#[tokio::test]
async fn a_page_of_html_is_an_error_that_names_the_status() {
    let stage = Stage::set("html", Script::always(html(502))).await;
    let outcome = run(&stage, &Setup::new("gpt-5.5"), "Write").await;
    assert_eq!(outcome.code, Some(1));
    let complaints = outcome.complaints();
    assert!(complaints.iter().any(|complaint| complaint.contains("502")), "{complaints:?}");
    assert!(!complaints.iter().any(|complaint| complaint.contains("<html")), "{complaints:?}");
    stage.leave();
}

#[tokio::test]
async fn an_overloaded_upstream_ends_as_a_lack_of_capacity() {
    let stage = Stage::set("overloaded", Script::always(refuses(503))).await;
    let outcome = run(&stage, &Setup::new("gpt-5.5"), "Write").await;
    assert_eq!(outcome.code, Some(1));
    let complaints = outcome.complaints();
    assert!(complaints.iter().any(|complaint| complaint.contains("capacity")), "{complaints:?}");
    stage.leave();
}
