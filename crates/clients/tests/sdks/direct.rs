//! Guards the programs of `clients/sdk`, without the gateway: what the scripted upstream says, the
//! SDK's user sees. When these fail, look at the SDK's version first.

use clients::Room;
use clients::scene::Usage;
use clients::sdk::{Calls, Sdk, Told};
use serde_json::json;
use testkit::canary;
use testkit::script::{Script, Usage as Tokens, refuses, says};
use testkit::strict::Profile;
use testkit::upstream::Upstream;

async fn play(sdk: Sdk, profile: Profile, script: impl Into<Script>, calls: &[&str]) -> Vec<Told> {
    let room = Room::fresh(sdk.name());
    let upstream = Upstream::with().profile(profile).key(canary::API_KEY).start(script).await;
    let calls = Calls::of(sdk, calls.iter().copied()).key(canary::API_KEY);
    let told = calls.to(&room, &upstream.root_url()).await;
    upstream.assert_done();
    told
}

const TOKENS: Tokens = Tokens { prompt: 1100, completion: 40, cached: 600, reasoning: 5 };
const USAGE: Usage = Usage { input: 1100, cached: 600, output: 40, reasoning: 5 };
const TEXT: &str = "Grüße aus dem Hafen — 港へようこそ 🙂";

/// One answer for each of the three modes.
fn thrice(says: testkit::script::Says) -> Script {
    Script::steps([says.clone().into(), says.clone().into(), says.into()])
}

fn loops(says: [testkit::script::Says; 2]) -> Script {
    Script::steps((0..3).flat_map(|_| says.clone()).map(Into::into).collect::<Vec<_>>())
}

fn modes(name: &str) -> [String; 3] {
    ["whole", "stream", "helper"].map(|mode| format!("{name}:{mode}"))
}

async fn plays_text(sdk: Sdk, profile: Profile, name: &str, finish: &str) {
    let script = thrice(says().text(TEXT).usage(TOKENS));
    let calls = modes(name);
    let calls = calls.each_ref().map(String::as_str);
    for told in play(sdk, profile, script, &calls).await {
        let answer = told.answer();
        assert_eq!(answer.text, TEXT, "{told:#?}");
        assert_eq!(answer.usage, Some(USAGE), "{told:#?}");
        assert_eq!(answer.finish, finish);
        assert_eq!(told.requests.len(), 1);
        assert_eq!(told.events.is_empty(), told.mode() == "whole", "{told:#?}");
    }
}

#[tokio::test]
async fn a_completion_is_told_as_it_was_said() {
    for sdk in [Sdk::OpenAiPython, Sdk::OpenAiJs] {
        plays_text(sdk, Profile::OpenAi, "chat.text", "stop").await;
    }
}

#[tokio::test]
async fn a_message_is_told_as_it_was_said() {
    for sdk in [Sdk::AnthropicPython, Sdk::AnthropicJs] {
        plays_text(sdk, Profile::Anthropic, "messages.text", "end_turn").await;
    }
}

async fn plays_tools(sdk: Sdk, profile: Profile, name: &str) {
    let script = loops([
        says().text("Let me see.").call("call_a", "add", json!({"a": 2, "b": 3})).call(
            "call_b",
            "weather",
            json!({"city": "Köln"}),
        ),
        says().text("Five, and mild."),
    ]);
    let calls = modes(name);
    let calls = calls.each_ref().map(String::as_str);
    for told in play(sdk, profile, script, &calls).await {
        told.succeeded();
        let expected = [
            ("call_a".to_owned(), "add".to_owned(), json!({"a": 2, "b": 3})),
            ("call_b".to_owned(), "weather".to_owned(), json!({"city": "Köln"})),
        ];
        assert_eq!(told.answers[0].calls, expected, "{told:#?}");
        assert_eq!(told.last().text, "Five, and mild.");
        assert_eq!(told.requests.len(), 2);
    }
}

#[tokio::test]
async fn a_tool_loop_over_completions_runs() {
    for sdk in [Sdk::OpenAiPython, Sdk::OpenAiJs] {
        plays_tools(sdk, Profile::OpenAi, "chat.tools").await;
    }
}

#[tokio::test]
async fn a_tool_loop_over_messages_runs() {
    for sdk in [Sdk::AnthropicPython, Sdk::AnthropicJs] {
        plays_tools(sdk, Profile::Anthropic, "messages.tools").await;
    }
}

#[tokio::test]
async fn an_error_is_told_with_its_class_and_words() {
    for (sdk, profile, call) in [
        (Sdk::OpenAiPython, Profile::OpenAi, "chat.text"),
        (Sdk::OpenAiJs, Profile::OpenAi, "chat.text:stream"),
        (Sdk::AnthropicPython, Profile::Anthropic, "messages.text"),
        (Sdk::AnthropicJs, Profile::Anthropic, "messages.text:helper"),
    ] {
        let refusal = refuses(429).error("rate_limit_error", "rate_limit_exceeded", "too fast");
        let told = play(sdk, profile, Script::steps([refusal.into()]), &[call]).await;
        let failure = told[0].failed();
        assert_eq!(failure.class, "RateLimitError", "{failure:#?}");
        assert_eq!(failure.status, Some(429));
        assert_eq!(failure.text("words"), "too fast", "{failure:#?}");
        assert_eq!(failure.text("type"), "rate_limit_error", "{failure:#?}");
    }
}
