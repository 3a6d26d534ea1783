//! Ways to walk a Messages request, with places in the words of Anthropic's validator:
//! `messages.1.content.0.tool_use.input`.

use serde_json::Value;

/// A content block, wherever it stands.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    /// `messages.1.content.0`
    pub(super) at: String,
    /// Its `type`, or an empty string.
    pub(super) kind: &'a str,
    pub(super) value: &'a Value,
    /// The role of its message; empty for the system prompt.
    pub(super) role: &'a str,
    /// Whether it stands inside another block.
    pub(super) nested: bool,
}

impl Block<'_> {
    /// `messages.1.content.0.tool_use`
    pub(super) fn tagged(&self) -> String {
        format!("{}.{}", self.at, self.kind)
    }

    /// `messages.1.content.0.tool_use.input`
    pub(super) fn member(&self, name: &str) -> String {
        format!("{}.{}.{name}", self.at, self.kind)
    }
}

/// A declared tool.
#[derive(Clone, Debug)]
pub(super) struct Tool<'a> {
    /// `tools.0`
    pub(super) at: String,
    /// Its `type`; `custom` where it has none.
    pub(super) kind: &'a str,
    pub(super) value: &'a Value,
}

impl Tool<'_> {
    /// `tools.0.custom.name`
    pub(super) fn member(&self, name: &str) -> String {
        format!("{}.{}.{name}", self.at, self.kind)
    }

    /// Whether the client runs it and declares its schema.
    pub(super) fn is_custom(&self) -> bool {
        self.kind == "custom"
    }

    pub(super) fn name(&self) -> &str {
        self.value["name"].as_str().unwrap_or_default()
    }
}

/// The elements of an array, with their places.
pub(super) fn elements<'a>(
    value: &'a Value,
    place: &str,
) -> impl Iterator<Item = (String, &'a Value)> + use<'a> {
    let place = place.to_owned();
    let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
    elements.iter().enumerate().map(move |(index, value)| (format!("{place}.{index}"), value))
}

/// The messages, with their places.
pub(super) fn messages(body: &Value) -> Vec<(String, &Value)> {
    elements(&body["messages"], "messages").collect()
}

pub(super) fn role(message: &Value) -> &str {
    message["role"].as_str().unwrap_or_default()
}

pub(super) fn kind(block: &Value) -> &str {
    block["type"].as_str().unwrap_or_default()
}

/// The blocks of one message, not those inside them.
pub(super) fn content<'a>(place: &str, message: &'a Value) -> Vec<Block<'a>> {
    let role = role(message);
    elements(&message["content"], &format!("{place}.content"))
        .map(|(at, value)| Block { at, kind: kind(value), value, role, nested: false })
        .collect()
}

/// The blocks of every message, each followed by those inside it.
pub(super) fn blocks(body: &Value) -> Vec<Block<'_>> {
    let mut all = Vec::new();
    for (place, message) in messages(body) {
        for block in content(&place, message) {
            let inner = elements(&block.value["content"], &block.member("content"));
            let inner: Vec<Block<'_>> = inner
                .map(|(at, value)| Block {
                    at,
                    kind: kind(value),
                    value,
                    role: block.role,
                    nested: true,
                })
                .collect();
            all.push(block);
            all.extend(inner);
        }
    }
    all
}

/// The blocks of the system prompt.
pub(super) fn system(body: &Value) -> Vec<Block<'_>> {
    elements(&body["system"], "system")
        .map(|(at, value)| Block { at, kind: kind(value), value, role: "", nested: false })
        .collect()
}

/// The declared tools.
pub(super) fn tools(body: &Value) -> Vec<Tool<'_>> {
    elements(&body["tools"], "tools")
        .map(|(at, value)| Tool { at, kind: value["type"].as_str().unwrap_or("custom"), value })
        .collect()
}

/// Whether the model thinks before it answers.
pub(super) fn thinks(body: &Value) -> bool {
    matches!(kind(&body["thinking"]), "enabled" | "adaptive")
}

/// A message whose content is tool results alone, or nearly: what continues a turn instead of
/// beginning another.
pub(super) fn continues(message: &Value) -> bool {
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    role(message) == "user" && blocks.iter().any(|block| kind(block) == "tool_result")
}

/// Whether a text is made of letters, digits, `_` and `-` alone.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
