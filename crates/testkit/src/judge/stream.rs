//! Rules of a whole stream that no schema says: how it opens, in which order things come, that
//! everything opened is closed, and that it ends once, truthfully.

use serde_json::Value;

use super::book::BOOK;
use super::item::Item;
use super::{Complaint, Findings, Rule, object};

/// Where a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    Created,
    Open,
    /// An `error` event came: `response.failed` must follow.
    Failing,
    Ended,
    Done,
}

struct Stream {
    findings: Findings,
    stage: Stage,
    /// Whether a terminal event came.
    ended: bool,
    sequence: u64,
    /// The response as `response.created` showed it.
    created: Value,
    items: Vec<Item>,
}

/// Members of the response that an answer may change while it is made.
const CHANGING: [&str; 9] = [
    "status",
    "output",
    "usage",
    "error",
    "incomplete_details",
    "completed_at",
    "service_tier",
    "end_turn",
    "quire",
];

pub(super) fn judge(frames: &[(String, String)]) -> Result<(), Vec<Complaint>> {
    let mut stream = Stream {
        findings: Findings::default(),
        stage: Stage::Start,
        ended: false,
        sequence: 0,
        created: Value::Null,
        items: Vec::new(),
    };
    for (index, (name, data)) in frames.iter().enumerate() {
        stream.frame(index, name, data);
    }
    stream.end();
    stream.findings.verdict()
}

impl Stream {
    fn say(&mut self, rule: Rule, message: impl Into<String>) {
        self.findings.say(rule, message);
    }

    fn frame(&mut self, index: usize, name: &str, data: &str) {
        self.findings.at = format!("frame {index} ({name})");
        if data == "[DONE]" {
            return self.done(name);
        }
        let event = match serde_json::from_str::<Value>(data) {
            Ok(event) if event["type"].is_string() => event,
            Ok(_) => return self.say(Rule::Json, "the data is not an object with a `type`"),
            Err(error) => return self.say(Rule::Json, format!("the data is not JSON: {error}")),
        };
        let kind = event["type"].as_str().unwrap_or_default();
        if kind != name {
            self.say(Rule::Name, format!("`event: {name}` carries `{kind}`"));
        }
        BOOK.event(&event, &mut self.findings);
        self.number(&event);
        self.step(kind, &event);
    }

    fn done(&mut self, name: &str) {
        if !matches!(name, "" | "message") {
            self.say(Rule::Name, "`[DONE]` has no name");
        }
        match self.stage {
            Stage::Ended => {}
            Stage::Done => self.say(Rule::Done, "`[DONE]` comes twice"),
            _ => self.say(Rule::Done, "`[DONE]` comes before the terminal event"),
        }
        self.stage = Stage::Done;
    }

    fn number(&mut self, event: &Value) {
        if event["sequence_number"].as_u64() != Some(self.sequence) {
            let message =
                format!("`sequence_number` is {}, not {}", event["sequence_number"], self.sequence);
            self.say(Rule::Sequence, message);
        }
        self.sequence =
            event["sequence_number"].as_u64().unwrap_or(self.sequence).saturating_add(1);
    }

    fn step(&mut self, kind: &str, event: &Value) {
        match self.stage {
            Stage::Ended | Stage::Done => {
                return self.say(Rule::Terminal, format!("`{kind}` after the end"));
            }
            Stage::Start if kind != "response.created" => {
                self.say(Rule::Opening, format!("the stream begins with `{kind}`"));
            }
            Stage::Created if !matches!(kind, "response.in_progress" | "response.queued") => {
                self.say(Rule::Opening, format!("`{kind}` comes before `response.in_progress`"));
                self.stage = Stage::Open;
            }
            Stage::Failing if kind != "response.failed" => {
                self.say(Rule::Terminal, "only `response.failed` can follow `error`");
            }
            _ => {}
        }
        match kind {
            "response.created" => self.create(event),
            "response.queued" => self.alive(event, "queued"),
            "response.in_progress" => {
                self.alive(event, "in_progress");
                if self.stage == Stage::Created {
                    self.stage = Stage::Open;
                }
            }
            "response.completed" => self.finish(event, "completed"),
            "response.incomplete" => self.finish(event, "incomplete"),
            "response.failed" => self.finish(event, "failed"),
            "error" => self.stage = Stage::Failing,
            "response.output_item.added" => self.add(event),
            "response.output_item.done" => self.close(event),
            _ if event["output_index"].is_u64() => self.inside(event),
            _ => {}
        }
    }

    fn create(&mut self, event: &Value) {
        if self.created.is_object() {
            return self.say(Rule::Opening, "the response is created twice");
        }
        self.created = event["response"].clone();
        let status = event["response"]["status"].as_str().unwrap_or_default();
        if !matches!(status, "in_progress" | "queued") {
            self.say(Rule::Status, format!("a created response cannot be `{status}`"));
        }
        self.alive(event, if status == "queued" { "queued" } else { "in_progress" });
        if self.stage == Stage::Start {
            self.stage = Stage::Created;
        }
    }

    /// An event that shows the response before its end: at the start, or to keep a client waiting.
    fn alive(&mut self, event: &Value, status: &str) {
        let response = &event["response"];
        if response["status"] != status {
            self.say(
                Rule::Status,
                format!("the response is {}, not `{status}`", response["status"]),
            );
        }
        object::ending(response, status, &mut self.findings);
        self.same(response);
        let finished: Vec<_> = self.items.iter().filter_map(|item| item.done.as_ref()).collect();
        let shown: Vec<_> = response["output"].as_array().into_iter().flatten().collect();
        if shown.iter().any(|item| !finished.contains(item)) {
            self.say(Rule::Output, "`output` shows an item that is not done");
        }
        if !response["quire"].is_null() {
            self.say(Rule::UnknownMember, "`quire` belongs to the terminal event");
        }
    }

    /// The response stays the same one.
    fn same(&mut self, response: &Value) {
        let (Some(before), Some(now)) = (self.created.as_object(), response.as_object()) else {
            return;
        };
        let mut changed = Vec::new();
        for member in before.keys().chain(now.keys()) {
            let kept = before.get(member) == now.get(member);
            if !kept && !CHANGING.contains(&member.as_str()) && !changed.contains(member) {
                changed.push(member.clone());
            }
        }
        for member in changed {
            self.say(Rule::Identity, format!("`response.{member}` has changed"));
        }
    }

    fn finish(&mut self, event: &Value, status: &str) {
        let response = &event["response"];
        if response["status"] != status {
            self.say(
                Rule::Status,
                format!("the response is {}, not `{status}`", response["status"]),
            );
        }
        object::ending(response, status, &mut self.findings);
        object::tokens(&response["usage"], &mut self.findings);
        object::items(response, &mut self.findings);
        self.same(response);
        self.output(response, status);
        self.ended = true;
        self.stage = Stage::Ended;
    }

    /// The output is what was done, and what was broken off: clients run a call once it is done, and
    /// repeat a request that failed, so neither a cut call nor the rest of a failed answer is done.
    fn output(&mut self, response: &Value, status: &str) {
        let mut shown =
            response["output"].as_array().map_or(&[][..], Vec::as_slice).iter().peekable();
        for index in 0..self.items.len() {
            let item = &self.items[index];
            let may_stay_open = status == "failed" || (status == "incomplete" && item.is_call());
            match &item.done {
                Some(done) => {
                    if shown.next() != Some(done) {
                        self.say(
                            Rule::Output,
                            format!("`output` does not show item {index} as it was done"),
                        );
                        return;
                    }
                }
                None if !may_stay_open => {
                    self.say(Rule::Lifecycle, format!("item {index} is still open at the end"));
                }
                None => {
                    let broken = shown.next_if(|shown| shown["id"] == item.id());
                    if let Some(broken) = broken {
                        item.broken_off(broken, &mut self.findings);
                    }
                }
            }
        }
        if shown.next().is_some() {
            self.say(Rule::Output, "`output` holds what was neither done nor begun");
        }
    }

    fn add(&mut self, event: &Value) {
        let item = &event["item"];
        let number = self.items.len() as u64;
        match event["output_index"].as_u64() {
            Some(index) if index < number => {
                return self.say(Rule::Lifecycle, format!("item {index} is added twice"));
            }
            Some(index) if index > number => {
                self.say(Rule::Order, format!("item {index} is added as number {number}"));
            }
            _ => {}
        }
        if item["id"].as_str().is_some_and(|id| self.items.iter().any(|item| item.id() == id)) {
            self.say(Rule::Identity, format!("the id {} is used twice", item["id"]));
        }
        let item = Item::open(item, &mut self.findings);
        self.items.push(item);
    }

    fn close(&mut self, event: &Value) {
        if let Some(index) = self.item_of(event) {
            self.items[index].close(&event["item"], &mut self.findings);
        }
    }

    fn inside(&mut self, event: &Value) {
        let Some(index) = self.item_of(event) else { return };
        if event["item_id"] != self.items[index].id() {
            let message =
                format!("item {index} is `{}`, not {}", self.items[index].id(), event["item_id"]);
            self.say(Rule::Identity, message);
        }
        self.items[index].event(event, &mut self.findings);
    }

    fn item_of(&mut self, event: &Value) -> Option<usize> {
        let index = event["output_index"].as_u64().and_then(|index| usize::try_from(index).ok())?;
        if index >= self.items.len() {
            self.say(Rule::Lifecycle, format!("item {index} is used before it is added"));
            return None;
        }
        Some(index)
    }

    fn end(&mut self) {
        self.findings.at = "the end".to_owned();
        if !self.ended {
            self.say(Rule::Terminal, "no terminal event");
        }
        if self.stage != Stage::Done {
            self.say(Rule::Done, "no `[DONE]`");
        }
    }
}
