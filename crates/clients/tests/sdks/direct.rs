//! Guards the programs of `clients/sdk`, without the gateway: what an upstream of the SDK's own
//! dialect says, its user sees. When these fail, look at the SDK's version first.

use clients::scene::Usage;
use serde_json::json;
use testkit::canary;
use testkit::script::{Usage as Tokens, refuses, says};
use testkit::strict::Profile;
use testkit::upstream::Upstream;

use super::*;

/// What the SDKs of a dialect were made for.
fn vendor(dialect: Dialect) -> Profile {
    match dialect {
        Dialect::Chat => Profile::OpenAi,
        Dialect::Responses => Profile::OpenAiResponses,
        Dialect::Messages => Profile::Anthropic,
    }
}

async fn play(
    sdk: Sdk,
    dialect: Dialect,
    script: impl Into<Script>,
    calls: Vec<String>,
) -> Vec<Told> {
    let room = Room::fresh(sdk.name());
    let settings = Upstream::with().profile(vendor(dialect)).key(canary::API_KEY);
    let upstream = settings.start(script).await;
    let calls = Calls::of(sdk, calls).key(canary::API_KEY).model("mock-model");
    let told = calls.to(&room, &upstream.root_url()).await;
    upstream.assert_no_refusals();
    for told in &told {
        // More steps may be left when the call failed early; it says why.
        assert!(told.failure.is_none() || upstream.steps_left() == 0, "{told:#?}");
    }
    upstream.assert_done();
    told
}

#[tokio::test]
async fn an_answer_is_told_as_it_was_said() {
    let text = "Grüße aus dem Hafen — 港へようこそ 🙂";
    let tokens = Tokens { prompt: 1100, completion: 40, cached: 600, reasoning: 5 };
    for dialect in Dialect::ALL {
        for sdk in sdks(dialect) {
            let script = for_each_mode(&MODES, [says().text(text).usage(tokens)]);
            for told in play(sdk, dialect, script, calls(dialect, "text", &MODES)).await {
                let answer = told.answer();
                assert_eq!(answer.text, text, "{told:#?}");
                let expected = Usage { input: 1100, cached: 600, output: 40, reasoning: 5 };
                assert_eq!(answer.usage, Some(expected), "{told:#?}");
                assert_eq!(told.requests.len(), 1);
                assert_eq!(events(&told), events_of_text(dialect, told.mode()), "{told:#?}");
            }
        }
    }
}

#[tokio::test]
async fn a_tool_loop_runs() {
    for dialect in Dialect::ALL {
        for sdk in sdks(dialect) {
            let two = says()
                .text("Let me see.")
                .call("call_a", "add", json!({"a": 2, "b": 3}))
                .call("call_b", "weather", json!({"city": "Köln"}));
            let script = for_each_mode(&MODES, [two, says().text("Five, and mild.")]);
            for told in play(sdk, dialect, script, calls(dialect, "tools", &MODES)).await {
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
    }
}

#[tokio::test]
async fn thinking_comes_with_its_seal_and_goes_back() {
    // OpenAI shows no thinking over Chat Completions.
    for dialect in [Dialect::Responses, Dialect::Messages] {
        for sdk in sdks(dialect) {
            let thought = "Two and three.";
            let call = says().reasoning(thought).call("call_a", "add", json!({"a": 2, "b": 3}));
            let script = for_each_mode(&MODES, [call, says().text("Five.")]);
            for told in play(sdk, dialect, script, calls(dialect, "thinking", &MODES)).await {
                assert_eq!(told.succeeded().answers[0].thinking, thought, "{told:#?}");
                assert!(told.answers[0].raw["sealed"][0].is_string(), "{told:#?}");
                assert_eq!(told.last().text, "Five.");
            }
        }
    }
}

#[tokio::test]
async fn an_error_is_told_with_its_class_and_words() {
    for dialect in Dialect::ALL {
        for sdk in sdks(dialect) {
            let refusal = refuses(429).error("rate_limit_error", "rate_limit_exceeded", "too fast");
            let script = Script::steps(MODES.map(|_| refusal.clone().into()));
            for told in play(sdk, dialect, script, calls(dialect, "text", &MODES)).await {
                let failure = told.failed();
                assert_eq!(failure.class, "RateLimitError", "{failure:#?}");
                assert_eq!(failure.status, Some(429));
                assert_eq!(failure.text("words"), "too fast", "{failure:#?}");
                assert_eq!(failure.text("type"), "rate_limit_error", "{failure:#?}");
            }
        }
    }
}
