//! Calls of tools: which items they are, and how their arguments stream.

use serde_json::{Value, json};

use super::Writer;
use super::echo::Tool;
use crate::script::render::{argument_deltas, arguments_of, deltas_of};
use crate::script::says::{Call, CallForm};

/// A call on its way: the item that it is, and the pieces of its arguments.
struct Underway {
    id: String,
    call_id: String,
    tool: Tool,
    text: String,
    pieces: Vec<String>,
    index: usize,
}

impl Underway {
    /// The head of its events' names.
    fn head(&self) -> &'static str {
        match self.tool.kind {
            "custom_tool_call" => "response.custom_tool_call_input",
            _ => "response.function_call_arguments",
        }
    }

    /// The member that streams.
    fn member(&self) -> Option<&'static str> {
        match self.tool.kind {
            "custom_tool_call" => Some("input"),
            "tool_search_call" => None,
            _ => Some("arguments"),
        }
    }

    fn item(&self, status: &str, text: &str) -> Value {
        let mut item = json!({"id": self.id, "type": self.tool.kind, "call_id": self.call_id,
            "status": status});
        match self.member() {
            Some(member) => {
                item["name"] = json!(self.tool.name);
                item[member] = json!(text);
            }
            None => {
                item["execution"] = json!("client");
                item["arguments"] = serde_json::from_str(&self.text).unwrap_or_else(|_| json!({}));
            }
        }
        if let Some(namespace) = &self.tool.namespace {
            item["namespace"] = json!(namespace);
        }
        item
    }
}

impl Writer<'_> {
    /// Calls that are parallel: one after the other, or all open at once. `ends` says that nothing
    /// is said after them, so that the last one is what a limit broke off.
    pub(super) fn calls(&mut self, calls: &[&Call], ends: bool) {
        self.close("completed");
        let first = self.output.len();
        let run: Vec<Underway> =
            (first..).zip(calls).map(|(index, call)| self.underway(call, index)).collect();
        let status = |call: &Underway| {
            let is_last = call.index + 1 == first + run.len();
            if is_last && ends { self.last_status() } else { "completed" }
        };
        let statuses: Vec<&str> = run.iter().map(status).collect();
        if !self.says.interleaved {
            for (call, status) in run.iter().zip(statuses) {
                self.add_at(call.index, call.item("in_progress", ""));
                call.pieces.iter().for_each(|piece| self.argument(call, piece));
                self.hang_up(call, status);
            }
            return;
        }
        for call in &run {
            self.add_at(call.index, call.item("in_progress", ""));
        }
        for at in 0..run.iter().map(|call| call.pieces.len()).max().unwrap_or(0) {
            for call in &run {
                if let Some(piece) = call.pieces.get(at) {
                    self.argument(call, piece);
                }
            }
        }
        for (call, status) in run.iter().zip(statuses) {
            self.hang_up(call, status);
        }
    }

    fn underway(&self, call: &Call, index: usize) -> Underway {
        let tool = self.asked.tool(&call.name);
        // A custom tool gets plain text: what `call` was given as a JSON string, or `call_raw` as
        // it is.
        let text = match serde_json::from_str(&call.arguments) {
            Ok(Value::String(text)) if tool.kind == "custom_tool_call" => text,
            _ => arguments_of(self.says, call),
        };
        let pieces = match tool.kind {
            "tool_search_call" => Vec::new(),
            "custom_tool_call" => deltas_of(self.says, &text),
            _ if self.says.call_form == CallForm::Whole => vec![json!(text).to_string()],
            _ => argument_deltas(self.says, call),
        };
        let prefix = match tool.kind {
            "custom_tool_call" => "ctc",
            "tool_search_call" => "tsc",
            _ => "fc",
        };
        let id = format!("{prefix}_testkit_{}_{index}", self.asked.number);
        Underway { id, call_id: call.id.clone(), tool, text, pieces, index }
    }

    fn argument(&mut self, call: &Underway, piece: &str) {
        let name = format!("{}.delta", call.head());
        self.delta_at(&name, &call.id, call.index, &format!(r#""delta":{piece}"#));
    }

    fn hang_up(&mut self, call: &Underway, status: &str) {
        if let Some(member) = call.member() {
            let event = json!({member: call.text});
            self.inside_at(&format!("{}.done", call.head()), &call.id, call.index, event);
        }
        self.finish(call.item(status, &call.text));
    }
}
