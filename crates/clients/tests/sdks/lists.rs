//! The lists of models, which must please all SDKs at once, and the counting of tokens.

use clients::stage;
use serde_json::json;
use testkit::canary;
use testkit::script::counts;
use testkit::strict::Profile;

use super::*;

const MODELS: [&str; 5] = ["alpha", "beta", "gamma", "org/delta", "mock-model"];

async fn with_models(sdk: Sdk) -> Stage {
    let config = |upstream: &str| {
        stage::lab(upstream).replace("[\"mock-model\"]", &json!(MODELS).to_string())
    };
    Stage::with(sdk.name(), Profile::GenericStrict, Script::default(), config).await
}

#[tokio::test]
async fn every_sdk_lists_every_model_once() {
    for sdk in Sdk::ALL {
        let stage = with_models(sdk).await;
        let told = play(stage, Calls::of(sdk, ["models.list"])).await.told;
        let listed = &told[0].succeeded().raw["models"];
        let listed: Vec<&str> =
            listed.as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
        for model in MODELS {
            let name = format!("lab/{model}");
            let times = listed.iter().filter(|listed| **listed == name).count();
            assert_eq!(times, 1, "{}: `{name}` in {listed:?}", sdk.name());
        }
        // Anthropic's SDK asked for pages of two.
        let paged = matches!(sdk, Sdk::AnthropicPython | Sdk::AnthropicJs);
        let expected = if paged { listed.len().div_ceil(2) } else { 1 };
        assert_eq!(told[0].requests.len(), expected, "{:#?}", told[0].requests);
    }
}

#[tokio::test]
async fn every_sdk_finds_a_model_by_its_name() {
    for sdk in Sdk::ALL {
        for model in ["lab/org/delta", "gpt-5.5"] {
            let stage = with_models(sdk).await;
            let told = play(stage, Calls::of(sdk, ["models.one"]).model(model)).await.told;
            assert_eq!(told[0].succeeded().raw["model"]["id"], model, "{:#?}", told[0]);
        }
        let stage = with_models(sdk).await;
        let told =
            play(stage, Calls::of(sdk, ["models.one"]).model("lab/none").retries(2)).await.told;
        assert_eq!(told[0].failed().class, "NotFoundError", "{:#?}", told[0]);
        assert_eq!(told[0].requests.len(), 1);
    }
}

/// What the upstream counts; an estimate would not hit it.
const TOKENS: u64 = 7301;

async fn tokens_are_counted(client: Dialect, upstream: Dialect) {
    for sdk in sdks(client) {
        let script = Script::default().counting(|_| counts(TOKENS).into());
        let stage = stage(sdk, upstream, script).await;
        let calls = Calls::of(sdk, calls(client, "count", &["whole"]));
        let told = calls.to(&stage.room, stage.quire.address()).await;
        let counted = told[0].succeeded().raw["counted"]["input_tokens"].as_u64();
        if client == upstream {
            assert_eq!(counted, Some(TOKENS), "the upstream's own count: {:#?}", told[0]);
            assert_eq!(stage.upstream.counts().len(), 1);
        } else {
            let counted = counted.unwrap_or_default();
            assert!(counted == TOKENS || (1..100).contains(&counted), "{:#?}", told[0]);
        }
        assert!(canary::find(told[0].raw.to_string()).is_none());
        stage.leave();
    }
}

mod counting {
    use super::*;

    #[tokio::test]
    async fn of_responses_onto_every_upstream() {
        for upstream in Dialect::ALL {
            tokens_are_counted(Dialect::Responses, upstream).await;
        }
    }

    #[tokio::test]
    async fn of_messages_onto_every_upstream() {
        for upstream in Dialect::ALL {
            tokens_are_counted(Dialect::Messages, upstream).await;
        }
    }
}
