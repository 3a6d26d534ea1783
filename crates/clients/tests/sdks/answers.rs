//! What a model says reaches the user of every SDK the same, from every upstream, whole and in
//! streams: text, settings, tools, thinking, pictures, structured output, limits.

use std::time::Duration;

use clients::scene::Usage;
use serde_json::json;
use testkit::script::{Usage as Tokens, says};
use testkit::strict::Profile;

use super::*;

const TEXT: &str = "Grüße aus dem Hafen — 港へようこそ 🙂";
const TOKENS: Tokens = Tokens { prompt: 1100, completion: 40, cached: 600, reasoning: 5 };
const USAGE: Usage = Usage { input: 1100, cached: 600, output: 40, reasoning: 5 };

clients::each_pair! {
    text_and_usage,
    settings_hold,
    a_tool_loop,
    thinking_returns,
    pictures_schemas_limits_and_refusals,
}

/// How an answer ends by itself, in the words of the client's dialect.
fn natural(client: Dialect) -> &'static str {
    match client {
        Dialect::Chat => "stop",
        Dialect::Responses => "completed",
        Dialect::Messages => "end_turn",
    }
}

async fn text_and_usage(client: Dialect, upstream: Dialect) {
    for sdk in sdks(client) {
        let script = for_each_mode(&MODES, [says().text(TEXT).usage(TOKENS)]);
        let stage = stage(sdk, upstream, script).await;
        let calls = Calls::of(sdk, calls(client, "text", &MODES)).retries(2);
        let Played { told, sent } = play(stage, calls).await;
        for told in &told {
            let answer = told.answer();
            assert_eq!(answer.text, TEXT, "{told:#?}");
            assert_eq!(answer.usage, Some(USAGE), "{told:#?}");
            assert_eq!(answer.finish, natural(client), "{told:#?}");
            assert_eq!(answer.raw["model"], "lab/mock-model", "{told:#?}");
            assert_eq!(told.requests.len(), 1, "{told:#?}");
            assert_eq!(events(told), events_of_text(client, told.mode()), "{told:#?}");
            let spoken = told.raw["spoken"].as_str().unwrap_or(TEXT);
            assert_eq!(spoken, TEXT, "the deltas are the text: {told:#?}");
            // What was translated says who answered; what was passed is the upstream's own. Some
            // helpers keep nothing that they do not know.
            if told.mode() != "helper" {
                let expected = if client == upstream { json!(null) } else { json!("lab") };
                assert_eq!(answer.raw["quire"]["provider"], expected, "{told:#?}");
            }
            assert_eq!(answer.notes(), [""; 0], "nothing was lost: {told:#?}");
        }
        for sent in &sent {
            assert_eq!(sent.body["model"], "mock-model");
            assert_eq!(sent.said("user"), ["Grüße the harbour — 港 🙂"]);
        }
    }
}

async fn settings_hold(client: Dialect, upstream: Dialect) {
    for sdk in sdks(client) {
        let script = for_each_mode(&MODES, [says().text("Three")]);
        // What OpenAI's SDK sends is passed to who speaks its dialect, and OpenAI knows all of it.
        let stage = if (client, upstream) == (Dialect::Chat, Dialect::Chat) {
            let config = |upstream: &str| clients::stage::able(Dialect::Chat, upstream);
            Stage::with(sdk.name(), Profile::OpenAi, script, config).await
        } else {
            stage(sdk, upstream, script).await
        };
        let calls = Calls::of(sdk, calls(client, "settings", &MODES));
        let Played { told, sent } = play(stage, calls).await;
        for told in &told {
            assert_eq!(told.answer().text, "Three", "{told:#?}");
        }
        for sent in &sent {
            let body = &sent.body;
            assert!(sent.instructions().contains("Be brief."), "{body:#}");
            assert_eq!(sent.said("assistant"), ["Two"], "{body:#}");
            let user = sent.said("user");
            assert_eq!(user.first().map(String::as_str), Some("One"), "{body:#}");
            assert!(user.last().is_some_and(|last| last.contains("harbour")), "{body:#}");
            // The newest SDKs for Messages have no temperature any more.
            let temperature = if client == Dialect::Messages { json!(null) } else { json!(0.5) };
            assert_eq!(body["temperature"], temperature, "{body:#}");
            let limits = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
            let limit = limits.iter().find_map(|name| body[name].as_u64());
            let asked = if client == Dialect::Messages { 4096 } else { 500 };
            assert_eq!(limit, Some(asked), "{body:#}");
            // Responses has no stop sequences, as client or as upstream.
            let stop = match (client, upstream) {
                (Dialect::Responses, _) | (_, Dialect::Responses) => json!(null),
                _ => json!(["END"]),
            };
            let name = if upstream == Dialect::Messages { "stop_sequences" } else { "stop" };
            assert_eq!(body[name], stop, "{body:#}");
        }
        if upstream == Dialect::Responses && client != Dialect::Responses {
            for told in &told {
                let notes = told.requests[0].notes.as_deref().unwrap_or_default();
                assert!(!notes.is_empty(), "the stop was lost in silence: {told:#?}");
            }
        }
    }
}

async fn a_tool_loop(client: Dialect, upstream: Dialect) {
    let mut two = says()
        .text("Let me see.")
        .call("call_a", "add", json!({"a": 2, "b": 3}))
        .call("call_b", "weather", json!({"city": "Köln \"am Rhein\""}))
        .argument_pieces(3);
    if client != Dialect::Chat {
        // OpenAI's helper for Chat takes the first piece of another call for the end of one.
        two = two.interleaved();
    }
    for sdk in sdks(client) {
        let script = for_each_mode(
            &MODES,
            [
                two.clone(),
                says().call("call_c", "add", json!({"a": 5, "b": 20})),
                says().text("Twenty-five, and mild."),
            ],
        );
        let stage = stage(sdk, upstream, script).await;
        let calls = Calls::of(sdk, calls(client, "tools", &MODES));
        let Played { told, sent } = play(stage, calls).await;
        for told in &told {
            assert_eq!(told.succeeded().answers.len(), 3, "{told:#?}");
            let (first, second, last) = (&told.answers[0], &told.answers[1], told.last());
            assert_eq!(first.text, "Let me see.", "{told:#?}");
            let calls: Vec<_> =
                first.calls.iter().map(|(_, name, given)| (name.as_str(), given)).collect();
            assert_eq!(
                calls,
                [
                    ("add", &json!({"a": 2, "b": 3})),
                    ("weather", &json!({"city": "Köln \"am Rhein\""}))
                ],
                "{told:#?}"
            );
            assert_eq!(second.calls[0].2, json!({"a": 5, "b": 20}), "{told:#?}");
            let finish = match client {
                Dialect::Chat => "tool_calls",
                Dialect::Responses => "completed",
                Dialect::Messages => "tool_use",
            };
            assert_eq!((&*first.finish, &*last.finish), (finish, natural(client)), "{told:#?}");
            assert_eq!(last.text, "Twenty-five, and mild.");
        }
        for sent in sent.chunks(3) {
            let (first, last) = (&sent[0], &sent[2]);
            assert_eq!(first.tools(), ["add", "weather"]);
            let calls = last.calls();
            let given: Vec<_> =
                calls.iter().map(|(_, name, given)| (*name, given.clone())).collect();
            assert_eq!(
                given,
                [
                    ("add", json!({"a": 2, "b": 3})),
                    ("weather", json!({"city": "Köln \"am Rhein\""})),
                    ("add", json!({"a": 5, "b": 20})),
                ]
            );
            let results = last.results();
            let texts: Vec<&str> = results.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(texts, ["5", "Köln \"am Rhein\": 21 °C, \"mild\"", "25"]);
            let ids: Vec<&str> = results.iter().map(|(id, _)| *id).collect();
            assert_eq!(ids, calls.iter().map(|(id, ..)| *id).collect::<Vec<_>>());
        }
    }
}

/// A stage whose model thinks.
async fn thinking_stage(sdk: Sdk, upstream: Dialect, script: Script) -> (Stage, &'static str) {
    // Of an unknown Chat server quire does not assume that it can be told to think.
    if upstream == Dialect::Chat {
        let config =
            |upstream: &str| clients::stage::preset(upstream, "127.0.0.1:0", &["deepseek"], "");
        let stage = Stage::with(sdk.name(), Profile::DeepSeek, script, config).await;
        return (stage, "deepseek/deepseek-v4-pro");
    }
    (stage(sdk, upstream, script).await, "lab/mock-model")
}

async fn thinking_returns(client: Dialect, upstream: Dialect) {
    for sdk in sdks(client) {
        let thought = "Two and three: \"add\" 港.";
        let script = for_each_mode(
            &MODES,
            [
                says().reasoning(thought).call("call_a", "add", json!({"a": 2, "b": 3})),
                says().reasoning("So it is five.").text("Five."),
            ],
        );
        let (stage, model) = thinking_stage(sdk, upstream, script).await;
        let calls = Calls::of(sdk, calls(client, "thinking", &MODES)).model(model);
        let Played { told, sent } = play(stage, calls).await;
        // A Chat client cannot ask for summaries, which OpenAI gives only to who asks.
        let is_shown = (client, upstream) != (Dialect::Chat, Dialect::Responses);
        for told in &told {
            let [first, last] = [&told.succeeded().answers[0], told.last()];
            assert_eq!(last.text, "Five.", "{told:#?}");
            if is_shown {
                assert_eq!(first.thinking, thought, "{told:#?}");
                assert_eq!(last.thinking, "So it is five.", "{told:#?}");
            }
        }
        // Chat has no place for the seal that the other two demand to have back, so what a Chat
        // client returns need not reach them.
        if client != Dialect::Chat || upstream == Dialect::Chat {
            for pair in sent.chunks(2) {
                assert_eq!(pair[1].reasoning(), [thought], "{:#}", pair[1].body);
            }
        }
    }
}

/// Four short scenes by one process, since a start costs more than a call.
async fn pictures_schemas_limits_and_refusals(client: Dialect, upstream: Dialect) {
    let modes = ["whole", "stream"];
    let colour = r#"{"colour":"red"}"#;
    let words = "That I will not do.";
    let scenes: [(&str, &[&str], Says); 4] = [
        ("image", &modes, says().text("Red.")),
        ("schema", &MODES, says().text(colour)),
        ("text", &modes, says().text("Once upon a").finish("length")),
        ("text", &modes, says().refusal(words)),
    ];
    for sdk in sdks(client) {
        let steps = scenes.iter().flat_map(|(_, modes, says)| modes.iter().map(|_| says.clone()));
        let stage = stage(sdk, upstream, Script::steps(steps.map(Into::into))).await;
        let calls = scenes.iter().flat_map(|(name, modes, _)| calls(client, name, modes));
        let Played { told, sent } = play(stage, Calls::of(sdk, calls)).await;
        a_picture(&told[0..2], &sent[0..2]);
        a_schema(upstream, &told[2..5], &sent[2..5]);
        the_limit(client, &told[5..7]);
        a_refusal_of_the_model(client, words, &told[7..9]);
    }
}

fn a_picture(told: &[Told], sent: &[Sent]) {
    for told in told {
        assert_eq!(told.answer().text, "Red.", "{told:#?}");
        assert_eq!(told.answer().notes(), [""; 0], "{told:#?}");
    }
    for sent in sent {
        let images = sent.images();
        assert_eq!(images.len(), 1, "{:#}", sent.body);
        assert!(images[0].starts_with("data:image/png;base64,iVBOR"), "{}", images[0]);
    }
}

fn a_schema(upstream: Dialect, told: &[Told], sent: &[Sent]) {
    for told in told {
        let parsed = &told.answer().raw["parsed"];
        let expected = json!({"colour": "red"});
        assert_eq!(*parsed == expected, told.mode() == "helper", "{told:#?}");
    }
    for sent in sent {
        let at = match upstream {
            Dialect::Chat => "/response_format/json_schema/schema",
            Dialect::Responses => "/text/format/schema",
            Dialect::Messages => "/output_config/format/schema",
        };
        let kind = sent.body.pointer(&format!("{at}/properties/colour/type"));
        assert_eq!(kind, Some(&json!("string")), "{:#}", sent.body);
    }
}

fn the_limit(client: Dialect, told: &[Told]) {
    for told in told {
        let answer = told.answer();
        assert_eq!(answer.text, "Once upon a", "{told:#?}");
        let expected = match client {
            Dialect::Chat => "length",
            Dialect::Responses => "incomplete",
            Dialect::Messages => "max_tokens",
        };
        assert_eq!(answer.finish, expected, "{told:#?}");
        if client == Dialect::Responses {
            assert_eq!(answer.raw["incomplete"], "max_output_tokens", "{told:#?}");
        }
    }
}

fn a_refusal_of_the_model(client: Dialect, words: &str, told: &[Told]) {
    for told in told {
        // Messages has a stop reason for it, the other two a place.
        let answer = told.answer();
        let refusal = answer.raw["refusal"].as_str().unwrap_or_default();
        assert_eq!(format!("{}{refusal}", answer.text), words, "{told:#?}");
        if client == Dialect::Messages && answer.finish != "refusal" {
            assert_eq!(answer.notes(), ["refusal-as-text"], "{told:#?}");
        }
    }
}

#[tokio::test]
async fn a_stream_is_shown_while_the_model_still_speaks() {
    // Long, because a busy machine shows the first piece late.
    let pause = Duration::from_millis(2500);
    for client in Dialect::ALL {
        for sdk in sdks(client) {
            let slow = says().text("Now").pause(pause).text(", and later.");
            let modes = ["stream"];
            let upstream = if client == Dialect::Chat { Dialect::Messages } else { Dialect::Chat };
            let stage = stage(sdk, upstream, for_each_mode(&modes, [slow])).await;
            let calls = Calls::of(sdk, calls(client, "text", &modes));
            for told in play(stage, calls).await.told {
                assert_eq!(told.answer().text, "Now, and later.", "{told:#?}");
                let time = |name: &str| Duration::from_millis(told.raw[name].as_u64().unwrap_or(0));
                let before_the_end = time("total_ms") - time("first_event_ms");
                assert!(before_the_end >= pause / 2, "nothing came early: {told:#?}");
            }
        }
    }
}
