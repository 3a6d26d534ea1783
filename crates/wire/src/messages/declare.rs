//! The tools of a Messages request, and which of them the model should use.

use super::cache::MARK;
use super::schemas;
use crate::json::{Tape, Value};
use crate::names::Names;
use crate::note::{Code, Notes};
use crate::target::Target;
use crate::turn::{Item, Schema, Tool, ToolChoice, ToolKind, Turn, WebSearch};
use crate::wrap;

/// The name of the server's own search.
const WEB_SEARCH: &str = "web_search";
/// The most tools that one request may want followed strictly (platform.claude.com, "Structured
/// outputs").
const MAX_STRICT: usize = 20;

/// The tools that the model is told of.
#[derive(Debug, Default)]
pub(super) struct Offered<'t, 'a> {
    /// Each with its name on the wire.
    tools: Vec<(&'t Tool<'a>, String)>,
    search: Option<&'t WebSearch<'a>>,
    /// Called in the history and offered no more: declared, since some servers want that, and
    /// forbidden.
    recalled: Vec<String>,
}

impl<'t, 'a> Offered<'t, 'a> {
    pub(super) fn of(
        turn: &'t Turn<'a>,
        target: &Target,
        names: &mut Names,
        notes: &mut Notes,
    ) -> Self {
        let mut offered = Self::default();
        let forbidden = matches!(turn.tool_choice, ToolChoice::None) && !target.tool_choice.none;
        // Not to offer tools is the same as to forbid them all.
        let tools = if forbidden { &[] } else { turn.tools.as_slice() };
        for tool in tools.iter().filter(|tool| turn.tool_choice.allows(&tool.name)) {
            if !target.tools || target.max_tools.is_some_and(|max| offered.len() >= max) {
                notes.add(Code::ToolsCut, "tools[]");
                continue;
            }
            match &tool.kind {
                ToolKind::WebSearch(search) if target.web_search => offered.search = Some(search),
                ToolKind::WebSearch(_) => notes.add(Code::ToolDropped, "tools[].web_search"),
                ToolKind::Custom { .. } => notes.add(Code::CustomTool, "tools[].custom"),
                ToolKind::Function { .. } | ToolKind::ToolSearch { .. } | ToolKind::LocalShell => {}
            }
            if let Some(wire) = names.declare(tool) {
                offered.tools.push((tool, wire.to_owned()));
            }
        }
        if offered.search.is_some() && offered.tools.iter().any(|(_, wire)| wire == WEB_SEARCH) {
            // Names must be unique, and only the client's own tool can have another caller.
            notes.add(Code::ToolDropped, "tools[].web_search");
            offered.search = None;
        }
        if offered.len() == 0 && target.tools && target.tool_choice.none {
            offered.recall(&turn.items, names, notes);
        }
        offered
    }

    fn recall(&mut self, items: &[Item<'_>], names: &Names, notes: &mut Notes) {
        for item in items {
            let Item::Call(call) = item else { continue };
            let wire = names.mentioned(&call.name);
            if !self.recalled.contains(&wire) {
                notes.add(Code::ToolsRecalled, "tools");
                self.recalled.push(wire);
            }
        }
    }

    fn len(&self) -> usize {
        self.tools.len() + usize::from(self.search.is_some())
    }

    /// Writes the member `tools`, if there are any.
    pub(super) fn write(&self, target: &Target, notes: &mut Notes, out: &mut String) {
        let from = out.len();
        let mut strict = 0;
        for (tool, wire) in &self.tools {
            out.push_str(if out.len() == from { ",\"tools\":[" } else { "," });
            declaration(tool, wire, &mut strict, target, notes, out);
        }
        for wire in &self.recalled {
            out.push_str(if out.len() == from { ",\"tools\":[" } else { "," });
            out.push_str("{\"name\":\"");
            out.push_str(wire);
            out.push_str(r#"","input_schema":{"type":"object","properties":{}}}"#);
        }
        if let Some(search) = self.search {
            out.push_str(if out.len() == from { ",\"tools\":[" } else { "," });
            web_search(search, notes, out);
        }
        if out.len() > from {
            if target.takes("cache_control") {
                out.insert_str(out.len() - 1, MARK);
            }
            out.push(']');
        }
    }

    /// Writes the member `tool_choice`, if something is to be chosen. `thinks` says that the model is
    /// asked to think, which forbids to force a tool.
    pub(super) fn write_choice(
        &self,
        turn: &Turn<'_>,
        names: &Names,
        thinks: bool,
        target: &Target,
        notes: &mut Notes,
        out: &mut String,
    ) {
        if !self.recalled.is_empty() {
            out.push_str(r#","tool_choice":{"type":"none"}"#);
        }
        let choice = &turn.tool_choice;
        let forces = matches!(
            choice,
            ToolChoice::Required
                | ToolChoice::Named(_)
                | ToolChoice::Allowed { required: true, .. }
        );
        if self.len() == 0 {
            if forces || matches!(choice, ToolChoice::Allowed { .. }) {
                notes.add(Code::ToolChoice, "tool_choice");
            }
            return;
        }
        let any = (target.tool_choice.required && !thinks).then_some(Choice::Any);
        let wanted = match choice {
            ToolChoice::Auto | ToolChoice::Allowed { required: false, .. } => Some(Choice::Auto),
            ToolChoice::None => Some(Choice::None),
            ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => any,
            ToolChoice::Named(name) => match names.declared(name) {
                Some(wire) if target.tool_choice.named && !thinks => Some(Choice::Tool(wire)),
                Some(_) => {
                    if any.is_some() {
                        notes.add(Code::ToolChoice, "tool_choice");
                    }
                    any
                }
                None => {
                    notes.add(Code::ToolChoice, "tool_choice.name");
                    Some(Choice::Auto)
                }
            },
        };
        let chosen = wanted.unwrap_or_else(|| {
            notes.add(Code::ToolChoice, "tool_choice");
            Choice::Auto
        });
        let single = turn.settings.parallel_tool_calls == Some(false);
        let told = single && target.takes("parallel_tool_calls");
        if single && !told {
            notes.add(Code::ParallelIgnored, "parallel_tool_calls");
        }
        chosen.write(told, out);
    }
}

/// A `tool_choice`. `auto` is the absence of the member, unless there is more to say.
enum Choice<'n> {
    Auto,
    None,
    Any,
    Tool(&'n str),
}

impl Choice<'_> {
    fn write(&self, single: bool, out: &mut String) {
        let (kind, name) = match self {
            Self::Auto if !single => return,
            Self::Auto => ("auto", None),
            Self::None => ("none", None),
            Self::Any => ("any", None),
            Self::Tool(name) => ("tool", Some(name)),
        };
        out.push_str(r#","tool_choice":{"type":""#);
        out.push_str(kind);
        if let Some(name) = name {
            out.push_str(r#"","name":""#);
            out.push_str(name);
        }
        out.push('"');
        if single && !matches!(self, Self::None) {
            out.push_str(r#","disable_parallel_tool_use":true"#);
        }
        out.push('}');
    }
}

fn declaration(
    tool: &Tool<'_>,
    wire: &str,
    strict: &mut usize,
    target: &Target,
    notes: &mut Notes,
    out: &mut String,
) {
    out.push_str("{\"name\":\"");
    out.push_str(wire);
    out.push('"');
    wrap::description(tool, out);
    let (wants_strict, plain) = match &tool.kind {
        ToolKind::Function { parameters, strict } => {
            (*strict == Some(true), parameters.is_none_or(|schema: Schema<'_>| schema.plain))
        }
        ToolKind::ToolSearch { parameters } => {
            (false, parameters.is_none_or(|schema: Schema<'_>| schema.plain))
        }
        ToolKind::Custom { .. } | ToolKind::LocalShell | ToolKind::WebSearch(_) => (false, true),
    };
    let schema = wrap::parameters(tool, target, notes);
    let is_strict = wants_strict
        && target.strict_tools
        && *strict < MAX_STRICT
        && schemas::can_be_followed(&schema);
    if is_strict {
        *strict += 1;
    } else if wants_strict {
        notes.add(Code::StrictIgnored, "tools[].strict");
    }
    out.push_str(",\"input_schema\":");
    out.push_str(&schemas::of_tool(schema, plain, is_strict, notes));
    if is_strict {
        out.push_str(",\"strict\":true");
    }
    out.push('}');
}

fn web_search(search: &WebSearch<'_>, notes: &mut Notes, out: &mut String) {
    out.push_str(r#"{"type":"web_search_20250305","name":"web_search""#);
    let listed = |list: &Option<&'_ str>| {
        let mut tape = Tape::default();
        list.is_some_and(|raw| tape.read(raw).is_ok_and(|list| list.elements().next().is_some()))
    };
    // The server refuses both at once.
    let domains = match (listed(&search.allowed), listed(&search.blocked)) {
        (true, both) => {
            if both {
                notes.add(Code::FieldIgnored, "tools[].web_search.blocked_domains");
            }
            Some(("allowed_domains", search.allowed))
        }
        (false, true) => Some(("blocked_domains", search.blocked)),
        (false, false) => None,
    };
    if let Some((name, Some(raw))) = domains {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        out.push_str(raw);
    }
    if let Some(uses) = search.max_uses.filter(|&uses| uses > 0) {
        out.push_str(",\"max_uses\":");
        out.push_str(itoa::Buffer::new().format(uses));
    }
    if let Some(place) = search.location {
        let mut tape = Tape::default();
        if let Ok(place) = tape.read(place) {
            location(place, out);
        }
    }
    if search.context_size.is_some() {
        notes.add(Code::FieldIgnored, "tools[].web_search.search_context_size");
    }
    out.push('}');
}

fn location(place: Value<'_, '_>, out: &mut String) {
    let names = ["city", "region", "country", "timezone"];
    let told = names.map(|name| (name, place.get(name).and_then(Value::as_str)));
    let mut told = told.into_iter().filter_map(|(name, text)| Some((name, text?))).peekable();
    if told.peek().is_none() {
        return;
    }
    out.push_str(r#","user_location":{"type":"approximate""#);
    for (name, text) in told {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":\"");
        out.push_str(text.escaped());
        out.push('"');
    }
    out.push('}');
}
