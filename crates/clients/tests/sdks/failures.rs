//! What goes wrong reaches the user of every SDK as the class, status and words that it should
//! have; what will not go away is not tried again.

use clients::quire;
use testkit::script::{End, Step, refuses, says};

use super::*;

clients::each_pair! { refusals, errors_and_cuts_inside_a_stream }

/// A refusal of the upstream: its status and words, and the classes by which users catch it, which
/// differ from SDK to SDK.
struct Refusal {
    status: u16,
    words: &'static str,
    classes: &'static [&'static str],
}

/// The wrong key comes last: it is no use to ask with it again.
const REFUSALS: [Refusal; 4] = [
    Refusal {
        status: 400,
        words: "this lab does not serve requests on a full moon",
        classes: &["BadRequestError"],
    },
    Refusal {
        status: 403,
        words: "this lab does not serve this country",
        classes: &["PermissionDeniedError"],
    },
    Refusal {
        status: 402,
        words: "Insufficient Balance",
        classes: &["APIStatusError", "APIError", "PaymentRequiredError"],
    },
    Refusal {
        status: 401,
        words: "Authentication Fails, your api key is invalid",
        classes: &["AuthenticationError"],
    },
];

/// Every refusal by one process. Two retries are what the SDKs' users have; of what will not go
/// away none must happen, and what passes costs one at most.
async fn refusals(client: Dialect, upstream: Dialect) {
    // Each of them in a stream, and the first in every mode.
    let mut cases = vec![(&REFUSALS[0], "whole"), (&REFUSALS[0], "helper")];
    cases.extend(REFUSALS.iter().map(|refusal| (refusal, "stream")));
    let mut steps: Vec<Step> = vec![
        refuses(429).header("retry-after", "1").into(),
        says().text("Patience.").into(),
        refuses(503).into(),
        says().text("Patience.").into(),
    ];
    steps.extend(cases.iter().map(|(Refusal { status, words, .. }, _)| {
        refuses(*status).error("invalid_request_error", "full_moon", words).into()
    }));
    let mut modes = vec!["whole", "stream"];
    modes.extend(cases.iter().map(|(_, mode)| *mode));
    for sdk in sdks(client) {
        let stage = stage(sdk, upstream, Script::steps(steps.clone())).await;
        let calls = Calls::of(sdk, calls(client, "text", &modes)).retries(2);
        let Played { told, sent } = play(stage, calls).await;
        let (passing, permanent) = told.split_at(2);
        for told in passing {
            // Whether quire or the SDK asks again is quire's choice.
            assert_eq!(told.answer().text, "Patience.", "{told:#?}");
            assert!(told.requests.len() <= 2, "{told:#?}");
        }
        for (told, (refusal, _)) in permanent.iter().zip(&cases) {
            is_told(told, refusal);
        }
        assert_eq!(sent.len(), steps.len());
    }
}

fn is_told(told: &Told, refusal: &Refusal) {
    let failure = told.failed();
    // OpenAI's own code for an empty account has the status 429, which is else a reason to try
    // again.
    if failure.text("code") != "insufficient_quota" {
        assert_eq!(failure.status, Some(u64::from(refusal.status)), "{told:#?}");
        assert!(refusal.classes.contains(&failure.class.as_str()), "{told:#?}");
    }
    assert!(failure.text("words").contains(refusal.words), "{told:#?}");
    assert!(!failure.text("type").is_empty(), "{told:#?}");
    assert_eq!(told.requests.len(), 1, "it was tried again: {told:#?}");
}

#[tokio::test]
async fn a_limit_that_stays_is_told_with_its_wait() {
    for client in Dialect::ALL {
        for sdk in sdks(client) {
            // Longer than anybody waits within a request.
            let refusal = refuses(429).header("retry-after", "3600");
            let stage = stage(sdk, Dialect::Chat, Script::always(refusal)).await;
            let calls = Calls::of(sdk, calls(client, "text", &["stream"]));
            for told in play(stage, calls).await.told {
                let failure = told.failed();
                assert_eq!(failure.status, Some(429), "{told:#?}");
                assert_eq!(failure.class, "RateLimitError", "{told:#?}");
                assert_eq!(failure.text("retry_after"), "3600", "{told:#?}");
            }
        }
    }
}

/// The words of a failure inside a stream. The Responses stream has no errors, but an answer that
/// failed; the helpers of the SDKs take it as they like.
fn words_of_broken(client: Dialect, told: &Told) -> String {
    if let Some(failure) = &told.failure {
        return format!("{} {}", failure.message, failure.text("words"));
    }
    assert_eq!(client, Dialect::Responses, "a broken stream is no answer: {told:#?}");
    let answer = told.answer();
    assert_eq!(answer.finish, "failed", "{told:#?}");
    answer.raw["failure"]["message"].as_str().unwrap_or_default().to_owned()
}

async fn errors_and_cuts_inside_a_stream(client: Dialect, upstream: Dialect) {
    let words = "the lab ran out of ink";
    let modes = ["stream", "helper", "stream", "helper"];
    let failing = says().text("Dear").error("server_error", "server_error", words);
    let failing = failing.without_finish();
    let cut = says().text("Half of an").cut(End::Reset);
    let steps = [failing.clone(), failing, cut.clone(), cut].map(Step::from);
    for sdk in sdks(client) {
        let stage = stage(sdk, upstream, Script::steps(steps.clone())).await;
        let calls = Calls::of(sdk, calls(client, "text", &modes));
        let Played { told, sent } = play(stage, calls).await;
        for (place, told) in told.iter().enumerate() {
            let said = words_of_broken(client, told);
            // The Python helper of Responses has words of its own.
            let is_own = client == Dialect::Responses && told.mode() == "helper";
            let expected = if place < 2 && !is_own { words } else { "" };
            assert!(!said.is_empty() && said.contains(expected), "`{said}`: {told:#?}");
            assert_eq!(told.requests.len(), 1, "{told:#?}");
        }
        assert_eq!(sent.len(), modes.len(), "nothing is retried once something was said");
    }
}

#[tokio::test]
async fn an_unknown_model_is_not_found_and_names_what_there_is() {
    for client in Dialect::ALL {
        for sdk in sdks(client) {
            let stage = stage(sdk, Dialect::Chat, Script::default()).await;
            let calls = Calls::of(sdk, calls(client, "text", &MODES)).retries(2);
            for told in play(stage, calls.model("labb/mock-model")).await.told {
                let failure = told.failed();
                assert_eq!(failure.class, "NotFoundError", "{told:#?}");
                assert_eq!(failure.status, Some(404), "{told:#?}");
                assert!(failure.text("words").contains("lab/mock-model"), "{told:#?}");
                if client == Dialect::Messages {
                    assert_eq!(failure.text("type"), "not_found_error", "{told:#?}");
                } else {
                    assert_eq!(failure.text("code"), "model_not_found", "{told:#?}");
                }
                assert_eq!(told.requests.len(), 1, "{told:#?}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_client_key_is_refused_at_once_and_the_right_one_serves() {
    // One carries it as a bearer token, the other in `x-api-key`.
    for (client, sdk) in
        [(Dialect::Responses, Sdk::OpenAiJs), (Dialect::Messages, Sdk::AnthropicPython)]
    {
        let room = Room::fresh(sdk.name());
        let added = quire::run(&room, &["key", "add", "tests"]).await;
        assert_eq!(added.code, Some(0), "{}{}", added.stdout, added.stderr);
        let key = added.stdout.split_whitespace().last().unwrap_or_default().to_owned();
        let script = Script::steps([says().text("Come in.").into()]);
        let stage = Stage::speaking(Dialect::Chat, room, script).await;
        let wrong = Calls::of(sdk, calls(client, "text", &["whole"])).retries(2);
        let right = wrong.clone().key(&key);
        for told in wrong.to(&stage.room, stage.quire.address()).await {
            assert_eq!(told.failed().class, "PermissionDeniedError", "{told:#?}");
            assert_eq!(told.requests.len(), 1, "{told:#?}");
        }
        for told in play(stage, right).await.told {
            assert_eq!(told.answer().text, "Come in.");
        }
    }
}
