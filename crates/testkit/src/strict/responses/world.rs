//! The members that `api.openai.com` knows, read from the closed world of the repository: what the
//! pinned SDK declares and what real clients were seen to send. What only Open Responses or the
//! SDK's beta types have is not known here, for the server refuses it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::super::walk::members;

const LINES: &str = include_str!("../../../../../corpus/world/responses.txt");

/// Known, although the SDK's request type lacks them: measured at api.openai.com on 2026-08-31.
const ALSO: [&str; 2] = ["field frequency_penalty", "field presence_penalty"];

/// Members whose own members are the caller's, and one that the server looks into later.
const FREE: [&str; 4] =
    ["field client_metadata", "field metadata", "field prompt.variables", "field tool_choice"];

pub(super) static WORLD: LazyLock<World> = LazyLock::new(World::read);

pub(super) struct World {
    known: BTreeSet<String>,
    /// The known members that have known members themselves.
    inner: BTreeSet<String>,
}

impl World {
    fn read() -> Self {
        let sent = |who: &str| who == "openai-3.52.0" || who.starts_with("fixture:");
        let mut known: BTreeSet<String> = LINES
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .filter(|(name, who)| who.split(' ').any(sent) && !is_elsewhere(name))
            .map(|(name, _)| name.to_owned())
            .collect();
        known.extend(ALSO.map(str::to_owned));
        let parent = |name: &String| Some(name.rsplit_once('.')?.0.to_owned());
        let mut inner: BTreeSet<String> = known.iter().filter_map(parent).collect();
        inner.retain(|name| !FREE.contains(&name.as_str()));
        Self { known, inner }
    }

    /// Whether this kind of item, part or tool is known.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    /// The place of the first member that nobody knows. `prefix` is `field`, or a kind as
    /// `item message`; the members of a kind that is itself unknown are not looked at.
    pub(super) fn stranger(&self, prefix: &str, value: &Value, place: &str) -> Option<String> {
        let joint = if prefix == "field" { ' ' } else { '.' };
        self.first_stranger(&format!("{prefix}{joint}"), value, place)
    }

    fn first_stranger(&self, prefix: &str, value: &Value, place: &str) -> Option<String> {
        members(value).find_map(|(name, inner)| {
            let key = format!("{prefix}{name}");
            let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
            if !self.known.contains(&key) {
                return Some(place);
            }
            if !self.inner.contains(&key) {
                return None;
            }
            let below = format!("{key}.");
            match inner {
                Value::Array(list) => list.iter().enumerate().find_map(|(index, element)| {
                    self.first_stranger(&below, element, &format!("{place}[{index}]"))
                }),
                _ => self.first_stranger(&below, inner, &place),
            }
        })
    }
}

/// What the world knows and the server calls unknown.
fn is_elsewhere(name: &str) -> bool {
    // The SDK still lists these two. The first was measured on 2026-08-31, the second is in
    // github.com/1jehuang/jcode/issues/1028.
    matches!(name, "field reasoning.generate_summary" | "item reasoning.status")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strangers_are_found_at_any_depth() {
        let field = |body| WORLD.stranger("field", &body, "");
        assert_eq!(field(json!({"model": "m", "stop": "x"})).as_deref(), Some("stop"));
        assert_eq!(field(json!({"text": {"a": 1}})).as_deref(), Some("text.a"));
        assert_eq!(
            field(json!({"context_management": [{"type": "compaction", "a": 1}]})).as_deref(),
            Some("context_management[0].a")
        );
        assert_eq!(field(json!({"multi_agent": {}})).as_deref(), Some("multi_agent"));
        let item = json!({"type": "reasoning", "summary": [], "status": "completed"});
        assert_eq!(
            WORLD.stranger("item reasoning", &item, "input[0]").as_deref(),
            Some("input[0].status")
        );
    }

    #[test]
    fn what_is_the_callers_own_is_not_looked_at() {
        let body = json!({"metadata": {"a": "b"}, "client_metadata": {"mine": "x"},
            "prompt": {"id": "p", "variables": {"mine": "x"}}, "frequency_penalty": 0,
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"mine": 1}}}});
        assert_eq!(WORLD.stranger("field", &body, ""), None);
    }
}
