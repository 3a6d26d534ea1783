//! What Anthropic's models differ in. A name that nobody knows is taken for the newest model, as
//! that is what refuses most.

/// Whether a model is one of the list, by a part of its name.
fn is_one_of(model: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| model.contains(part))
}

/// Models before Opus 4.6: budgets instead of adaptive thinking, no effort, prefill allowed.
/// docs.claude.com, "What's new in Claude 4.6"; probes in github.com/elizaOS/eliza/pull/16175.
const BEFORE_4_6: &[&str] = &[
    "claude-2",
    "claude-3",
    "opus-4-0",
    "opus-4-1",
    "opus-4-2",
    "opus-4-5",
    "opus-4@",
    "sonnet-4-0",
    "sonnet-4-2",
    "sonnet-4-5",
    "haiku-4-5",
];

/// Models that take adaptive thinking and budgets alike.
const BOTH_KINDS: &[&str] = &["opus-4-6", "sonnet-4-6"];

/// Whether it has adaptive thinking and effort, and no prefill.
pub(super) fn is_adaptive(model: &str) -> bool {
    !is_one_of(model, BEFORE_4_6)
}

/// Whether it refuses a budget: Opus 4.7 and everything newer
/// (github.com/zeroclaw-labs/zeroclaw/pull/10611). Only names that are known to refuse count here,
/// since a budget is right for most servers that copy the dialect.
pub(super) fn refuses_budget(model: &str) -> bool {
    model.starts_with("claude-") && is_adaptive(model) && !is_one_of(model, BOTH_KINDS)
}

/// Whether messages of the system may stand among the others: Opus 4.8 and newer
/// (platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages).
pub(super) fn takes_system_messages(model: &str) -> bool {
    let is_older = is_one_of(model, BEFORE_4_6)
        || is_one_of(model, BOTH_KINDS)
        || is_one_of(model, &["opus-4-7", "mythos-preview"]);
    let is_sonnet_5 = model.contains("sonnet-5") && !model.contains("sonnet-5-5");
    !(is_older || is_sonnet_5)
}

/// The most tokens that it writes (platform.claude.com/docs/en/about-claude/models/overview).
pub(super) fn most_tokens(model: &str) -> u64 {
    if is_one_of(model, &["claude-2", "claude-3-opus", "claude-3-haiku", "claude-3-sonnet"]) {
        4096
    } else if is_one_of(model, &["claude-3-5"]) {
        8192
    } else if is_one_of(model, &["opus-4-0", "opus-4-1", "opus-4-2", "opus-4@"]) {
        32_000
    } else if is_one_of(model, BEFORE_4_6) || model.contains("sonnet-4-6") {
        64_000
    } else {
        128_000
    }
}

/// Whether it takes a temperature and a `top_p` in one request: models before Opus 4.1.
pub(super) fn takes_both_samplings(model: &str) -> bool {
    is_one_of(model, &["claude-2", "claude-3", "opus-4-0", "opus-4-2", "sonnet-4-0", "sonnet-4-2"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_apart_by_their_names() {
        assert!(!is_adaptive("claude-haiku-4-5-20251001") && is_adaptive("claude-opus-4-6"));
        assert!(is_adaptive("mock-model") && !refuses_budget("mock-model"));
        assert!(refuses_budget("claude-opus-5-5") && !refuses_budget("claude-sonnet-4-6"));
        assert!(
            takes_system_messages("claude-opus-4-8") && takes_system_messages("claude-opus-5-5")
        );
        assert!(
            !takes_system_messages("claude-sonnet-5") && takes_system_messages("claude-sonnet-5-5")
        );
        assert_eq!(most_tokens("claude-opus-4-1-20250805"), 32_000);
        assert_eq!(most_tokens("claude-sonnet-4-5"), 64_000);
        assert_eq!(most_tokens("claude-fable-5"), 128_000);
    }
}
