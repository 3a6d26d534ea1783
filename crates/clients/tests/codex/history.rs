//! What Codex sends again: resumed threads, reviews, compaction in both forms, sub-agents.

use std::time::Duration;

use clients::Stage;
use clients::codex::{AppServer, Run, Setup};
use clients::scene::Usage;
use clients::sent::chat;
use clients::stage::preset;
use serde_json::{Value, json};
use testkit::script::{Script, Usage as Tokens, says};
use testkit::strict::Profile;
use testkit::upstream::Recorded;

use super::{run, with_catalog};

/// Enough tokens that Codex compacts before it goes on.
const FULL: Tokens = Tokens { prompt: 260_000, completion: 400, cached: 0, reasoning: 0 };

#[tokio::test]
async fn a_resumed_thread_gives_the_upstream_its_reasoning_back() {
    let script = Script::steps([
        says()
            .reasoning("I need a file.")
            .call("call_1", "exec_command", json!({"cmd": "echo 1"}))
            .into(),
        says().reasoning("It printed one.").text("One.").into(),
        says().text("Two.").into(),
    ]);
    let config = |upstream: &str| preset(upstream, "127.0.0.1:0", &["deepseek"], "");
    let stage = Stage::with("resume", Profile::DeepSeek, script, config).await;
    let setup = Setup::new("deepseek/deepseek-v4-pro").catalog();
    let first = run(&stage, &setup, "Count").await;
    first.succeeded();
    assert_eq!(first.answer(), "One.");
    let second = Run::resume(&stage.room, first.thread(), "Go on").run().await;
    second.succeeded();
    assert_eq!(second.answer(), "Two.");

    let sent = stage.sent();
    let reasoned = |body: &Value| -> Vec<String> {
        chat::of_role(body, "assistant")
            .filter_map(|message| message["reasoning_content"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(reasoned(&sent[1]), ["I need a file."]);
    assert_eq!(reasoned(&sent[2])[0], "I need a file.");
    let texts: Vec<String> = chat::of_role(&sent[2], "assistant").map(chat::text).collect();
    assert_eq!(texts.last().map(String::as_str), Some("One."));
    let users: Vec<String> = chat::of_role(&sent[2], "user").map(chat::text).collect();
    assert_eq!(users.last().map(String::as_str), Some("Go on"));
    stage.leave();
}

#[tokio::test]
async fn a_review_is_answered() {
    let findings = r#"{"findings":[],"overall_correctness":"patch is correct",
        "overall_explanation":"Nothing to say.","overall_confidence_score":0.9}"#;
    let stage = Stage::set("review", says().text(findings)).await;
    Setup::new("gpt-5.5").write(&stage.room, &stage.quire.base_url());
    let outcome = Run::review(&stage.room, "Check everything").run().await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Nothing to say.");
    assert!(chat::text(&stage.sent()[0]["messages"][0]).contains("Review guidelines"));
    stage.leave();
}

#[tokio::test]
async fn a_full_thread_is_compacted_by_codex_itself() {
    let script = Script::steps([
        says().call("call_1", "exec_command", json!({"cmd": "echo hi"})).usage(FULL).into(),
        says().text("SUMMARY: it said hi.").into(),
        says().text("Done after all.").into(),
    ]);
    let stage = Stage::set("compaction-local", script).await;
    let outcome = run(&stage, &Setup::new("gpt-5.5"), "Say hi").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Done after all.");

    let sent = stage.sent();
    assert_eq!(sent.len(), 3);
    for member in ["tools", "tool_choice", "parallel_tool_calls"] {
        assert!(sent[1].get(member).is_none(), "`{member}` goes with the last tool");
    }
    assert!(chat::calls(&sent[2]).is_empty(), "the old calls are gone");
    let users: Vec<String> = chat::of_role(&sent[2], "user").map(chat::text).collect();
    assert!(users.iter().any(|text| text.contains("SUMMARY: it said hi.")), "{users:?}");
    stage.leave();
}

#[tokio::test]
async fn a_full_thread_of_the_name_openai_is_compacted_by_quire() {
    let script = Script::steps([
        says().call("call_1", "exec_command", json!({"cmd": "echo hi"})).usage(FULL).into(),
        says().text("SUMMARY: it said hi.").into(),
        says().text("Done after all.").into(),
    ]);
    let stage = Stage::set("compaction-inline", script).await;
    let setup = Setup::new("gpt-5.5").provider_name("OpenAI");
    let outcome = run(&stage, &setup, "Say hi").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "Done after all.");

    let sent = stage.sent();
    assert_eq!(sent.len(), 3);
    assert!(chat::calls(&sent[1]).len() == 1, "the summary is made from the whole history");
    assert!(chat::calls(&sent[2]).is_empty(), "the old calls are gone");
    let all = sent[2]["messages"].to_string();
    assert!(all.contains("SUMMARY: it said hi."), "the summary comes back in the clear");
    stage.leave();
}

#[tokio::test]
async fn a_thread_compacted_by_hand_goes_on_from_the_summary() {
    let script = Script::steps([
        says().text("The sea is blue.").into(),
        says().text("SUMMARY: we spoke of the sea.").into(),
        says().text("Still blue.").into(),
    ]);
    let stage = Stage::set("compaction-by-hand", script).await;
    Setup::new("gpt-5.5").write(&stage.room, &stage.quire.base_url());
    let mut session = AppServer::open(&stage.room).await;
    assert_eq!(session.turn("What is the sea?").await["items"][0]["text"], "The sea is blue.");
    assert_eq!(session.compact().await["status"], "completed");
    assert_eq!(session.turn("And now?").await["items"][0]["text"], "Still blue.");
    assert_eq!(session.seen("error").count(), 0);
    let last = stage.sent()[2]["messages"].to_string();
    assert!(last.contains("SUMMARY: we spoke of the sea."));
    assert!(!last.contains("The sea is blue."));
    stage.leave();
}

#[tokio::test]
async fn an_interrupted_turn_ends_the_upstream_request() {
    let script = Script::steps([
        says().text("A long story: ").pause(Duration::from_secs(20)).text("never told").into(),
        says().text("Another one.").into(),
    ]);
    let stage = Stage::set("interrupt", script).await;
    Setup::new("gpt-5.5").write(&stage.room, &stage.quire.base_url());
    let mut session = AppServer::open(&stage.room).await;
    let turn = session.start_turn("Tell me a story").await;
    session.notification("item/agentMessage/delta").await;
    assert_eq!(session.interrupt(&turn).await["status"], "interrupted");
    let closed = stage.upstream.until(Duration::from_secs(1), |upstream| {
        upstream.completions().first().is_some_and(|request| request.closed().is_some())
    });
    assert!(closed.await, "the upstream went on for nobody");
    assert_eq!(session.turn("Another").await["items"][0]["text"], "Another one.");
    stage.leave();
}

/// What the scripted model does as a parent with one child. The parent's second call needs the id
/// that its first one returned.
fn parent_and_child(request: &Recorded) -> testkit::script::Step {
    let body = &request.json;
    let Some(spawn) = chat::offered(body, "spawn_agent") else {
        // Only the parent may spawn.
        return says().text("The child says 42.").into();
    };
    match &chat::results(body)[..] {
        [] => says().call("call_spawn", spawn, json!({"message": "What is the answer?"})).into(),
        [(_, spawned)] => {
            let spawned: Value = serde_json::from_str(spawned).unwrap_or_default();
            let wait = chat::offered(body, "wait_agent").unwrap_or("wait_agent");
            let targets = json!({"targets": [spawned["agent_id"]], "timeout_ms": 10_000});
            says().call("call_wait", wait, targets).into()
        }
        _ => says().text("My child found 42.").into(),
    }
}

#[tokio::test]
async fn a_sub_agent_works_and_reports_to_its_parent() {
    let stage = Stage::set("sub-agent", Script::choose(parent_and_child)).await;
    let outcome = run(&stage, &with_catalog(), "Ask a sub-agent").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "My child found 42.");
    let states: Vec<String> =
        outcome.items("collab_tool_call").map(|item| item["agents_states"].to_string()).collect();
    assert!(states.last().is_some_and(|last| last.contains("The child says 42.")), "{states:?}");

    let sent = stage.sent();
    assert_eq!(sent.len(), 4);
    let child = sent.iter().find(|body| chat::offered(body, "spawn_agent").is_none());
    let child = child.expect("the child asked too");
    let users: Vec<String> = chat::of_role(child, "user").map(chat::text).collect();
    assert!(users.last().is_some_and(|last| last.contains("What is the answer?")), "{users:?}");
    let told = sent.iter().any(|body| {
        chat::results(body).get(1).is_some_and(|(_, text)| text.contains("The child says 42."))
    });
    assert!(told, "the parent was told");
    stage.leave();
}

/// The same for the newer kind of sub-agents, which have names and write letters.
fn parent_and_child_by_letter(request: &Recorded) -> testkit::script::Step {
    let body = &request.json;
    let last = chat::of_role(body, "user").map(chat::text).last().unwrap_or_default();
    if last.contains("Message Type: NEW_TASK") {
        return says().text("The child says 42.").into();
    }
    let offered = |name| chat::offered(body, name).unwrap_or(name);
    match chat::results(body).len() {
        0 => {
            let task = json!({"task_name": "counter", "message": "What is the answer?"});
            says().call("call_spawn", offered("spawn_agent"), task).into()
        }
        1 => {
            let wait = json!({"timeout_ms": 10_000});
            says().call("call_wait", offered("wait_agent"), wait).into()
        }
        _ => says().text("My child wrote 42.").into(),
    }
}

#[tokio::test]
async fn the_letters_between_sub_agents_can_be_read_by_the_model() {
    let script = Script::choose(parent_and_child_by_letter);
    let stage = Stage::set("sub-agent-letters", script).await;
    let outcome = run(&stage, &Setup::new("gpt-6-astra"), "Ask a sub-agent").await;
    outcome.succeeded();
    assert_eq!(outcome.answer(), "My child wrote 42.");
    let sent = stage.sent();
    let was_read = |letter: &str| {
        sent.iter()
            .flat_map(|body| chat::of_role(body, "user"))
            .any(|m| chat::text(m).contains(letter))
    };
    assert!(was_read("What is the answer?"), "the child got its task");
    assert!(was_read("The child says 42."), "the parent got the answer");
    // A schema member that only OpenAI knows.
    assert!(sent.iter().all(|body| !body["tools"].to_string().contains("\"encrypted\":")));
    stage.leave();
}

#[tokio::test]
async fn the_usage_of_a_session_is_the_sum_of_its_requests() {
    let tokens = Tokens { prompt: 500, completion: 20, cached: 100, reasoning: 3 };
    let script = Script::steps([
        says().text("One.").usage(tokens).into(),
        says().text("Two.").usage(tokens).into(),
    ]);
    let stage = Stage::set("usage", script).await;
    let setup = Setup::new("gpt-5.5");
    let first = run(&stage, &setup, "Once").await;
    let once = Usage { input: 500, cached: 100, output: 20, reasoning: 3 };
    assert_eq!(first.succeeded().usage(), Some(once));
    let second = Run::resume(&stage.room, first.thread(), "Twice").run().await;
    let twice = Usage { input: 1000, cached: 200, output: 40, reasoning: 6 };
    assert_eq!(second.succeeded().usage(), Some(twice));
    stage.leave();
}
