//! What Claude Code asks beside the conversation: counts of tokens, the list of models; and the
//! other forms of its key and of its output.

use clients::claude_code::{HANDS, Run};
use clients::{Stage, each_upstream};
use testkit::Dialect;
use testkit::script::{Script, says};
use testkit::strict::Profile;

use super::{run, setup, stage};

each_upstream!(
    the_context_is_counted,
    the_result_alone_says_the_same,
    the_name_that_claude_code_knows_is_an_alias,
);

async fn the_context_is_counted(upstream: Dialect) {
    let stage = stage("context", upstream, Script::default()).await;
    let outcome = run(&stage, &setup(), "/context").await;
    outcome.succeeded();
    assert!(outcome.answer().contains("Context"), "{}", outcome.answer());
    assert_eq!(stage.sent().len(), 0, "nothing is asked to answer");
    // Chat Completions has no place that counts; there quire estimates.
    let counts = stage.upstream.counts().len();
    assert_eq!(counts > 0, upstream != Dialect::Chat, "{counts} counts");
    stage.leave();
}

async fn the_result_alone_says_the_same(upstream: Dialect) {
    let stage = stage("json", upstream, says().text("Hello.")).await;
    setup().api_key().write(&stage.room, stage.quire.address());
    let outcome = Run::result_only(&stage.room, "Greet me").run().await;
    outcome.succeeded();
    assert_eq!(outcome.events.len(), 1);
    assert_eq!(outcome.answer(), "Hello.");
    stage.leave();
}

async fn the_name_that_claude_code_knows_is_an_alias(upstream: Dialect) {
    let stage = stage("alias", upstream, says().text("Hello.")).await;
    let outcome = run(&stage, &setup().variable("ANTHROPIC_MODEL", "claude-opus-5-5"), "Hi").await;
    outcome.succeeded();
    let sent = stage.conversation(HANDS);
    assert_eq!(sent[0].body["model"], "mock-model");
    // The answer names the model that was asked for.
    let told = outcome.of_type("assistant").next().map(|event| event["message"]["model"].clone());
    assert_eq!(told, Some("claude-opus-5-5".into()));
    stage.leave();
}

#[tokio::test]
async fn the_models_of_the_gateway_are_discovered() {
    let config = |upstream: &str| {
        let config = clients::stage::able(Dialect::Messages, upstream);
        format!("{config}\"claude-lab-1\" = \"lab/mock-model\"\n")
    };
    let stage = Stage::with("discovery", Profile::Anthropic, says().text("Hello."), config).await;
    let setup = setup().variable("CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY", 1);
    let outcome = run(&stage, &setup, "Hi").await;
    outcome.succeeded();
    let found = files_holding(&stage.room.home(), "claude-lab-1");
    assert!(found, "nothing that Claude Code keeps names the model");
    stage.leave();
}

fn files_holding(folder: &std::path::Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            return files_holding(&path, text);
        }
        std::fs::read_to_string(path).is_ok_and(|content| content.contains(text))
    })
}
