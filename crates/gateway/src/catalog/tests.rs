//! The embedded records: that they are clean, complete and lawful, and what they say.

use std::collections::BTreeSet;
use std::fs;

use wire::target::{Replay, Structured};
use wire::turn::Effort;

use super::*;

mod dialects;

fn catalog() -> Catalog {
    Catalog::embedded()
}

fn model(provider: &str, name: &str) -> Model {
    catalog().record(provider).expect("a record").model(name)
}

fn sends(model: &Model, effort: Effort) -> String {
    let row = model.chat.efforts.get(effort).expect("a row");
    let members: Vec<String> =
        row.members.iter().map(|member| format!("{}={}", member.name, member.json)).collect();
    format!("{}: {}", row.acts_as.name(), members.join(" "))
}

#[test]
fn every_embedded_record_is_read_without_a_complaint() {
    let (catalog, found) = Catalog::read_embedded();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(catalog.records().len(), EMBEDDED.len());
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("the folder of records")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let embedded: BTreeSet<String> = EMBEDDED.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files, embedded);
}

#[test]
fn every_fact_has_a_source() {
    for record in catalog().records() {
        let sourced = |what: &str, source: &[String]| {
            assert!(!source.is_empty(), "{}: {what} has no source", record.id);
            for name in source {
                assert!(record.sources.iter().any(|(known, _)| known == name), "{name}");
            }
        };
        record.cards.iter().for_each(|card| sourced(&card.id, &card.source));
        record.efforts.iter().for_each(|(name, efforts)| sourced(name, &efforts.source));
        record.errors.iter().for_each(|rule| sourced("an error rule", &rule.source));
        record.dialects.iter().for_each(|endpoint| sourced("a dialect", &endpoint.source));
    }
    // Defaults, authentication and addresses carry theirs in the text.
    for (file, text) in EMBEDDED {
        let defaults = text.split("[defaults]").nth(1);
        if let Some(defaults) = defaults {
            assert!(defaults.trim_start().starts_with("source = "), "{file}: defaults");
        }
        for line in text.lines().filter(|line| line.starts_with("auth = ")) {
            assert!(line.contains("source = "), "{file}: auth");
        }
    }
}

#[test]
fn every_source_says_where_and_how_sure() {
    for record in catalog().records() {
        assert!(!record.sources.is_empty(), "{}", record.id);
        for (name, source) in &record.sources {
            let sure = source.confidence >= Confidence::Documented;
            assert!(!sure || source.at.starts_with("https://"), "{}: {name}", record.id);
        }
    }
}

/// `EffortMap::new` holds the laws of order; here is that no map has gaps.
#[test]
fn every_effort_map_is_explicit_about_every_effort_it_can() {
    for record in catalog().records() {
        for (name, efforts) in &record.efforts {
            let asked: Vec<Effort> = efforts.map.rows().iter().map(|row| row.asked).collect();
            let gaps: Vec<_> =
                Effort::ALL.into_iter().filter(|effort| !asked.contains(effort)).collect();
            assert!(gaps.is_empty() || gaps == [Effort::None], "{}: {name}: {gaps:?}", record.id);
            for row in efforts.map.rows() {
                let same = efforts.map.get(row.acts_as).expect("a row");
                assert_eq!(same.acts_as, row.acts_as, "{}: {name}", record.id);
                assert_eq!(same.members, row.members, "{}: {name}", record.id);
            }
        }
    }
}

#[test]
fn ids_and_synonyms_name_one_record_each() {
    let catalog = catalog();
    let mut seen = BTreeSet::new();
    for record in catalog.records() {
        for name in std::iter::once(&record.id).chain(&record.synonyms) {
            assert!(seen.insert(name.clone()), "{name} names two records");
        }
    }
    let names = [
        ("deepseek", "deepseek"),
        ("zhipu", "zhipu"),
        ("zhipu-bigmodel", "zhipu"),
        ("zhipu-bigmodel-coding", "zhipu-coding"),
        ("zai", "zai"),
        ("minimax", "minimax"),
        ("minimax-cn", "minimax-cn"),
        ("xiaomi", "xiaomi"),
        ("xiaomi-mimo", "xiaomi"),
        ("mimo", "xiaomi-plan"),
        ("ollama", "ollama"),
        ("vllm", "vllm"),
        ("lm-studio", "lm-studio"),
        ("openai-api", "openai-api"),
        ("openai-apikey", "openai-api"),
        ("anthropic", "anthropic"),
        ("anthropic-apikey", "anthropic"),
        ("custom", "chat"),
    ];
    for (name, id) in names {
        assert_eq!(catalog.record(name).map(|record| record.id.as_str()), Some(id), "{name}");
    }
}

#[test]
fn no_environment_variable_belongs_to_two_records() {
    let catalog = catalog();
    let mut seen = BTreeSet::new();
    for name in catalog.records().iter().flat_map(|record| &record.env) {
        assert!(seen.insert(name.clone()), "{name}");
    }
}

#[test]
fn endpoints_are_built_from_bases_and_paths() {
    let catalog = catalog();
    let url = |provider: &str, dialect: Dialect| {
        let record = catalog.record(provider).expect("a record");
        let endpoint = record.dialects.iter().find(|endpoint| endpoint.dialect == dialect);
        endpoint.and_then(|e| e.url(record.base_url.as_ref())).map(|url| url.to_string())
    };
    let table = [
        ("deepseek", Dialect::Chat, "https://api.deepseek.com/chat/completions"),
        ("vllm", Dialect::Responses, "http://127.0.0.1:8000/v1/responses"),
        ("deepseek", Dialect::Messages, "https://api.deepseek.com/anthropic/v1/messages"),
        ("zhipu", Dialect::Chat, "https://open.bigmodel.cn/api/paas/v4/chat/completions"),
        (
            "zhipu-coding",
            Dialect::Chat,
            "https://open.bigmodel.cn/api/coding/paas/v4/chat/completions",
        ),
        ("zai", Dialect::Responses, "https://api.z.ai/api/v1/responses"),
        ("minimax", Dialect::Messages, "https://api.minimax.io/anthropic/v1/messages"),
        ("minimax-cn", Dialect::Chat, "https://api.minimaxi.com/v1/chat/completions"),
        ("xiaomi", Dialect::Chat, "https://api.xiaomimimo.com/v1/chat/completions"),
        ("ollama", Dialect::Chat, "http://127.0.0.1:11434/v1/chat/completions"),
        ("ollama", Dialect::Messages, "http://127.0.0.1:11434/v1/messages"),
        ("lm-studio", Dialect::Chat, "http://127.0.0.1:1234/v1/chat/completions"),
    ];
    for (provider, dialect, expected) in table {
        assert_eq!(url(provider, dialect).as_deref(), Some(expected), "{provider}");
    }
}

#[test]
fn the_base_of_messages_may_end_in_v1() {
    let endpoint =
        Endpoint { dialect: Dialect::Messages, base_url: None, path: None, source: Vec::new() };
    for base in
        ["https://x.example", "https://x.example/", "https://x.example/v1", "https://x.example/v1/"]
    {
        let base = crate::secret::SafeUrl::new(url::Url::parse(base).expect("a URL"));
        let url = endpoint.url(Some(&base)).expect("a URL").to_string();
        assert_eq!(url, "https://x.example/v1/messages");
    }
}

#[test]
fn deepseek_thinks_at_every_effort_but_none() {
    let pro = model("deepseek", "deepseek-v4-pro");
    let table = [
        (Effort::None, r#"none: thinking={"type":"disabled"}"#),
        (Effort::Low, r#"low: thinking={"type":"enabled"} reasoning_effort="low""#),
        (Effort::Medium, r#"high: thinking={"type":"enabled"} reasoning_effort="high""#),
        (Effort::Xhigh, r#"high: thinking={"type":"enabled"} reasoning_effort="high""#),
        (Effort::Ultra, r#"max: thinking={"type":"enabled"} reasoning_effort="max""#),
    ];
    for (effort, expected) in table {
        assert_eq!(sends(&pro, effort), expected);
    }
    assert_eq!(pro.chat.replay, Replay::ReasoningContent);
    assert_eq!(pro.context, Some(1_000_000));
    assert!(!pro.chat.images && model("deepseek", "deepseek-flash").chat.images);
    assert!(!pro.chat.tool_choice.required, "forced choices answer 400 while it thinks");
}

#[test]
fn what_a_model_understands_differs_within_one_provider() {
    assert_eq!(
        sends(&model("zhipu", "glm-5.1"), Effort::None),
        r#"none: thinking={"type":"disabled"}"#
    );
    assert!(sends(&model("zhipu", "glm-5.3"), Effort::None).starts_with("low: "));
    assert!(sends(&model("minimax", "MiniMax-M3"), Effort::Low).contains(r#""adaptive""#));
    assert_eq!(sends(&model("minimax", "MiniMax-M2.7"), Effort::None), "high: ");
    assert_eq!(model("minimax", "MiniMax-M2.7").chat.replay, Replay::ReasoningDetails);
    assert_eq!(model("ollama", "llama3.2").chat.efforts.rows(), []);
    assert_eq!(model("ollama", "llama3.2").chat.structured, Structured::Schema);
}

#[test]
fn models_are_found_tolerantly() {
    let table = [
        // exact, case, tag, pattern, pattern with case, unknown
        ("minimax", "MiniMax-M3", true, Some(1_000_000)),
        ("minimax", "minimax-m3", true, Some(1_000_000)),
        ("minimax", "MiniMax-M3:free", true, Some(1_000_000)),
        ("minimax", "MiniMax-M3-next", false, Some(1_000_000)),
        ("ollama", "GPT-OSS:120b", false, Some(131_072)),
        ("minimax", "Unheard-Of", false, Some(204_800)),
        ("zhipu", "glm-5.3[1m]", false, Some(1_000_000)),
        ("zhipu", "glm-4.5-air", false, Some(128_000)),
        ("vllm", "anything/at-all", false, None),
    ];
    for (provider, name, listed, context) in table {
        let model = model(provider, name);
        assert_eq!((model.listed, model.context), (listed, context), "{provider}/{name}");
        assert_eq!((model.id.as_str(), model.chat.model.as_str()), (name, name));
    }
}

#[test]
fn the_more_exact_pattern_speaks() {
    assert!(model("ollama", "qwen3:8b").chat.efforts.get(Effort::High).is_some());
    assert!(model("ollama", "qwen3-coder:30b").chat.efforts.get(Effort::High).is_none());
    assert!(model("ollama", "qwen3-vl:8b").chat.images);
}

#[test]
fn errors_are_told_apart_by_the_first_rule_that_fits() {
    let catalog = catalog();
    let kind = |provider: &str, status, codes: &[&str], text: &str| {
        let record = catalog.record(provider).expect("a record");
        let rule = record.errors.iter().find(|rule| rule.fits(status, codes, text));
        rule.map(|rule| rule.kind.name())
    };
    assert_eq!(kind("deepseek", Some(402), &[], "Insufficient Balance"), Some("quota"));
    assert_eq!(kind("zhipu", Some(429), &["1113"], ""), Some("quota"));
    assert_eq!(kind("zhipu", Some(429), &["1302"], ""), Some("rate-limited"));
    assert_eq!(kind("zai", Some(400), &["1261"], ""), Some("too-long"));
    assert_eq!(kind("anthropic", Some(529), &["overloaded_error"], ""), Some("overloaded"));
    let text = "prompt is too long: 210000 tokens > 200000 maximum";
    assert_eq!(kind("anthropic", Some(400), &["invalid_request_error"], text), Some("too-long"));
    let text = "Your credit balance is too low to access the Anthropic API.";
    assert_eq!(kind("anthropic", Some(400), &["invalid_request_error"], text), Some("quota"));
    assert_eq!(kind("openai-api", Some(429), &["insufficient_quota"], ""), Some("quota"));
    let text = "This model's Maximum Context Length is 8192 tokens";
    assert_eq!(kind("vllm", Some(400), &[], text), Some("too-long"));
    assert_eq!(kind("vllm", Some(400), &[], "else"), None);
}

#[test]
fn a_user_record_extends_or_replaces_one_of_ours() {
    let mut catalog = catalog();
    let files = [
        (
            PathBuf::from("deepseek.toml"),
            "id = \"deepseek\"\n[[models]]\nid = \"deepseek-v9\"\ncontext = 9\n".to_owned(),
        ),
        (
            PathBuf::from("vllm.toml"),
            "id = \"vllm\"\nreplace = true\nbase_url = \"http://10.0.0.2:8000/v1\"\n".to_owned(),
        ),
        (
            PathBuf::from("mine.toml"),
            "id = \"mine\"\nextends = \"zhipu\"\nbase_url = \"https://example.com/v4\"\n"
                .to_owned(),
        ),
    ];
    let found = catalog.extend(&files, &|_| None);
    assert!(found.is_empty(), "{found:#?}");
    let deepseek = catalog.record("deepseek").expect("it is there");
    assert_eq!(deepseek.model("deepseek-v9").context, Some(9));
    assert!(deepseek.model("deepseek-v4-pro").listed);
    let vllm = catalog.record("vllm").expect("it is there");
    assert!(vllm.model("x").chat.efforts.rows().is_empty());
    assert!(catalog.record("mine").expect("it is there").model("glm-5.1").listed);
    assert!(catalog.record("mine").is_some_and(|mine| mine.dialects.len() == 1));
}

#[test]
fn a_broken_user_record_is_reported_where_it_breaks() {
    let mut catalog = catalog();
    let text = "\
id = \"mine\"
base_url = \"http://169.254.169.254/v1\"

[[models]]
id = \"a\"
efforts = \"nope\"
replai = \"no\"

[efforts.odd]
low = { acts_as = \"high\" }
high = { acts_as = \"low\" }

[[errors]]
kind = \"boom\"
";
    let files = [(PathBuf::from("mine.toml"), text.to_owned())];
    let found: Vec<String> =
        catalog.extend(&files, &|_| None).iter().map(ToString::to_string).collect();
    let expected = [
        ("mine.toml:1:6", "has no `base_url`"),
        ("mine.toml:2:12", "link-local and metadata addresses are refused"),
        ("mine.toml:6:11", "there is no effort map `nope`"),
        ("mine.toml:7:1", "did you mean `replay`?"),
        ("mine.toml:9:10", "acts as less"),
        ("mine.toml:13:1", "a rule needs `status`, `code` or `contains`"),
        ("mine.toml:14:8", "no fault is called `boom`"),
    ];
    for (place, message) in expected {
        assert!(
            found.iter().any(|line| line.contains(place) && line.contains(message)),
            "{place} {message} in {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}
