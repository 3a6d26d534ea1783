//! The tools of a Responses request, and which of them the model should use. A tool that the target
//! cannot be told of as it is becomes a function ([`crate::wrap`]).

use crate::json::{Kind, Tape};
use crate::names::Names;
use crate::note::{Code, Notes};
use crate::strict_schema::is_strict;
use crate::target::Target;
use crate::turn::{Grammar, Tool, ToolChoice, ToolKind, ToolName, Turn, WebSearch};
use crate::wrap;
use std::fmt::Write as _;

/// The tools that the model is told of.
pub(super) struct Offered<'t, 'a> {
    /// With the name on the wire.
    called: Vec<(&'t Tool<'a>, String)>,
    search: Option<&'t WebSearch<'a>>,
}

impl<'t, 'a> Offered<'t, 'a> {
    pub(super) fn of(
        turn: &'t Turn<'a>,
        target: &Target,
        notes: &mut Notes,
        names: &mut Names,
    ) -> Self {
        let mut offered = Self { called: Vec::with_capacity(turn.tools.len()), search: None };
        if matches!(turn.tool_choice, ToolChoice::None) && !target.tool_choice.none {
            // Not to offer them is the same as to forbid them all.
            return offered;
        }
        for tool in &turn.tools {
            if !lists_allowed(target) && !turn.tool_choice.allows(&tool.name) {
                continue;
            }
            if !target.tools || target.max_tools.is_some_and(|max| offered.len() >= max) {
                notes.add(Code::ToolsCut, "tools[]");
                continue;
            }
            match &tool.kind {
                ToolKind::WebSearch(search) if target.web_search => {
                    offered.search = offered.search.or(Some(search));
                }
                ToolKind::WebSearch(_) => notes.add(Code::ToolDropped, "tools[].web_search"),
                ToolKind::Custom { .. } if !target.custom_tools => {
                    notes.add(Code::CustomTool, "tools[].custom");
                }
                ToolKind::Function { .. }
                | ToolKind::Custom { .. }
                | ToolKind::ToolSearch { .. }
                | ToolKind::LocalShell => {}
            }
            if let Some(wire) = names.declare(tool) {
                offered.called.push((tool, wire.to_owned()));
            }
        }
        offered
    }

    /// Whether the provider searches the web.
    pub(super) fn searches(&self) -> bool {
        self.search.is_some()
    }

    fn len(&self) -> usize {
        self.called.len() + usize::from(self.search.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn write(&self, target: &Target, notes: &mut Notes, out: &mut String) {
        if self.is_empty() {
            return;
        }
        out.push_str(",\"tools\":[");
        for (index, (tool, wire)) in self.called.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            match &tool.kind {
                ToolKind::Custom { grammar } if target.custom_tools => {
                    custom(tool, wire, grammar.as_ref(), out);
                }
                _ => function(tool, wire, target, notes, out),
            }
        }
        if let Some(search) = self.search {
            if !self.called.is_empty() {
                out.push(',');
            }
            web_search(search, notes, out);
        }
        out.push(']');
        if let Some(most) = self.search.and_then(|search| search.max_uses) {
            // It counts every hosted tool, and there is no other.
            if target.takes("max_tool_calls") && most > 0 {
                write!(out, ",\"max_tool_calls\":{most}").expect("a String takes every write");
            } else {
                notes.add(Code::FieldIgnored, "tools[].web_search.max_uses");
            }
        }
    }

    /// How a choice refers to a tool.
    fn reference(&self, name: &ToolName<'_>, target: &Target, names: &Names) -> Option<String> {
        if let Some(wire) = names.declared(name) {
            let (tool, _) = self.called.iter().find(|(_, known)| known == wire)?;
            let custom = target.custom_tools && matches!(tool.kind, ToolKind::Custom { .. });
            let kind = if custom { "custom" } else { "function" };
            return Some(format!(r#"{{"type":"{kind}","name":"{wire}"}}"#));
        }
        let search = name.namespace.is_none() && name.name.is("web_search");
        (search && self.search.is_some()).then(|| r#"{"type":"web_search"}"#.to_owned())
    }
}

/// Whether the target is told of all tools, and which of them may be used: so its cache of the
/// prompt keeps its worth. Else only those are declared.
fn lists_allowed(target: &Target) -> bool {
    target.takes("allowed_tools")
}

fn function(tool: &Tool<'_>, wire: &str, target: &Target, notes: &mut Notes, out: &mut String) {
    out.push_str(r#"{"type":"function","name":""#);
    out.push_str(wire);
    out.push('"');
    wrap::description(tool, out);
    let parameters = wrap::parameters(tool, target, notes);
    out.push_str(",\"parameters\":");
    out.push_str(&parameters);
    let asked = matches!(tool.kind, ToolKind::Function { strict: Some(true), .. });
    let strict = asked && target.strict_tools && is_strict(&parameters);
    if asked && !strict {
        notes.add(Code::StrictIgnored, "tools[].strict");
    }
    // Always said: unlike elsewhere, silence means yes here (OpenAI's guide to migrating).
    write!(out, ",\"strict\":{strict}}}").expect("a String takes every write");
}

fn custom(tool: &Tool<'_>, wire: &str, grammar: Option<&Grammar<'_>>, out: &mut String) {
    out.push_str(r#"{"type":"custom","name":""#);
    out.push_str(wire);
    out.push('"');
    let known = grammar.filter(|grammar| grammar.syntax.is("lark") || grammar.syntax.is("regex"));
    let Some(Grammar { syntax, definition }) = known else {
        // A grammar that no server knows is still worth telling the model.
        wrap::description(tool, out);
        return out.push('}');
    };
    if let Some(description) = &tool.description {
        out.push_str(r#","description":""#);
        out.push_str(description.escaped());
        out.push('"');
    }
    out.push_str(r#","format":{"type":"grammar","syntax":""#);
    out.push_str(syntax.escaped());
    out.push_str(r#"","definition":""#);
    out.push_str(definition.escaped());
    out.push_str("\"}}");
}

fn web_search(search: &WebSearch<'_>, notes: &mut Notes, out: &mut String) {
    out.push_str(r#"{"type":"web_search""#);
    if let Some(allowed) = search.allowed {
        write!(out, r#","filters":{{"allowed_domains":{allowed}}}"#)
            .expect("a String takes every write");
    }
    if search.blocked.is_some() {
        notes.add(Code::FieldIgnored, "tools[].web_search.blocked_domains");
    }
    if let Some(location) = search.location {
        user_location(location, out);
    }
    if let Some(size) = &search.context_size {
        if ["low", "medium", "high"].contains(&size.escaped()) {
            write!(out, r#","search_context_size":"{}""#, size.escaped())
                .expect("a String takes every write");
        } else {
            notes.add(Code::FieldIgnored, "tools[].web_search.search_context_size");
        }
    }
    out.push('}');
}

fn user_location(raw: &str, out: &mut String) {
    let mut tape = Tape::default();
    let Ok(location) = tape.read(raw) else { return };
    out.push_str(r#","user_location":{"type":"approximate""#);
    for name in ["city", "region", "country", "timezone"] {
        if let Some(value) = location.get(name).filter(|value| value.kind() == Kind::String) {
            write!(out, ",\"{name}\":{}", value.raw()).expect("a String takes every write");
        }
    }
    out.push('}');
}

/// Writes which tool the model should use.
pub(super) fn tool_choice(
    choice: &ToolChoice<'_>,
    offered: &Offered<'_, '_>,
    target: &Target,
    names: &Names,
    notes: &mut Notes,
    out: &mut String,
) {
    if offered.is_empty() {
        if matches!(
            choice,
            ToolChoice::Required | ToolChoice::Named(_) | ToolChoice::Allowed { .. }
        ) {
            notes.add(Code::ToolChoice, "tool_choice");
        }
        return;
    }
    let required = |notes: &mut Notes, out: &mut String| {
        if target.tool_choice.required {
            out.push_str(r#","tool_choice":"required""#);
        } else {
            notes.add(Code::ToolChoice, "tool_choice");
        }
    };
    let allowed = |required: bool, tools: &[String], out: &mut String| {
        let mode = if required { "required" } else { "auto" };
        write!(
            out,
            r#","tool_choice":{{"type":"allowed_tools","mode":"{mode}","tools":[{}]}}"#,
            tools.join(",")
        )
        .expect("a String takes every write");
    };
    match choice {
        ToolChoice::Auto => {}
        ToolChoice::None => out.push_str(r#","tool_choice":"none""#),
        ToolChoice::Required => required(notes, out),
        ToolChoice::Allowed { required: must, tools } if lists_allowed(target) => {
            let known = tools.iter().filter_map(|name| offered.reference(name, target, names));
            let known: Vec<String> = known.collect();
            if known.len() < tools.len() {
                notes.add(Code::ToolChoice, "tool_choice.tools[]");
            }
            match known.is_empty() {
                // None of those that are offered may be used.
                true => out.push_str(r#","tool_choice":"none""#),
                false => allowed(*must, &known, out),
            }
        }
        ToolChoice::Allowed { required: true, .. } => required(notes, out),
        ToolChoice::Allowed { required: false, .. } => {}
        ToolChoice::Named(name) => match offered.reference(name, target, names) {
            None => notes.add(Code::ToolChoice, "tool_choice.name"),
            // To demand the only one is to name it.
            Some(_) if offered.len() == 1 && target.tool_choice.required => required(notes, out),
            Some(tool) if names.declared(name).is_none() => match lists_allowed(target) {
                true => allowed(true, &[tool], out),
                false => {
                    notes.add(Code::ToolChoice, "tool_choice");
                    required(notes, out);
                }
            },
            Some(tool) if target.tool_choice.named => {
                out.push_str(",\"tool_choice\":");
                out.push_str(&tool);
            }
            Some(_) => {
                if target.tool_choice.required {
                    notes.add(Code::ToolChoice, "tool_choice");
                }
                required(notes, out);
            }
        },
    }
}
