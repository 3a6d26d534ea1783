//! The official SDKs, driven through the real gateway onto a scripted, strict upstream of each
//! dialect. Each test asserts what the SDK's user sees and what reached the upstream; a refused
//! request fails it.

mod answers;
mod direct;
mod failures;
mod lists;
mod odd;

use clients::sdk::{Calls, Sdk, Told};
use clients::{Room, Sent, Stage};
use testkit::Dialect;
use testkit::script::{Says, Script};

/// The SDKs that speak a dialect.
fn sdks(dialect: Dialect) -> [Sdk; 2] {
    match dialect {
        Dialect::Chat | Dialect::Responses => [Sdk::OpenAiPython, Sdk::OpenAiJs],
        Dialect::Messages => [Sdk::AnthropicPython, Sdk::AnthropicJs],
    }
}

/// Whole answers, streams, and the SDK's own way to put a stream together.
const MODES: [&str; 3] = ["whole", "stream", "helper"];

/// The calls of one name in the dialect of the client, in these modes.
fn calls(client: Dialect, name: &str, modes: &[&str]) -> Vec<String> {
    modes.iter().map(|mode| format!("{}.{name}:{mode}", client.name())).collect()
}

/// These answers, as often as there are modes.
fn for_each_mode<const N: usize>(modes: &[&str], answers: [Says; N]) -> Script {
    Script::steps(modes.iter().flat_map(|_| answers.clone()).map(Into::into))
}

/// What one SDK told, and what reached the upstream.
struct Played {
    told: Vec<Told>,
    sent: Vec<Sent>,
}

/// Plays calls with one SDK on a stage, and leaves it.
#[expect(clippy::print_stderr, reason = "shown when the test fails, which may be at the stage")]
async fn play(stage: Stage, calls: Calls) -> Played {
    let told = calls.to(&stage.room, stage.quire.address()).await;
    for told in &told {
        eprintln!("{}", told.raw);
    }
    for request in told.iter().flat_map(|told| &told.requests) {
        assert!(request.id.is_some(), "an answer without an id: {request:?}");
    }
    let sent = stage.upstream.completions().iter().map(Sent::from).collect();
    stage.leave();
    Played { told, sent }
}

/// The usual stage before an upstream of this dialect.
async fn stage(sdk: Sdk, upstream: Dialect, script: impl Into<Script>) -> Stage {
    Stage::speaking(upstream, Room::fresh(sdk.name()), script).await
}

/// The events of a text in a stream, in the SDK's own stream helper, or in no stream.
fn events_of_text(client: Dialect, mode: &str) -> Vec<&'static str> {
    match (client, mode) {
        (_, "whole") => Vec::new(),
        (Dialect::Chat, "stream") => vec!["text", "finish", "usage"],
        (Dialect::Chat, _) => vec!["content.delta", "content.done"],
        (Dialect::Responses, _) => vec![
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ],
        (Dialect::Messages, _) => vec![
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ],
    }
}

/// The events of a call, without those that the Python helper of Messages adds to them.
fn events(told: &Told) -> Vec<&str> {
    let derived = ["text", "input_json", "thinking", "signature"];
    let mut events: Vec<&str> = told.events.iter().map(String::as_str).collect();
    let is_messages = told.name().starts_with("messages.");
    events.retain(|event| !(is_messages && derived.contains(event)));
    events.dedup();
    events
}
