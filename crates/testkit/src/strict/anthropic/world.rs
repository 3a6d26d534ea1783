//! The members that the newest SDK of Anthropic knows, read from the repository's list of the
//! closed world: what is not in it is refused, and what only its beta half knows is refused where
//! no beta was asked for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::walk::{kind, messages, role};

const LIST: &str = include_str!("../../../../../corpus/world/messages.txt");

/// Members that the SDK's types have dropped and the API still takes, for models that have them.
const STILL_TAKEN: [&str; 3] = ["field temperature", "field top_k", "field top_p"];

static WORLD: LazyLock<World> = LazyLock::new(World::read);

/// Each member's path (`field thinking.type`, `block text.citations.url`) and whether it is known
/// outside of the beta half.
struct World {
    known: BTreeMap<&'static str, bool>,
}

/// How much is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All that the SDK knows.
    All,
    /// What the SDK knows outside of its beta half.
    Stable,
}

/// The first member that is not known, in Anthropic's words for its place.
pub(super) fn stranger(body: &Value, known: Known) -> Option<String> {
    let judge = Judge { world: &WORLD, known };
    judge
        .object(body, "field ", "")
        .or_else(|| judge.tagged_list(&body["system"], "block ", "system"))
        .or_else(|| judge.messages(body))
        .or_else(|| judge.tools(body))
}

/// The first member of a request to count tokens that is not known there.
pub(super) fn stranger_to_count(body: &Value) -> Option<String> {
    let members = body.as_object()?;
    let known = |name: &String| WORLD.known.contains_key(format!("count {name}").as_str());
    members.keys().find(|name| !known(name)).cloned().or_else(|| stranger(body, Known::All))
}

/// Whether a content block of this type exists.
pub(super) fn is_block(kind: &str) -> bool {
    WORLD.known.contains_key(format!("block {kind}").as_str())
}

/// Whether a tool of this type exists.
pub(super) fn is_tool(kind: &str) -> bool {
    WORLD.known.contains_key(format!("tool {kind}").as_str())
}

impl World {
    fn read() -> Self {
        let mut known: BTreeMap<_, _> = STILL_TAKEN.map(|path| (path, true)).into();
        for line in LIST.lines().filter(|line| !line.starts_with('#')) {
            let Some((path, knowers)) = line.split_once('\t') else { continue };
            let stable = knowers
                .split(' ')
                .any(|knower| knower.starts_with("anthropic-") && !knower.ends_with(":beta"));
            known.insert(path, stable);
        }
        Self { known }
    }

    fn has_below(&self, path: &str) -> bool {
        let below = format!("{path}.");
        self.known.range(below.as_str()..).next().is_some_and(|(name, _)| name.starts_with(&below))
    }
}

struct Judge {
    world: &'static World,
    known: Known,
}

impl Judge {
    fn knows(&self, path: &str) -> bool {
        self.world.known.get(path).is_some_and(|stable| *stable || self.known == Known::All)
    }

    /// The first stranger in an object whose members are listed below `path`.
    fn object(&self, value: &Value, path: &str, place: &str) -> Option<String> {
        value.as_object()?.iter().find_map(|(name, value)| {
            let path = format!("{path}{name}");
            let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
            if !self.knows(&path) {
                return Some(place);
            }
            // A schema is the client's own, whatever of it the list has seen.
            if matches!(name.as_str(), "input_schema" | "schema") {
                return None;
            }
            if self.world.has_below(&path) {
                return match value {
                    Value::Array(values) => values.iter().enumerate().find_map(|(index, value)| {
                        self.object(value, &format!("{path}."), &format!("{place}.{index}"))
                    }),
                    value => self.object(value, &format!("{path}."), &place),
                };
            }
            // Blocks inside a block; anything else without listed members is open.
            if path.starts_with("block ") && name == "content" {
                self.inner(value, &place)
            } else {
                None
            }
        })
    }

    fn inner(&self, value: &Value, place: &str) -> Option<String> {
        match value {
            Value::Array(_) => self.tagged_list(value, "block ", place),
            value if is_block(kind(value)) => self.tagged(value, "block ", place),
            _ => None,
        }
    }

    fn tagged(&self, value: &Value, what: &str, place: &str) -> Option<String> {
        let kind = kind(value);
        let kind = if kind.is_empty() && what == "tool " { "custom" } else { kind };
        // A type that nobody knows is another rule's business.
        if !self.world.known.contains_key(format!("{what}{kind}").as_str()) {
            return None;
        }
        if !self.knows(&format!("{what}{kind}")) {
            return Some(format!("{place}.{kind}"));
        }
        self.object(value, &format!("{what}{kind}."), &format!("{place}.{kind}"))
    }

    fn tagged_list(&self, value: &Value, what: &str, place: &str) -> Option<String> {
        let values = value.as_array()?;
        let mut places = values.iter().enumerate();
        places.find_map(|(index, value)| self.tagged(value, what, &format!("{place}.{index}")))
    }

    fn messages(&self, body: &Value) -> Option<String> {
        messages(body).into_iter().find_map(|(place, message)| {
            let path = format!("role {}.", role(message));
            if !self.world.has_below(path.trim_end_matches('.')) {
                return None;
            }
            self.object(message, &path, &place).or_else(|| {
                self.tagged_list(&message["content"], "block ", &format!("{place}.content"))
            })
        })
    }

    fn tools(&self, body: &Value) -> Option<String> {
        self.tagged_list(&body["tools"], "tool ", "tools")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strangers_are_named_by_their_place() {
        let message = |content| json!({"messages": [{"role": "assistant", "content": content}]});
        let cases = [
            (json!({"stop": []}), "stop"),
            (json!({"thinking": {"budget": 1}}), "thinking.budget"),
            (
                json!({"messages": [{"role": "user", "content": "x", "name": "y"}]}),
                "messages.0.name",
            ),
            (json!({"tools": [{"name": "f", "parameters": {}}]}), "tools.0.custom.parameters"),
            (json!({"system": [{"type": "text", "text": "x", "id": 1}]}), "system.0.text.id"),
            (
                message(json!([{"type": "thinking", "thinking": "", "signature": "s",
                    "cache_control": {"type": "ephemeral"}}])),
                "messages.0.content.0.thinking.cache_control",
            ),
            (
                message(json!([{"type": "tool_result", "tool_use_id": "t", "content":
                    [{"type": "text", "text": "x", "detail": "y"}]}])),
                "messages.0.content.0.tool_result.content.0.text.detail",
            ),
            (
                message(json!([{"type": "document", "source": {"type": "base64", "name": "x"}}])),
                "messages.0.content.0.document.source.name",
            ),
        ];
        for (body, place) in cases {
            assert_eq!(stranger(&body, Known::All).as_deref(), Some(place), "{body}");
        }
    }

    #[test]
    fn open_members_and_unknown_types_are_left_alone() {
        let body = json!({
            "tools": [{"name": "f", "input_schema": {"type": "object", "x": 1}}],
            "messages": [
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"type": "text", "x": 1}},
                    {"type": "news", "x": 1}]},
                {"role": "developer", "x": 1}]});
        assert_eq!(stranger(&body, Known::All), None);
    }

    #[test]
    fn the_beta_half_is_told_apart() {
        let body = json!({"context_management": {"edits": []}});
        assert_eq!(stranger(&body, Known::All), None);
        assert_eq!(stranger(&body, Known::Stable).as_deref(), Some("context_management"));
        let listed = json!({"messages": [{"role": "user", "content":
            [{"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}}]}]});
        assert_eq!(
            stranger(&listed, Known::Stable).as_deref(),
            Some("messages.0.content.0.tool_addition")
        );
    }

    #[test]
    fn a_count_has_fewer_members() {
        assert_eq!(stranger_to_count(&json!({"max_tokens": 1})).as_deref(), Some("max_tokens"));
        assert_eq!(stranger_to_count(&json!({"model": "m", "messages": []})), None);
    }
}
