//! Names and where they lead, over one configuration that has every kind of name.

use std::path::Path;

use super::*;
use crate::config::{Origin, Snapshot};
use wire::turn::Effort;

const CONFIG: &str = r#"
[default]
model = "fast"

[providers.lab]
base_url = "http://127.0.0.1:1/v1"
models = ["mock-model", "shared", "org/nested"]

[providers.two]
base_url = "http://127.0.0.1:2/v1"
models = ["shared", "only-two"]
models_closed = true

[providers.open]
base_url = "http://127.0.0.1:3/v1"

[providers.glm]
preset = "zhipu"
api_key = "${KEY}"

[aliases]
fast = { to = "lab/mock-model", effort = "low", purpose = "quick things" }
chain = "fast"
"lab/shared" = "two/shared"
"gpt-*" = "lab/mock-model"
"gpt-*-mini" = { to = ["two/only-two", "lab/mock-model"], fast = true }
"two/x*" = "lab/mock-model"

[fallback]
"lab/*" = ["two/only-two"]
"lab/mock-model" = ["two/shared", "lab/mock-model", "open/any"]
fast = ["glm/glm-5.1"]
"#;

fn snapshot_of(text: &str) -> Snapshot {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("config.toml");
    std::fs::write(&file, text).expect("written");
    load(&file)
}

fn load(file: &Path) -> Snapshot {
    let env = |name: &str| match name {
        "KEY" | "DEEPSEEK_API_KEY" => Some("sk-canary".to_owned()),
        "QUIRE_HOME" => Some("/nowhere".to_owned()),
        _ => None,
    };
    Snapshot::load(Some(file), &env).unwrap_or_else(|found| panic!("{found:#?}")).0
}

fn snapshot() -> Snapshot {
    snapshot_of(CONFIG)
}

/// `a/b, c/d? | e/f`: candidates, `?` for unlisted, after the bar the fallbacks.
fn shown(route: &Route) -> String {
    let side = |fallback: bool| {
        let names: Vec<String> = route
            .candidates
            .iter()
            .filter(|candidate| candidate.fallback == fallback)
            .map(|c| format!("{}{}", c.name(), if c.unlisted { "?" } else { "" }))
            .collect();
        names.join(", ")
    };
    let (first, then) = (side(false), side(true));
    if then.is_empty() { first } else { format!("{first} | {then}") }
}

#[test]
fn names_lead_where_the_order_says() {
    let snapshot = snapshot();
    let table = [
        // Exact alias, even where it looks like provider/model.
        ("fast", "lab/mock-model | glm/glm-5.1, two/shared, open/any"),
        ("chain", "lab/mock-model | two/shared, open/any"),
        ("lab/shared", "two/shared | two/only-two"),
        // Provider and the rest verbatim, split at the first slash.
        ("lab/mock-model", "lab/mock-model | two/shared, open/any"),
        ("lab/org/nested", "lab/org/nested | two/only-two"),
        ("lab/unheard", "lab/unheard? | two/only-two"),
        ("open/any/thing", "open/any/thing"),
        ("glm/glm-5.1", "glm/glm-5.1"),
        ("glm/GLM-5.1", "glm/GLM-5.1"),
        ("zhipu/glm-9", "glm/glm-9?"),
        ("quire/demo", "quire/demo"),
        ("deepseek/deepseek-v4-pro", "deepseek/deepseek-v4-pro"),
        // Patterns: the more exact one first.
        ("gpt-5.5", "lab/mock-model | two/shared, open/any"),
        ("gpt-5.4-mini", "two/only-two, lab/mock-model | two/shared, open/any"),
        // Bare names that exactly one provider lists.
        ("mock-model", "lab/mock-model | two/shared, open/any"),
        ("org/nested", "lab/org/nested | two/only-two"),
        ("glm-5.1", "glm/glm-5.1"),
    ];
    for (asked, expected) in table {
        let route = resolve(&snapshot, Some(asked)).unwrap_or_else(|e| panic!("{asked}: {e}"));
        assert_eq!(shown(&route), expected, "{asked}");
        assert_eq!((route.asked.as_str(), route.defaulted), (asked, false));
    }
}

#[test]
fn names_that_lead_nowhere_say_what_was_near() {
    let snapshot = snapshot();
    let table = [
        (
            "shared",
            "several providers have a model `shared`: name one of them (`lab/shared`, `two/shared`)",
        ),
        ("mok-model", "there is no model `mok-model`; did you mean `lab/mock-model`?"),
        ("two/only-tow", "`two` has no model `only-tow`; did you mean `two/only-two`?"),
        // A pattern does not open what the provider has closed.
        ("two/xyz", "`two` has no model `xyz`"),
        ("quire/else", "`quire` has no model `else`"),
        // The demo and what was merely found answer to their full names only.
        ("demo", "there is no model `demo`; did you mean `quire/demo`?"),
        (
            "deepseek-v4-pro",
            "there is no model `deepseek-v4-pro`; did you mean `deepseek/deepseek-v4-pro`",
        ),
        ("lab/", "there is no model `lab/`"),
        ("/x", "there is no model `/x`; `GET /v1/models` lists what there is"),
        ("", "there is no model ``; `GET /v1/models` lists what there is"),
        (
            "完全不同的名字",
            "there is no model `完全不同的名字`; `GET /v1/models` lists what there is",
        ),
    ];
    for (asked, expected) in table {
        let error = resolve(&snapshot, Some(asked)).expect_err(asked);
        assert!(error.to_string().starts_with(expected), "{asked}: {error}");
    }
}

#[test]
fn the_default_serves_requests_without_a_model_only() {
    let route = resolve(&snapshot(), None).expect("there is a default");
    assert!(route.defaulted);
    assert_eq!(route.asked, "fast");
    assert_eq!(route.alias.and_then(|alias| alias.effort), Some(Effort::Low));
    let bare = snapshot_of("");
    assert_eq!(resolve(&bare, None).expect_err("no default"), NotFound::Unasked);
    assert!(resolve(&bare, Some("nobody")).is_err());
}

#[test]
fn settings_come_with_aliases_only() {
    let snapshot = snapshot();
    let mini = resolve(&snapshot, Some("gpt-x-mini")).expect("a pattern").alias.expect("settings");
    assert_eq!(mini.fast, Some(true));
    let chain = resolve(&snapshot, Some("chain")).expect("an alias").alias.expect("settings");
    assert_eq!(chain.purpose.as_deref(), Some("quick things"));
    assert!(resolve(&snapshot, Some("lab/mock-model")).expect("a model").alias.is_none());
}

#[test]
fn a_star_catches_all_only_if_it_is_written() {
    let star = snapshot_of(&CONFIG.replace("chain = \"fast\"", "\"*\" = \"lab/mock-model\""));
    assert!(
        shown(&resolve(&star, Some("anything")).expect("caught")).starts_with("lab/mock-model")
    );
    // It comes before bare names, as the order says, and never before an explicit provider.
    assert!(
        shown(&resolve(&star, Some("two/shared")).expect("explicit")).starts_with("two/shared")
    );
}

#[test]
fn every_name_that_is_listed_resolves_and_is_listed_once() {
    let snapshot = snapshot();
    let all = list(&snapshot);
    for (index, listed) in all.iter().enumerate() {
        let route = resolve(&snapshot, Some(&listed.slug)).expect(&listed.slug);
        assert_eq!(route.candidates[0].provider.id, listed.provider, "{}", listed.slug);
        assert_eq!(route.candidates[0].model.id, listed.model, "{}", listed.slug);
        assert!(!all[..index].iter().any(|other| other.slug == listed.slug), "{}", listed.slug);
    }
    let slugs: Vec<&str> = all.iter().map(|listed| listed.slug.as_str()).take(5).collect();
    assert_eq!(slugs, ["fast", "chain", "lab/shared", "lab/mock-model", "lab/org/nested"]);
    assert!(all.iter().any(|listed| listed.slug == "quire/demo"));
    assert!(!all.iter().any(|listed| listed.slug.contains('*')));
}

#[test]
fn a_listed_model_carries_its_facts() {
    let all = list(&snapshot());
    let find = |slug: &str| all.iter().find(|listed| listed.slug == slug).expect(slug).clone();
    let pro = find("deepseek/deepseek-v4-pro");
    assert_eq!(pro.efforts, [Effort::None, Effort::Low, Effort::High, Effort::Max]);
    assert_eq!(pro.default_effort, Some(Effort::High));
    assert_eq!((pro.context_window, pro.max_output_tokens), (Some(1_000_000), Some(384_000)));
    assert_eq!((pro.images, pro.origin), (false, Origin::Environment));
    assert_eq!(pro.display_name, "DeepSeek V4 Pro");
    let fast = find("fast");
    assert_eq!(fast.display_name, "fast (mock-model)");
    assert_eq!(fast.settings.purpose.as_deref(), Some("quick things"));
    assert!(fast.is_alias && fast.efforts.is_empty());
    assert!(find("glm/glm-5.3-flash").images);
}
