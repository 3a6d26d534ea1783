//! Reasoning items: in which form their thoughts are shown, and what they are sealed with.

use serde_json::{Value, json};

use super::{Open, Writer};
use crate::script::render::deltas_of;
use crate::script::says::{ReasoningForm, Seal, Thought};
use crate::seal::seal;

/// How reasoning is shown: the names of its events, parts and members.
struct Form {
    opening: &'static str,
    head: &'static str,
    index: &'static str,
    part: &'static str,
    member: &'static str,
}

const SUMMARY: Form = Form {
    opening: "response.reasoning_summary_part",
    head: "response.reasoning_summary_text",
    index: "summary_index",
    part: "summary_text",
    member: "summary",
};

const RAW: Form = Form {
    opening: "response.content_part",
    head: "response.reasoning_text",
    index: "content_index",
    part: "reasoning_text",
    member: "content",
};

impl Writer<'_> {
    /// Continues the open reasoning, or opens some: each thought is a part of it.
    pub(super) fn think(&mut self, thought: &Thought) {
        if !matches!(self.open, Some(Open::Reasoning { .. })) {
            self.close("completed");
            let id = self.id("rs");
            self.add(json!({"id": id, "type": "reasoning", "summary": []}));
            self.open = Some(Open::Reasoning { id, texts: Vec::new(), seal: Seal::Usual });
        }
        let Some(Open::Reasoning { id, mut texts, .. }) = self.open.take() else {
            unreachable!("reasoning was opened just now");
        };
        if let Some(form) = self.shown() {
            let index = texts.len();
            let part = |text: &str| json!({"type": form.part, "text": text});
            let at = form.index;
            self.inside(
                &format!("{}.added", form.opening),
                &id,
                json!({at: index, "part": part("")}),
            );
            for piece in deltas_of(self.says, &thought.text) {
                let members = format!(r#""{at}":{index},"delta":{piece}"#);
                self.delta(&format!("{}.delta", form.head), &id, &members);
            }
            self.inside(
                &format!("{}.done", form.head),
                &id,
                json!({at: index, "text": thought.text}),
            );
            self.inside(
                &format!("{}.done", form.opening),
                &id,
                json!({at: index, "part": part(&thought.text)}),
            );
        }
        texts.push(thought.text.clone());
        self.open = Some(Open::Reasoning { id, texts, seal: thought.seal.clone() });
        // A seal of its own belongs to this item alone.
        if thought.seal != Seal::Usual {
            self.close("completed");
        }
    }

    pub(super) fn redacted(&mut self, blob: &str) {
        self.close("completed");
        let id = self.id("rs");
        self.add(json!({"id": id, "type": "reasoning", "summary": []}));
        self.finish(
            json!({"id": id, "type": "reasoning", "summary": [], "encrypted_content": blob}),
        );
    }

    /// How reasoning is shown: as a summary if the request asks for one, as its text by the servers
    /// that show it so, else not at all.
    fn shown(&self) -> Option<&'static Form> {
        if self.says.reasoning_form == ReasoningForm::Reasoning {
            return Some(&RAW);
        }
        let asked = &self.asked.rest["reasoning"]["summary"];
        if asked.is_null() { None } else { Some(&SUMMARY) }
    }

    /// The finished item. The usual seal is there when the request asks for it.
    pub(super) fn thought(&self, id: &str, texts: &[String], sealed: Seal) -> Value {
        let mut item = json!({"id": id, "type": "reasoning", "summary": []});
        if let Some(form) = self.shown() {
            let part = |text: &String| json!({"type": form.part, "text": text});
            item[form.member] = texts.iter().map(part).collect();
        }
        let sealed = match sealed {
            Seal::Usual if self.asked.includes("reasoning.encrypted_content") => {
                Some(seal(&texts.concat()))
            }
            Seal::Usual | Seal::Missing => None,
            Seal::As(blob) => Some(blob),
        };
        if let Some(sealed) = sealed {
            item["encrypted_content"] = json!(sealed);
        }
        item
    }
}
