//! `GET /v1/models`: one body for Codex, the OpenAI SDKs and the Anthropic SDKs.

use serde_json::{Value, json};
use testkit::canary;
use testkit::script::Script;
use testkit::upstream::Upstream;

use crate::stage::{Quire, lab, refused, write_config};

async fn stage() -> (Upstream, Quire) {
    let upstream = Upstream::start(Script::default()).await;
    let config = format!(
        "{}[providers.deepseek]\npreset = \"deepseek\"\napi_key = \"{}\"\n[aliases]\n\"gpt-5.5\" = {{ to = \"deepseek/deepseek-v4-pro\", purpose = \"the hard work\", effort = \"max\" }}\n\"team/eyes\" = \"deepseek/deepseek-flash\"\n\"claude-*\" = \"lab/mock-model\"\n",
        lab(&upstream),
        canary::API_KEY
    );
    let quire = Quire::start(&config).await;
    (upstream, quire)
}

/// The entry with this slug.
fn entry<'v>(models: &'v Value, slug: &str) -> &'v Value {
    let entries = models["models"].as_array().unwrap();
    entries
        .iter()
        .find(|entry| entry["slug"] == slug)
        .unwrap_or_else(|| panic!("no {slug} in {models:#}"))
}

#[tokio::test]
async fn every_entry_has_what_codex_requires() {
    let (_upstream, quire) = stage().await;
    let models = quire.get("/v1/models?client_version=0.169.0").await;
    let entries = models["models"].as_array().unwrap();
    assert!(entries.len() >= 5);
    for entry in entries {
        let text = |member: &str| {
            entry[member].as_str().unwrap_or_else(|| panic!("{member} of {entry:#}"))
        };
        assert!(
            !text("slug").is_empty()
                && !text("display_name").is_empty()
                && !text("base_instructions").is_empty()
        );
        assert!(
            ["unified_exec", "shell_command", "default", "local"].contains(&text("shell_type"))
        );
        assert!(["list", "hide"].contains(&text("visibility")));
        assert!(
            ["supported_in_api", "support_verbosity"]
                .iter()
                .all(|member| entry[*member].is_boolean())
        );
        assert!(entry["priority"].is_i64());
        assert_eq!(entry["truncation_policy"]["mode"], "tokens");
        assert!(entry["truncation_policy"]["limit"].is_i64());
        assert!(entry["experimental_supported_tools"].is_array());
        for level in entry["supported_reasoning_levels"].as_array().unwrap() {
            assert!(level["effort"].is_string() && level["description"].is_string());
        }
        let levels: Vec<&Value> = entry["supported_reasoning_levels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|level| &level["effort"])
            .collect();
        let default = &entry["default_reasoning_level"];
        assert!(default.is_null() || levels.contains(&default), "{entry:#}");
        // `function` is a decode error, and one bad entry spoils the list.
        assert_eq!(entry["apply_patch_tool_type"], "freeform");
        assert_eq!(entry["use_responses_lite"], false);
        assert!(entry.get("tool_mode").is_none());
    }
}

#[tokio::test]
async fn the_facts_of_an_entry_are_those_of_its_model() {
    let (_upstream, quire) = stage().await;
    let models = quire.get("/v1/models").await;
    let alias = entry(&models, "gpt-5.5");
    assert_eq!(
        (&alias["context_window"], &alias["description"]),
        (&json!(1_000_000), &json!("the hard work"))
    );
    assert_eq!(alias["default_reasoning_level"], "max");
    assert_eq!(alias["input_modalities"], json!(["text"]), "a text-only model says so");
    assert_eq!(entry(&models, "team/eyes")["input_modalities"], json!(["text", "image"]));
    assert!(!models.to_string().contains("claude-*"), "a pattern is no name");
    assert_eq!(entry(&models, "quire/demo")["visibility"], "list");
    canary::assert_no_secret("/v1/models", models.to_string());
}

#[tokio::test]
async fn both_sdks_find_their_list() {
    let (_upstream, quire) = stage().await;
    let models = quire.get("/v1/models?limit=1000").await;
    assert_eq!((&models["object"], &models["has_more"]), (&json!("list"), &json!(false)));
    let data = models["data"].as_array().unwrap();
    assert_eq!(data.len(), models["models"].as_array().unwrap().len());
    assert_eq!(
        (&models["first_id"], &models["last_id"]),
        (&data[0]["id"], &data.last().unwrap()["id"])
    );
    let mut ids: Vec<&str> = Vec::new();
    for entry in data {
        assert_eq!((&entry["object"], &entry["type"]), (&json!("model"), &json!("model")));
        assert!(entry["created"].is_u64() && entry["owned_by"].is_string());
        assert!(
            entry["created_at"].as_str().unwrap().ends_with('Z')
                && entry["display_name"].is_string()
        );
        ids.push(entry["id"].as_str().unwrap());
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "each name stands once");
}

#[tokio::test]
async fn one_model_is_found_with_its_slash_encoded_or_not() {
    let (_upstream, quire) = stage().await;
    for path in [
        "lab/mock-model",
        "lab%2Fmock-model",
        "lab%2fmock-model",
        "gpt-5.5",
        "team%2Feyes",
        "lab/mock-model/",
        // A name that a pattern leads to.
        "claude-x",
    ] {
        let model = quire.get(&format!("/v1/models/{path}")).await;
        assert_eq!(
            (&model["object"], &model["type"]),
            (&json!("model"), &json!("model")),
            "{path}"
        );
    }
    assert_eq!(quire.get("/v1/models/lab%2Fmock-model").await["id"], "lab/mock-model");
    for path in ["none", "lab%2Fnone", "%ff%fe", "%", "claude-*"] {
        let response = quire.client().get(&format!("/v1/models/{path}")).await.unwrap();
        let error = refused(response, 404).await;
        assert_eq!((&error["code"], &error["param"]), (&json!("model_not_found"), &json!("model")));
    }
}

#[tokio::test]
async fn the_instructions_are_those_of_the_configuration_or_of_the_user_s_codex() {
    let (upstream, quire) = stage().await;
    let health = quire.get("/health").await;
    assert_eq!(health["codex"]["base_instructions"], "neutral");
    assert!(health["codex"]["hint"].as_str().unwrap().contains("quire codex sync"));
    let folder = quire.home.path().join("codex");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("0.163.0.txt"), "of the older").unwrap();
    std::fs::write(folder.join("0.169.0.txt"), "of the newer").unwrap();
    for (version, text) in [("0.163.0", "of the older"), ("0.169.0", "of the newer")] {
        let models = quire.get(&format!("/v1/models?client_version={version}")).await;
        assert_eq!(models["models"][0]["base_instructions"], text);
    }
    // What is no version is no path either.
    quire.get("/v1/models?client_version=../../../etc/passwd").await;
    write_config(
        quire.home.path(),
        &format!("{}[codex]\nbase_instructions = \"mine\"\n", lab(&upstream)),
    );
    quire.until("/health", |health| health["codex"]["base_instructions"] == "configured").await;
    assert_eq!(quire.get("/v1/models").await["models"][0]["base_instructions"], "mine");
}
