//! One output item while it streams: what was opened, what its deltas add up to, what was closed.

use serde_json::Value;

use super::object::places;
use super::{Findings, Rule};

/// A streamed text: a part of an item, or the argument of a call.
#[derive(Debug, Default)]
struct Text {
    deltas: String,
    finished: Option<String>,
}

impl Text {
    fn add(&mut self, delta: &Value, findings: &mut Findings) {
        if self.finished.is_some() {
            findings.say(Rule::Lifecycle, "a delta after the text was finished");
        }
        self.deltas.push_str(delta.as_str().unwrap_or_default());
    }

    fn finish(&mut self, whole: &Value, findings: &mut Findings) {
        let whole = whole.as_str().unwrap_or_default();
        if self.finished.is_some() {
            findings.say(Rule::Lifecycle, "the text is finished twice");
        }
        if whole != self.deltas {
            let message = format!("the deltas are `{}`, the text is `{whole}`", self.deltas);
            findings.say(Rule::Sum, message);
        }
        self.finished = Some(whole.to_owned());
    }
}

/// A part of an item.
#[derive(Debug)]
struct Part {
    kind: String,
    text: Text,
    annotations: Vec<Value>,
    closed: Option<Value>,
}

/// An output item from `response.output_item.added` to `response.output_item.done`.
#[derive(Debug)]
pub(super) struct Item {
    added: Value,
    content: Vec<Part>,
    summary: Vec<Part>,
    argument: Text,
    /// How far a hosted search has come.
    search: u8,
    pub(super) done: Option<Value>,
}

/// Members of an item that its later form may not change.
const FIXED: [&str; 7] = ["id", "type", "role", "call_id", "name", "namespace", "execution"];

impl Item {
    pub(super) fn open(item: &Value, findings: &mut Findings) -> Self {
        let kind = item["type"].as_str().unwrap_or_default();
        for (member, _) in places(kind) {
            if item[*member].as_array().is_some_and(|parts| !parts.is_empty()) {
                let message = format!("`{member}` is filled before its parts are opened");
                findings.say(Rule::Lifecycle, message);
            }
        }
        if let Some((_, member)) = argument_of(kind)
            && item[member] != ""
        {
            findings.say(Rule::Lifecycle, format!("`{member}` is filled before its deltas"));
        }
        if item["status"].as_str().is_some_and(|status| status != "in_progress") {
            findings.say(Rule::Status, "an item is added `in_progress`");
        }
        Self {
            added: item.clone(),
            content: Vec::new(),
            summary: Vec::new(),
            argument: Text::default(),
            search: 0,
            done: None,
        }
    }

    pub(super) fn id(&self) -> &str {
        self.added["id"].as_str().unwrap_or_default()
    }

    /// Whether the client runs something when this item is done.
    pub(super) fn is_call(&self) -> bool {
        self.kind().ends_with("_call")
    }

    /// Judges this item as the terminal response shows it, though it was never done.
    pub(super) fn broken_off(&self, item: &Value, findings: &mut Findings) {
        if item["status"] != "incomplete" {
            findings.say(Rule::Status, "an item that was broken off is `incomplete`");
        }
        self.same(item, findings);
        for (member, _) in places(self.kind()) {
            let parts = if *member == "summary" { &self.summary } else { &self.content };
            let streamed = parts.iter().map(|part| part.text.deltas.as_str());
            if !streamed.eq(item[*member].as_array().into_iter().flatten().filter_map(part_text)) {
                findings.say(Rule::Sum, format!("`{member}` is not what its deltas add up to"));
            }
        }
        if let Some((_, member)) = argument_of(self.kind())
            && item[member] != self.argument.deltas.as_str()
        {
            findings.say(Rule::Sum, format!("`{member}` is not what its deltas add up to"));
        }
    }

    fn same(&self, item: &Value, findings: &mut Findings) {
        for member in FIXED {
            if item[member] != self.added[member] {
                let message =
                    format!("`{member}` was {} and is now {}", self.added[member], item[member]);
                findings.say(Rule::Identity, message);
            }
        }
    }

    fn kind(&self) -> &str {
        self.added["type"].as_str().unwrap_or_default()
    }

    /// Judges an event that belongs to this item. The item itself is judged by [`Item::close`].
    pub(super) fn event(&mut self, event: &Value, findings: &mut Findings) {
        let name = event["type"].as_str().unwrap_or_default();
        if self.done.is_some() {
            findings.say(Rule::Lifecycle, format!("`{name}` after the item was done"));
        }
        let (head, verb) = name.rsplit_once('.').unwrap_or((name, ""));
        match (head, verb) {
            ("response.content_part", "added") => self.open_part(event, "content", findings),
            ("response.content_part", _) => self.close_part(event, "content", findings),
            ("response.reasoning_summary_part", "added") => {
                self.open_part(event, "summary", findings);
            }
            ("response.reasoning_summary_part", _) => self.close_part(event, "summary", findings),
            ("response.output_text.annotation", _) => self.annotate(event, findings),
            ("response.web_search_call", _) => self.search(verb, findings),
            _ => self.text(head, verb, event, findings),
        }
    }

    fn text(&mut self, head: &str, verb: &str, event: &Value, findings: &mut Findings) {
        let (member, kind, whole) = match head {
            "response.output_text" => ("content", "output_text", "text"),
            "response.refusal" => ("content", "refusal", "refusal"),
            "response.reasoning_text" => ("content", "reasoning_text", "text"),
            "response.reasoning_summary_text" => ("summary", "summary_text", "text"),
            _ => return self.argument(head, verb, event, findings),
        };
        let Some(part) = self.part(event, member, findings) else { return };
        if part.kind != kind {
            let message = format!("`{head}.{verb}` inside a part `{}`", part.kind);
            return findings.say(Rule::Lifecycle, message);
        }
        if part.closed.is_some() {
            findings.say(Rule::Lifecycle, format!("`{head}.{verb}` after the part was closed"));
        }
        match verb {
            "delta" => part.text.add(&event["delta"], findings),
            _ => part.text.finish(&event[whole], findings),
        }
    }

    fn argument(&mut self, head: &str, verb: &str, event: &Value, findings: &mut Findings) {
        match argument_of(self.kind()) {
            Some((stem, member)) if stem == head => match verb {
                "delta" => self.argument.add(&event["delta"], findings),
                _ => self.argument.finish(&event[member], findings),
            },
            _ => {
                let message = format!("`{head}.{verb}` inside an item `{}`", self.kind());
                findings.say(Rule::Lifecycle, message);
            }
        }
    }

    fn parts(&mut self, member: &str) -> &mut Vec<Part> {
        if member == "summary" { &mut self.summary } else { &mut self.content }
    }

    fn part(&mut self, event: &Value, member: &str, findings: &mut Findings) -> Option<&mut Part> {
        let index = index_of(event, member);
        let part = self.parts(member).get_mut(index);
        if part.is_none() {
            let message = format!("`{member}[{index}]` is used before it is opened");
            findings.say(Rule::Lifecycle, message);
        }
        part
    }

    fn open_part(&mut self, event: &Value, member: &str, findings: &mut Findings) {
        let index = index_of(event, member);
        let part = &event["part"];
        let kind = part["type"].as_str().unwrap_or_default().to_owned();
        let fitting = places(self.kind())
            .iter()
            .any(|(place, kinds)| *place == member && kinds.contains(&kind.as_str()));
        if !fitting {
            let message = format!("a part `{kind}` inside an item `{}`", self.kind());
            findings.say(Rule::Lifecycle, message);
        }
        if part_text(part) != Some("") {
            findings.say(Rule::Lifecycle, "a part is filled before its deltas");
        }
        let parts = self.parts(member);
        if index < parts.len() {
            return findings.say(Rule::Lifecycle, format!("`{member}[{index}]` is opened twice"));
        }
        if index > parts.len() {
            let message = format!("`{member}[{index}]` is opened as number {}", parts.len());
            findings.say(Rule::Order, message);
        }
        if parts.last().is_some_and(|last| last.closed.is_none()) {
            findings.say(Rule::Lifecycle, "a part is opened inside another");
        }
        parts.push(Part { kind, text: Text::default(), annotations: Vec::new(), closed: None });
    }

    fn close_part(&mut self, event: &Value, member: &str, findings: &mut Findings) {
        let Some(part) = self.part(event, member, findings) else { return };
        let value = &event["part"];
        if part.closed.is_some() {
            return findings.say(Rule::Lifecycle, "the part is closed twice");
        }
        if value["type"] != part.kind.as_str() {
            findings.say(Rule::Identity, "the part is closed with another type");
        }
        match part.text.finished.as_deref() {
            None => findings.say(Rule::Lifecycle, "the part is closed before its text is finished"),
            text if text != part_text(value) => {
                findings.say(Rule::Sum, "the part is not the text that was finished");
            }
            _ => {}
        }
        if value["annotations"].as_array().is_some_and(|last| *last != part.annotations) {
            findings.say(Rule::Sum, "the part's annotations are not those that were added");
        }
        part.closed = Some(value.clone());
    }

    fn annotate(&mut self, event: &Value, findings: &mut Findings) {
        let Some(part) = self.part(event, "content", findings) else { return };
        if event["annotation_index"].as_u64() != u64::try_from(part.annotations.len()).ok() {
            findings.say(Rule::Order, "`annotation_index` does not ascend by one");
        }
        part.annotations.push(event["annotation"].clone());
    }

    fn search(&mut self, verb: &str, findings: &mut Findings) {
        let stage = match verb {
            "in_progress" => 1,
            "searching" => 2,
            _ => 3,
        };
        if self.kind() != "web_search_call" || stage <= self.search {
            let message = format!("`response.web_search_call.{verb}` is out of place");
            findings.say(Rule::Lifecycle, message);
        }
        self.search = stage;
    }

    /// Judges `response.output_item.done`.
    pub(super) fn close(&mut self, item: &Value, findings: &mut Findings) {
        if self.done.is_some() {
            return findings.say(Rule::Lifecycle, "the item is done twice");
        }
        self.same(item, findings);
        for (member, _) in places(self.kind()) {
            let parts = if *member == "summary" { &self.summary } else { &self.content };
            if parts.iter().any(|part| part.closed.is_none()) {
                let message = format!("the item is done while a part of `{member}` is open");
                findings.say(Rule::Lifecycle, message);
            }
            let closed = parts.iter().filter_map(|part| part.closed.as_ref());
            let held = item[*member].as_array();
            if !closed.eq(held.into_iter().flatten()) {
                let message = format!("`{member}` is not the parts that were closed");
                findings.say(Rule::Sum, message);
            }
        }
        if let Some((stem, member)) = argument_of(self.kind()) {
            match self.argument.finished.as_deref() {
                None => findings.say(Rule::Lifecycle, format!("no `{stem}.done` before the item")),
                Some(text) if item[member] != text => {
                    findings.say(Rule::Sum, format!("`{member}` is not what was finished"));
                }
                Some(_) => {}
            }
        }
        self.done = Some(item.clone());
    }
}

/// The events that stream a call's argument, and the member that holds it.
fn argument_of(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        "function_call" => Some(("response.function_call_arguments", "arguments")),
        "custom_tool_call" => Some(("response.custom_tool_call_input", "input")),
        _ => None,
    }
}

fn part_text(part: &Value) -> Option<&str> {
    part["text"].as_str().or_else(|| part["refusal"].as_str())
}

fn index_of(event: &Value, member: &str) -> usize {
    let name = if member == "summary" { "summary_index" } else { "content_index" };
    event[name].as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(usize::MAX)
}
