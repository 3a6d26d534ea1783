//! Servers as provider records describe them.

use testkit::strict::Profile;
use wire::dialect::Dialect;
use wire::target::{EffortMap, Replay, Structured, Target};

/// Each strict profile with a target that fits it.
pub(crate) const PAIRS: [(Profile, &str); 4] = [
    (Profile::OpenAiResponses, "openai"),
    (Profile::OpenAiResponses, "careful"),
    (Profile::ResponsesTolerant, "open"),
    (Profile::ResponsesTolerant, "poor"),
];

/// A target by its name in the corpus.
pub(crate) fn target(name: &str) -> Target {
    let careful = Target { model: "m".to_owned(), ..Target::careful(Dialect::Responses) };
    match name {
        // Nothing is known of the server.
        "careful" => careful,
        // api.openai.com with a model that thinks.
        "openai" => Target {
            images: true,
            tool_images: true,
            files: true,
            custom_tools: true,
            web_search: true,
            max_output_tokens: Some(128_000),
            max_tools: Some(128),
            accepts: [
                "parallel_tool_calls",
                "temperature",
                "top_p",
                "service_tier",
                "prompt_cache_key",
                "safety_identifier",
                "user",
                "metadata",
                "verbosity",
                "store",
                "include",
                "max_tool_calls",
                "allowed_tools",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..careful
        },
        // vLLM and its like: models that think in the open.
        "open" => Target {
            images: true,
            developer_role: false,
            replay: Replay::Reasoning,
            accepts: ["temperature", "top_p", "store", "include"].map(str::to_owned).to_vec(),
            ..careful
        },
        // A server that knows little.
        "poor" => Target {
            late_system: false,
            developer_role: false,
            strict_tools: false,
            structured: Structured::Object,
            efforts: EffortMap::default(),
            tool_choice: wire::target::ToolChoices { none: false, required: false, named: false },
            accepts: Vec::new(),
            ..careful
        },
        other => unreachable!("no target is called `{other}`"),
    }
}
