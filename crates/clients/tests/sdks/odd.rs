//! Parameters that few servers know, or none: what is passed arrives as it was written, what is
//! translated is told about, and no turn is lost over it.

use serde_json::json;
use testkit::script::says;
use testkit::strict::Profile;
use testkit::upstream::Recorded;

use super::*;

#[tokio::test]
async fn what_nobody_knows_is_passed_to_who_speaks_the_dialect() {
    for (client, name, profile) in [
        (Dialect::Chat, "odd", Profile::OllamaTolerant),
        (Dialect::Messages, "beta", Profile::MessagesTolerant),
    ] {
        for sdk in sdks(client) {
            let modes = ["whole", "stream"];
            let config = |upstream: &str| clients::stage::able(client, upstream);
            // A Messages server learns from a header which betas a client uses.
            let knows = move |request: &Recorded| {
                let betas = request.header("anthropic-beta").unwrap_or_default();
                client == Dialect::Chat || betas.contains("quire-test-2026-01-01")
            };
            let script = Script::default().whenever(knows, says().text("Fine."));
            let stage = Stage::with(sdk.name(), profile, script, config).await;
            let Played { told, sent } =
                play(stage, Calls::of(sdk, calls(client, name, &modes))).await;
            for (told, sent) in told.iter().zip(&sent) {
                assert_eq!(told.answer().text, "Fine.", "{told:#?}");
                assert_eq!(sent.body["frobnicate"], true, "{:#}", sent.body);
                if client == Dialect::Chat {
                    assert_eq!(sent.body["logit_bias"], json!({"50256": -100}));
                    assert_eq!(sent.body["seed"], 7);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_nobody_knows_is_told_about_where_it_is_translated() {
    for (client, name) in [(Dialect::Chat, "odd"), (Dialect::Messages, "beta")] {
        for upstream in Dialect::ALL.into_iter().filter(|upstream| *upstream != client) {
            for sdk in sdks(client) {
                let modes = ["whole", "stream"];
                let script = for_each_mode(&modes, [says().text("Fine.")]);
                let stage = stage(sdk, upstream, script).await;
                let calls = Calls::of(sdk, calls(client, name, &modes));
                let Played { told, sent } = play(stage, calls).await;
                for (told, sent) in told.iter().zip(&sent) {
                    assert_eq!(told.answer().text, "Fine.", "{told:#?}");
                    assert!(told.answer().notes().contains(&"unknown-field"), "{told:#?}");
                    let head = told.requests[0].notes.as_deref().unwrap_or_default();
                    assert!(head.contains("unknown-field"), "{told:#?}");
                    assert!(sent.body.get("frobnicate").is_none(), "{:#}", sent.body);
                }
            }
        }
    }
}

#[tokio::test]
async fn two_answers_at_once_are_passed_or_refused_clearly() {
    for upstream in Dialect::ALL {
        for sdk in sdks(Dialect::Chat) {
            let passed = upstream == Dialect::Chat;
            let answers = if passed { vec![says().text("One").into()] } else { Vec::new() };
            let stage = stage(sdk, upstream, Script::steps(answers)).await;
            let calls = Calls::of(sdk, ["chat.several:whole"]).retries(2);
            let Played { told, sent } = play(stage, calls).await;
            if passed {
                assert_eq!(sent[0].body["n"], 2);
                assert_eq!(told[0].answer().text, "One", "{told:#?}");
            } else {
                let failure = told[0].failed();
                assert_eq!(failure.class, "BadRequestError", "{told:#?}");
                assert_eq!(failure.text("param"), "n", "{told:#?}");
                assert_eq!(told[0].requests.len(), 1, "{told:#?}");
            }
        }
    }
}
