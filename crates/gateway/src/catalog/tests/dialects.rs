//! What records say of each dialect, and where they have their lists of models.

use std::path::PathBuf;

use wire::target::Structured;
use wire::turn::Effort;

use super::{catalog, model};
use crate::catalog::{Dialect, GENERIC};

#[test]
fn efforts_are_asked_for_in_the_words_of_the_dialect() {
    let asked = |provider: &str, name: &str, dialect: Dialect, effort: Effort| {
        let model = model(provider, name);
        let row = model.target(dialect).efforts.get(effort).expect("a row");
        let members: Vec<String> =
            row.members.iter().map(|member| format!("{}={}", member.name, member.json)).collect();
        format!("{}: {}", row.acts_as.name(), members.join(" "))
    };
    use Dialect::{Chat, Messages, Responses};
    use Effort::{High, Low, Max, Medium, None as Off, Xhigh};
    let table = [
        ("openai-api", "gpt-5.6-sol", Responses, Max, r#"max: reasoning={"effort":"max"}"#),
        ("openai-api", "gpt-5.5", Responses, Max, r#"xhigh: reasoning={"effort":"xhigh"}"#),
        ("openai-api", "gpt-6.1-sol", Responses, Off, r#"low: reasoning={"effort":"low"}"#),
        ("openai-api", "o3-2025-04-16", Responses, Xhigh, r#"high: reasoning={"effort":"high"}"#),
        (
            "anthropic",
            "claude-opus-4-8",
            Messages,
            Xhigh,
            r#"xhigh: thinking={"display":"summarized","type":"adaptive"} output_config={"effort":"xhigh"}"#,
        ),
        (
            "anthropic",
            "claude-opus-4-6",
            Messages,
            Xhigh,
            r#"high: thinking={"type":"adaptive"} output_config={"effort":"high"}"#,
        ),
        ("anthropic", "claude-opus-5", Messages, Off, r#"none: thinking={"type":"disabled"}"#),
        (
            "anthropic",
            "claude-sonnet-5-5",
            Messages,
            Off,
            r#"none: thinking={"type":"between_tools"}"#,
        ),
        (
            "anthropic",
            "claude-haiku-4-5-20251001",
            Messages,
            Medium,
            r#"medium: thinking={"budget_tokens":8192,"type":"enabled"}"#,
        ),
        (
            "deepseek",
            "deepseek-flash",
            Messages,
            Low,
            r#"low: thinking={"type":"enabled"} output_config={"effort":"low"}"#,
        ),
        ("deepseek", "deepseek-flash", Chat, Off, r#"none: thinking={"type":"disabled"}"#),
        ("zai", "glm-5.3", Responses, Medium, r#"high: reasoning={"effort":"high"}"#),
        ("ollama", "gpt-oss:20b", Messages, High, "medium: "),
        ("vllm", "any", Responses, Max, r#"high: reasoning={"effort":"high"}"#),
    ];
    for (provider, name, dialect, effort, expected) in table {
        assert_eq!(asked(provider, name, dialect, effort), expected, "{provider}/{name}");
    }
    for name in ["claude-fable-5", "claude-opus-5-5", "claude-mythos-5-1", "claude-next"] {
        assert!(
            asked("anthropic", name, Messages, Off).starts_with("low: "),
            "{name} always thinks"
        );
    }
}

#[test]
fn each_dialect_has_facts_of_its_own() {
    let sol = model("openai-api", "gpt-5.6-sol");
    assert!(sol.responses.custom_tools && sol.responses.web_search && sol.responses.takes("store"));
    assert!(
        !sol.responses.takes("temperature")
            && model("openai-api", "gpt-4.1").responses.takes("temperature")
    );
    assert!(sol.responses.files && sol.chat.files && sol.chat.developer_role);
    assert!(!model("openai-api", "gpt-6.1-sol").chat.tools);
    assert!(model("openai-api", "gpt-6.1-sol").responses.tools);
    let opus = model("anthropic", "claude-opus-4-8");
    assert!(opus.messages.takes("cache_control") && opus.messages.late_system);
    assert!(!opus.messages.takes("temperature"), "it was taken away with 4.7");
    assert!(!model("anthropic", "claude-opus-4-7").messages.late_system);
    assert_eq!(opus.messages.structured, Structured::Schema);
    assert_eq!((opus.context, opus.messages.max_output_tokens), (Some(1_000_000), Some(128_000)));
    for provider in ["deepseek", "minimax", "minimax-cn", "xiaomi", "zai", "zhipu", "ollama"] {
        let target = model(provider, "any").messages;
        assert!(target.unsigned_thinking && !target.takes("cache_control"), "{provider}");
        assert_eq!(target.structured, Structured::None, "{provider}");
    }
    for provider in ["zai", "ollama", "lm-studio", "vllm"] {
        assert!(model(provider, "any").only_functions, "{provider}");
    }
    assert!(!model("chat", "any").only_functions && !sol.only_functions);
}

/// `[defaults.messages]` of the generic record says that images are taken; a preset that says
/// whether its models see says it for every dialect.
#[test]
fn what_a_preset_says_of_its_models_goes_before_what_is_assumed_in_a_dialect() {
    let generic = model(GENERIC, "any");
    assert!(!generic.chat.images && generic.messages.images && generic.responses.files);
    for (provider, name, sees) in [
        ("deepseek", "deepseek-v4-pro", false),
        ("deepseek", "deepseek-flash", true),
        ("zhipu", "glm-5.1", false),
        ("zhipu", "glm-5v-turbo", true),
        ("vllm", "any", false),
        ("ollama", "gemma3:4b", true),
    ] {
        let model = model(provider, name);
        for dialect in Dialect::ALL {
            let target = model.target(dialect);
            assert_eq!((target.images, target.files), (sees, false), "{provider}/{name}");
        }
    }
    let mut catalog = catalog();
    let text = "id = \"mine\"\nbase_url = \"https://example.com\"\ndialect = \"messages\"\n[defaults]\ninput = [\"text\"]\n[[models]]\nid = \"eyes\"\ninput = [\"text\", \"image\"]\n";
    let found = catalog.extend(&[(PathBuf::from("mine.toml"), text.to_owned())], &|_| None);
    assert!(found.is_empty(), "{found:#?}");
    let mine = catalog.record("mine").expect("it is there");
    assert!(!mine.model("any").messages.images && !mine.model("any").messages.files);
    assert!(mine.model("eyes").messages.images && !mine.model("eyes").messages.files);
}

#[test]
fn lists_of_models_are_asked_for_where_the_dialect_has_them() {
    let mut catalog = catalog();
    let files = [
        ("a", "dialect = \"messages\"\nbase_url = \"https://example.com/v1\""),
        ("b", "dialect = [\"responses\", \"messages\"]\nbase_url = \"https://example.com/v1\""),
        ("c", "base_url = \"https://example.com\"\nmodels_path = \"/api/tags\""),
        ("d", "base_url = \"https://example.com/v1\"\n[dialects]\nmessages = { base_url = \"https://example.com/anthropic\" }"),
    ]
    .map(|(id, lines)| (PathBuf::from(format!("{id}.toml")), format!("id = \"{id}\"\n{lines}\n")));
    let found = catalog.extend(&files, &|_| None);
    assert!(found.is_empty(), "{found:#?}");
    let table = [
        ("openai-api", "https://api.openai.com/v1/models"),
        ("anthropic", "https://api.anthropic.com/v1/models"),
        ("deepseek", "https://api.deepseek.com/models"),
        ("ollama", "http://127.0.0.1:11434/v1/models"),
        ("a", "https://example.com/v1/models"),
        ("b", "https://example.com/v1/models"),
        ("c", "https://example.com/api/tags"),
        ("d", "https://example.com/anthropic/v1/models"),
    ];
    for (id, url) in table {
        let record = catalog.record(id).expect(id);
        assert_eq!(record.models_url().map(|url| url.to_string()).as_deref(), Some(url), "{id}");
    }
    let live: Vec<&str> = catalog
        .records()
        .iter()
        .filter(|record| record.live_models.is_some())
        .map(|record| record.id.as_str())
        .collect();
    assert_eq!(live, ["anthropic", "lm-studio", "ollama", "openai-api", "vllm"]);
    let openai = catalog.record("openai-api").and_then(|record| record.live_models.clone());
    let except = openai.expect("it is live").except;
    let left = |name: &str| !except.iter().any(|glob| glob.matches(name));
    for name in ["gpt-5.6", "o4-mini", "gpt-4.1", "codex-mini-latest", "computer-use-preview"] {
        assert!(left(name), "{name}");
    }
    for name in
        ["text-embedding-3-large", "whisper-1", "gpt-4o-audio-preview", "gpt-image-1", "sora-2"]
    {
        assert!(!left(name), "{name}");
    }
}
