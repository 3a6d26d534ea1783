//! Which of the declared tools the model is offered. Anthropic's API keeps a tool with
//! `defer_loading` back until a `tool_reference` in the conversation names it, and lets system
//! messages add and remove tools on the way; here the same follows from the whole history.

use crate::json::Escaped;
use crate::note::{Code, Notes};
use crate::turn::Tool;
use std::collections::HashMap;

/// The declared tools and what the history says of them.
#[derive(Debug, Default)]
pub(super) struct Offers<'a> {
    tools: Vec<(Tool<'a>, bool)>,
    /// The last word about a tool.
    said: HashMap<String, bool>,
    /// Anthropic's servers were to search for deferred tools.
    pub(super) searched: bool,
}

impl<'a> Offers<'a> {
    /// A tool is declared, perhaps deferred.
    pub(super) fn declare(&mut self, tool: Tool<'a>, deferred: bool) {
        self.tools.push((tool, deferred));
    }

    /// From here on the tool is offered, or it is not.
    pub(super) fn say(&mut self, name: &Escaped<'_>, offered: bool) {
        self.said.insert(name.text().into_owned(), offered);
    }

    /// The tools that the model is offered.
    pub(super) fn settle(self, notes: &mut Notes) -> Vec<Tool<'a>> {
        let Self { tools, said, searched } = self;
        let mut offered = Vec::with_capacity(tools.len());
        for (tool, deferred) in tools {
            match said.get(tool.name.name.text().as_ref()) {
                Some(false) => continue,
                Some(true) => {}
                None if deferred && !searched => continue,
                // Nobody searches, so nobody would ever find it.
                None if deferred => notes.add(Code::DeferredOffered, "tools[].defer_loading"),
                None => {}
            }
            offered.push(tool);
        }
        offered
    }
}
