//! Messages servers as the provider records set them, and the strict ones that play them.

use crate::common::{accepts, efforts, member};
use testkit::strict::Profile;
use wire::dialect::Dialect;
use wire::target::{EffortMap, Structured, Target, ToolChoices};
use wire::turn::Effort;

/// A target by its name in the corpus.
pub(crate) fn target(name: &str) -> Target {
    use Effort::{High, Low, Max, Medium, Minimal, None as No, Ultra, Xhigh};
    let careful = Target { model: "m".to_owned(), ..Target::careful(Dialect::Messages) };
    let anthropic = accepts(&[
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "parallel_tool_calls",
        "service_tier",
        "user",
        "safety_identifier",
        "cache_control",
    ]);
    match name {
        "careful" => careful,
        "sonnet-4-5" => Target {
            model: "claude-sonnet-4-5".to_owned(),
            images: true,
            tool_images: true,
            files: true,
            max_output_tokens: Some(64_000),
            structured: Structured::Schema,
            strict_tools: true,
            web_search: true,
            efforts: EffortMap::budgets(),
            accepts: anthropic,
            ..careful
        },
        "opus-5-5" => {
            const ADAPTIVE: (&str, &str) =
                ("thinking", r#"{"type":"adaptive","display":"summarized"}"#);
            let config = |effort: &str| format!("{{\"effort\":\"{effort}\"}}");
            let [low, medium, high, xhigh, max] =
                ["low", "medium", "high", "xhigh", "max"].map(config);
            let row = |effort, acts_as, config| {
                (effort, acts_as, vec![ADAPTIVE, ("output_config", config)])
            };
            let rows = [
                (No, No, vec![("thinking", r#"{"type":"disabled"}"#)]),
                row(Minimal, Low, low.as_str()),
                row(Low, Low, &low),
                row(Medium, Medium, &medium),
                row(High, High, &high),
                row(Xhigh, Xhigh, &xhigh),
                row(Max, Max, &max),
                row(Ultra, Max, &max),
            ];
            let rows: Vec<_> = rows
                .iter()
                .map(|(asked, acts_as, members)| (*asked, *acts_as, members.as_slice()))
                .collect();
            Target {
                model: "claude-opus-5-5".to_owned(),
                images: true,
                tool_images: true,
                files: true,
                late_system: true,
                max_output_tokens: Some(128_000),
                structured: Structured::Schema,
                web_search: true,
                efforts: efforts(&rows),
                accepts: anthropic,
                ..careful
            }
        }
        "deepseek" => Target {
            tool_choice: ToolChoices { none: true, required: false, named: false },
            max_output_tokens: Some(384_000),
            unsigned_thinking: true,
            always: vec![member("thinking", r#"{"type":"enabled","budget_tokens":8192}"#)],
            accepts: accepts(&["temperature", "top_p", "stop"]),
            ..careful
        },
        other => unreachable!("no target is called `{other}`"),
    }
}

/// Each strict profile with the target that a provider record makes for it.
pub(crate) const PAIRS: [(Profile, &str); 5] = [
    (Profile::Anthropic, "careful"),
    (Profile::Anthropic, "sonnet-4-5"),
    (Profile::Anthropic, "opus-5-5"),
    (Profile::MessagesClassic, "careful"),
    (Profile::MessagesTolerant, "deepseek"),
];

/// The profile that judges what this target is sent.
pub(crate) fn profile(name: &str) -> Profile {
    PAIRS.iter().find(|(_, target)| *target == name).expect("every target has a profile").0
}
