//! Names and settings: aliases, fallback lists, defaults, and changes while quire runs.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::canary;
use testkit::judge::Dialect;
use testkit::script::{Script, refuses, says};
use testkit::upstream::Upstream;
use tokio::time::timeout;

use crate::dialects::{heard, post, post_raw, refused as refused_in, request, strict, tolerant};
use crate::stage::{Quire, SOON, body, lab, plain, provider, refused, write_config};

async fn always(text: &str) -> Upstream {
    Upstream::start(Script::always(says().text(text))).await
}

fn model(name: &str) -> Value {
    body(json!({"model": name}))
}

#[tokio::test]
async fn an_alias_changed_while_running_counts_without_a_restart() {
    let (one, two) = (always("one").await, always("two").await);
    let base = format!("{}{}", lab(&one), provider("den", &two));
    let alias = |to: &str| format!("{base}[aliases]\n\"gpt-5.5\" = \"{to}/mock-model\"\n");
    let quire = Quire::start(&alias("lab")).await;
    let open = quire.ask(&model("gpt-5.5")).await;
    assert_eq!(quire.stream(&model("gpt-5.5")).await.text(), "one");
    write_config(quire.home.path(), &alias("den"));
    let changed = async {
        while quire.stream(&model("gpt-5.5")).await.text() != "two" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, changed).await.expect("the change counts soon");
    drop(open);
    // Models come and go with it, and so do providers.
    write_config(quire.home.path(), &lab(&one));
    quire.until("/v1/models", |models| !models.to_string().contains("den/mock-model")).await;
    refused(quire.ask(&model("gpt-5.5")).await, 404).await;
    refused(quire.ask(&model("den/mock-model")).await, 404).await;
}

#[tokio::test]
async fn an_alias_sets_what_the_request_leaves_open() {
    let upstream = always("x").await;
    let config = format!(
        "{}[aliases]\n\"quick\" = {{ to = \"lab/mock-model\", effort = \"low\", verbosity = \"low\", fast = true, max_output_tokens = 321 }}\n",
        lab(&upstream)
    );
    let quire = Quire::start(&config).await;
    let told = quire.stream(&model("quick")).await;
    assert!(told.assert_ended("response.completed").note_codes().contains(&"alias-setting"));
    assert_eq!(told.last()["response"]["model"], "quick");
    let own = body(
        json!({"model": "quick", "max_output_tokens": 99, "reasoning": {"effort": "high"}, "text": {"verbosity": "high"}, "service_tier": "flex"}),
    );
    quire.stream(&own).await.assert_ended("response.completed");
    let bodies = upstream.bodies();
    let limit = |body: &Value| {
        body.get("max_completion_tokens").or_else(|| body.get("max_tokens")).cloned()
    };
    assert_eq!((limit(&bodies[0]), limit(&bodies[1])), (Some(json!(321)), Some(json!(99))));
    assert_eq!(bodies[0]["model"], "mock-model");
    for (member, alias, request) in [
        ("reasoning_effort", "low", "high"),
        ("verbosity", "low", "high"),
        ("service_tier", "priority", "flex"),
    ] {
        let (first, second) = (&bodies[0][member], &bodies[1][member]);
        // A plain server may take none of them, but never the wrong one.
        assert!(first.is_null() || first == alias, "{member}: {first}");
        assert!(second.is_null() || second == request, "{member}: {second}");
    }
    upstream.assert_no_refusals();
}

/// What an alias sets, in the words of each dialect: the path of the member, the alias's value, and
/// the value of a request that says it itself.
fn set_by_an_alias(dialect: Dialect) -> Vec<(&'static str, Value, Value)> {
    match dialect {
        Dialect::Chat => vec![
            ("/reasoning_effort", json!("low"), json!("high")),
            ("/max_completion_tokens", json!(321), json!(99)),
            ("/verbosity", json!("low"), json!("high")),
            ("/service_tier", json!("priority"), json!("flex")),
        ],
        Dialect::Responses => vec![
            ("/reasoning/effort", json!("low"), json!("high")),
            ("/max_output_tokens", json!(321), json!(99)),
            ("/text/verbosity", json!("low"), json!("high")),
            ("/service_tier", json!("priority"), json!("flex")),
        ],
        // A limit is never missing here, and there is no verbosity and no such tier.
        Dialect::Messages => vec![("/output_config/effort", json!("low"), json!("high"))],
    }
}

#[tokio::test]
async fn an_alias_sets_what_a_passed_request_leaves_open() {
    for dialect in Dialect::ALL {
        let upstream = strict(dialect, Script::always(says().text("x"))).await;
        let config = format!(
            "{}[aliases]\n\"quick\" = {{ to = \"lab/mock-model\", effort = \"low\", verbosity = \"low\", fast = true, max_output_tokens = 321 }}\n",
            lab(&upstream)
        );
        let quire = Quire::start(&config).await;
        let own = match dialect {
            Dialect::Chat => {
                json!({"reasoning_effort": "high", "max_completion_tokens": 99, "verbosity": "high", "service_tier": "flex"})
            }
            Dialect::Responses => {
                json!({"reasoning": {"effort": "high"}, "max_output_tokens": 99, "text": {"verbosity": "high"}, "service_tier": "flex"})
            }
            Dialect::Messages => json!({"output_config": {"effort": "high"}, "max_tokens": 99}),
        };
        // Some say one thing of an object in which the alias says another.
        let half = match dialect {
            Dialect::Responses => {
                json!({"reasoning": {"summary": "auto"}, "text": {"format": {"type": "text"}}})
            }
            Dialect::Chat | Dialect::Messages => json!({}),
        };
        for members in [half, own] {
            let mut body = request(dialect, members);
            body["model"] = json!("quick");
            let told = heard(dialect, quire.send(&post(dialect, &body)).await).await;
            told.assert_finished();
            assert!(told.raw.contains("\"quick\"") && !told.raw.contains("\"mock-model\""));
        }
        let (bodies, rows) = (upstream.bodies(), quire.rows(2).await);
        for (path, alias, request) in set_by_an_alias(dialect) {
            assert_eq!(bodies[0].pointer(path), Some(&alias), "{path}: {}", bodies[0]);
            assert_eq!(bodies[1].pointer(path), Some(&request), "{path}: {}", bodies[1]);
        }
        if dialect == Dialect::Responses {
            assert_eq!(bodies[0]["reasoning"]["summary"], "auto");
            assert_eq!(bodies[0]["text"]["format"]["type"], "text");
        }
        assert_eq!(rows[1]["notes"][0]["code"], "alias-setting", "{}", rows[1]);
        assert_eq!(rows[0]["notes"], json!([]));
        upstream.assert_no_refusals();
    }
}

#[tokio::test]
async fn what_is_no_object_is_neither_edited_nor_completed() {
    for dialect in Dialect::ALL {
        let upstream = tolerant(dialect, Script::always(says().text("x"))).await;
        let config = format!(
            "{}[default]\nmodel = \"lab/mock-model\"\n[aliases]\n\"quick\" = {{ to = \"lab/mock-model\", effort = \"low\", verbosity = \"low\" }}\n",
            lab(&upstream)
        );
        let quire = Quire::start(&config).await;
        for text in ["[1]", "\"x\"", "null", "7"] {
            let error = refused_in(dialect, quire.send(&post_raw(dialect, text)).await, 400).await;
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("the request body must be a JSON object"), "{text}: {error}");
        }
        assert!(upstream.requests().is_empty());
        let members: &[&str] = match dialect {
            Dialect::Chat => &[],
            Dialect::Responses => &["reasoning", "text"],
            Dialect::Messages => &["output_config"],
        };
        for member in members {
            for wrong in [json!("x"), json!([]), json!(7)] {
                let body = request(dialect, json!({"model": "quick", *member: wrong}));
                quire.send(&post(dialect, &body)).await;
                assert_eq!(upstream.bodies().pop().unwrap()[*member], wrong, "{member}");
            }
        }
    }
}

#[tokio::test]
async fn the_default_is_named_in_every_dialect() {
    for dialect in Dialect::ALL {
        for other in Dialect::ALL {
            let upstream = strict(other, Script::always(says().text("x"))).await;
            let config = format!("{}[default]\nmodel = \"lab/mock-model\"\n", lab(&upstream));
            let quire = Quire::start(&config).await;
            let mut nameless = request(dialect, json!({}));
            for name in [None, Some(Value::Null)] {
                nameless.as_object_mut().unwrap().remove("model");
                if let Some(name) = name {
                    nameless["model"] = name;
                }
                let told = heard(dialect, quire.send(&post(dialect, &nameless)).await).await;
                told.judged().assert_finished();
                assert!(told.raw.contains("\"lab/mock-model\""), "{}", told.raw);
            }
            assert!(upstream.bodies().iter().all(|body| body["model"] == "mock-model"));
            upstream.assert_no_refusals();
        }
    }
}

#[tokio::test]
async fn exact_names_come_before_globs_and_globs_before_nothing() {
    let (one, two, three) = (always("exact").await, always("narrow").await, always("wide").await);
    let config = format!(
        "{}{}{}[aliases]\n\"gpt-*\" = \"wide/mock-model\"\n\"gpt-5*\" = \"narrow/mock-model\"\n\"gpt-5.5\" = \"lab/mock-model\"\n",
        lab(&one),
        provider("narrow", &two),
        provider("wide", &three)
    );
    let quire = Quire::start(&config).await;
    for (name, text) in [
        ("gpt-5.5", "exact"),
        ("gpt-5.1", "narrow"),
        ("gpt-4", "wide"),
        ("lab/mock-model", "exact"),
    ] {
        let told = quire.stream(&model(name)).await;
        assert_eq!(told.text(), text, "{name}");
        assert_eq!(told.last()["response"]["model"], name);
    }
    refused(quire.ask(&model("claude")).await, 404).await;
}

#[tokio::test]
async fn the_alias_set_for_codex_is_there_when_asked_for() {
    let upstream = always("x").await;
    let deepseek = format!(
        "[providers.deepseek]\npreset = \"deepseek\"\nbase_url = \"{}\"\napi_key = \"{}\"\n",
        upstream.base_url(),
        canary::API_KEY
    );
    let quire = Quire::start(&format!("alias_sets = [\"codex-defaults\"]\n{deepseek}")).await;
    let told = quire.stream(&model("gpt-5.5")).await;
    assert_eq!(told.assert_ended("response.completed").last()["response"]["model"], "gpt-5.5");
    assert_eq!(upstream.bodies()[0]["model"], "deepseek-v4-pro");
    // Its rows for a provider that is not configured are left out, with a word.
    refused(quire.ask(&model("gpt-5.4-mini")).await, 404).await;
    assert!(quire.get("/health").await["config"]["problems"].to_string().contains("gpt-5.4-mini"));
    let quire = Quire::start(&deepseek).await;
    refused(quire.ask(&model("gpt-5.5")).await, 404).await;
}

#[tokio::test]
async fn a_list_of_targets_is_tried_in_order() {
    let first = Upstream::start(Script::always(refuses(503))).await;
    let second = Upstream::start(Script::always(refuses(429))).await;
    let third = always("third").await;
    let config = format!(
        "{}{}{}[aliases]\n\"any\" = {{ to = [\"lab/mock-model\", \"b/mock-model\"] }}\n[fallback]\n\"any\" = [\"c/mock-model\"]\n",
        lab(&first),
        provider("b", &second),
        provider("c", &third)
    );
    let quire = Quire::start(&config).await;
    let told = quire.stream(&model("any")).await;
    assert_eq!(told.assert_ended("response.completed").text(), "third");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    // Without the alias there is no fallback.
    refused(quire.ask(&plain()).await, 503).await;
}

#[tokio::test]
async fn the_default_is_for_requests_without_a_model_only() {
    let upstream = always("x").await;
    let quire =
        Quire::start(&format!("{}[default]\nmodel = \"lab/mock-model\"\n", lab(&upstream))).await;
    let told = quire.stream(&json!({"input": "hi", "stream": true})).await;
    assert_eq!(
        told.assert_ended("response.completed").last()["response"]["model"],
        "lab/mock-model"
    );
    for unknown in ["gpt-5.5", "lab2/mock-model", ""] {
        refused(quire.ask(&model(unknown)).await, 404).await;
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_key_found_in_the_environment_opens_only_its_own_names() {
    let quire = Quire::with("", &[("DEEPSEEK_API_KEY", canary::API_KEY)]).await;
    let models = quire.get("/v1/models").await;
    assert!(models.to_string().contains("deepseek/deepseek-v4-pro"));
    for bare in ["deepseek-v4-pro", "gpt-5.5", "deepseek"] {
        let error = refused(quire.ask(&model(bare)).await, 404).await;
        assert_eq!(error["code"], "model_not_found");
    }
    refused(quire.ask(&json!({"input": "hi"})).await, 400).await;
    let health = quire.get("/health").await;
    let found = health["providers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|provider| provider["id"] == "deepseek")
        .unwrap();
    assert_eq!((&found["origin"], &found["key"]), (&json!("environment"), &json!("present")));
    canary::assert_no_secret("/health", health.to_string());
    canary::assert_no_secret("/v1/models", models.to_string());
}
