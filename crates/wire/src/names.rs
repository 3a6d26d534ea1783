//! Tool names on the wire: letters, digits, `_` and `-`, at most 64, no namespaces
//! (OpenAI's API reference, `tools[].function.name`; Anthropic allows 128). Each name maps to the identity that the
//! client declared, so that a call comes back exactly as the client knows its tool.

use crate::json::Escaped;
use crate::turn::{Tool, ToolKind, ToolName};
use std::collections::HashMap;

/// The longest name.
const MAX_NAME: usize = 64;
/// A namespace that only groups: its tools are known to models by their bare names.
const TRANSPARENT_NAMESPACE: &str = "functions";

/// Names on the wire and what they stand for.
#[derive(Clone, Debug, Default)]
pub struct Names {
    entries: Vec<Entry>,
    /// Index of the entry with this name on the wire.
    by_wire: HashMap<String, usize>,
    /// Index of the entry with this namespace and name. A request may declare any number of tools.
    by_name: HashMap<(Option<String>, String), usize>,
}

#[derive(Clone, Debug)]
struct Entry {
    wire: String,
    identity: Identity,
}

/// A tool as the client declared it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Escaped.
    pub namespace: Option<String>,
    /// Escaped.
    pub name: String,
    pub kind: IdentityKind,
}

/// How the client wants to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    Function,
    Custom,
    ToolSearch,
    LocalShell,
}

impl Names {
    /// Gives `tool` a name; `None` when the same tool was declared before, or when nobody calls it by
    /// name.
    pub fn declare(&mut self, tool: &Tool<'_>) -> Option<&str> {
        if self.position(&tool.name).is_some() {
            return None;
        }
        let kind = match tool.kind {
            ToolKind::Function { .. } => IdentityKind::Function,
            ToolKind::Custom { .. } => IdentityKind::Custom,
            ToolKind::ToolSearch { .. } => IdentityKind::ToolSearch,
            ToolKind::LocalShell => IdentityKind::LocalShell,
            // The provider runs it: the client is never called.
            ToolKind::WebSearch(_) => return None,
        };
        let wire = self.unique(flat(&tool.name));
        let (namespace, name) = key_of(&tool.name);
        self.by_wire.insert(wire.clone(), self.entries.len());
        self.by_name.insert((namespace.clone(), name.clone()), self.entries.len());
        self.entries.push(Entry { wire, identity: Identity { namespace, name, kind } });
        self.entries.last().map(|entry| entry.wire.as_str())
    }

    /// The name on the wire of a tool that was declared.
    pub fn declared(&self, name: &ToolName<'_>) -> Option<&str> {
        self.position(name).map(|index| self.entries[index].wire.as_str())
    }

    /// The name on the wire of a tool that the history mentions, declared or not.
    pub fn mentioned(&self, name: &ToolName<'_>) -> String {
        self.declared(name).map_or_else(|| flat(name), str::to_owned)
    }

    /// Who is called by `wire`, if the client declared it.
    pub fn find(&self, wire: &Escaped<'_>) -> Option<&Identity> {
        self.by_wire.get(wire.text().as_ref()).map(|&index| &self.entries[index].identity)
    }

    /// Whether no tool was declared.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many tools were declared.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn position(&self, name: &ToolName<'_>) -> Option<usize> {
        self.by_name.get(&key_of(name)).copied()
    }

    /// `wanted`, or with a number where another tool has that name.
    fn unique(&self, wanted: String) -> String {
        let taken = |name: &str| self.by_wire.contains_key(name);
        if !taken(&wanted) {
            return wanted;
        }
        // After a few it is cheaper to start from how many there are.
        (2..10)
            .chain(self.entries.len()..)
            .map(|number| {
                let suffix = format!("_{number}");
                let keep = wanted.len().min(MAX_NAME - suffix.len());
                format!("{}{suffix}", &wanted[..keep])
            })
            .find(|name| !taken(name))
            .expect("some number is free")
    }
}

fn key_of(name: &ToolName<'_>) -> (Option<String>, String) {
    (
        name.namespace.as_ref().map(|space| space.escaped().to_owned()),
        name.name.escaped().to_owned(),
    )
}

/// Namespace and name in one, as the wire allows it. Long names keep their start and end in a
/// hash, so that they are the same in every request.
fn flat(name: &ToolName<'_>) -> String {
    let plain = name.name.text();
    let full = match name.namespace.as_ref().map(Escaped::text) {
        Some(space) if !space.is_empty() && space != TRANSPARENT_NAMESPACE => {
            format!("{}__{plain}", space.trim_end_matches('_'))
        }
        _ => plain.into_owned(),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let wire: String = full.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if wire.len() > MAX_NAME || wire.is_empty() { hashed(&wire, &full) } else { wire }
}

/// The start of `name` and a hash of `full`, so that the same text gets the same name every time.
fn hashed(name: &str, full: &str) -> String {
    let hash = format!("_{:016x}", fnv1a(full.as_bytes()));
    let start: String = name.chars().take(MAX_NAME - hash.len()).collect();
    start + &hash
}

/// `text`, cut to what servers take of a name or id where it is longer.
pub(crate) fn shortened(text: &str) -> Option<String> {
    (text.len() > MAX_NAME && text.chars().count() > MAX_NAME).then(|| hashed(text, text))
}

/// `text` as a name: letters, digits, `_` and `-`.
pub(crate) fn legal(text: &Escaped<'_>) -> String {
    flat(&ToolName { namespace: None, name: text.borrow() })
}

/// A short text that stands for `text`, the same every time.
pub(crate) fn hash(text: &str) -> String {
    format!("{:016x}", fnv1a(text.as_bytes()))
}

/// FNV-1a, 64 bits: stable over versions and machines, which the standard hasher is not.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool<'a>(namespace: Option<&'a str>, name: &'a str) -> Tool<'a> {
        Tool {
            name: ToolName { namespace: namespace.map(Escaped::plain), name: Escaped::plain(name) },
            description: None,
            kind: ToolKind::Function { parameters: None, strict: None },
        }
    }

    #[test]
    fn names_become_legal_and_come_back_exactly() {
        let long = "x".repeat(80);
        let cases = [
            (None, "exec_command", "exec_command"),
            (Some("mcp__toy"), "add_two", "mcp__toy__add_two"),
            (Some("mcp__srv__"), "do_it", "mcp__srv__do_it"),
            (Some("functions"), "exec", "exec"),
            (None, "exec", "exec_2"),
            (None, "größe.messen", "gr__e_messen"),
            (
                None,
                long.as_str(),
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_70b0c9eb4cb3a0c5",
            ),
        ];
        let mut names = Names::default();
        for (namespace, name, _) in &cases {
            assert!(names.declare(&tool(*namespace, name)).is_some());
        }
        for (namespace, name, wire) in &cases {
            let tool = tool(*namespace, name);
            let given = names.declared(&tool.name).unwrap();
            if name.len() <= MAX_NAME {
                assert_eq!(given, *wire);
            }
            assert!(given.len() <= MAX_NAME);
            let identity = names.find(&Escaped::plain(given)).unwrap();
            assert_eq!(identity.namespace.as_deref(), *namespace);
            assert_eq!(identity.name, *name);
        }
    }

    #[test]
    fn the_same_tool_twice_is_one() {
        let mut names = Names::default();
        assert!(names.declare(&tool(Some("a"), "b")).is_some());
        assert!(names.declare(&tool(Some("a"), "b")).is_none());
        assert_eq!(names.len(), 1);
    }
}
