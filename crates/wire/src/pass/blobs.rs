//! What upstreams seal and want back: reasoning items with `encrypted_content`, thinking blocks with
//! a `signature`, details of reasoning, summaries. A request that is passed on may hold such things of another upstream,
//! which would be refused there.

use crate::dialect::Dialect;
use crate::envelope::{Change, edited, edited_list};
use crate::json::{Escaped, Kind, Tape, Value, quote_into};

/// What becomes of a sealed thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the upstream's own, as far as is known.
    Keep,
    /// The upstream cannot read it.
    Drop,
    /// It holds this summary, which goes in clear.
    Say(String),
}

/// What was taken out of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stripped {
    /// Reasoning that went no further.
    pub reasoning: u32,
    /// Summaries that went no further.
    pub summaries: u32,
    /// Thinking was switched off, since its proof is missing (Messages).
    pub thinking_off: bool,
}

/// Whether a body may hold anything sealed; much cheaper than to look.
pub fn may_hold_any(body: &str) -> bool {
    ["\"encrypted_content\"", "\"signature\"", "\"redacted_thinking\"", "\"reasoning_details\""]
        .iter()
        .any(|word| memchr::memmem::find(body.as_bytes(), word.as_bytes()).is_some())
}

/// `body`, whose value is `root`, without what `judge` does not keep; nothing where all is kept.
pub fn strip_sealed(
    dialect: Dialect,
    body: &str,
    root: Value<'_, '_>,
    judge: &mut dyn FnMut(&str) -> Verdict,
) -> Option<(String, Stripped)> {
    match dialect {
        Dialect::Chat => chat(body, root, judge),
        Dialect::Responses => responses(body, root, judge),
        Dialect::Messages => messages(body, root, judge),
    }
}

/// Routers before other vendors, and quire itself, seal reasoning in `reasoning_details`.
fn chat(
    body: &str,
    root: Value<'_, '_>,
    judge: &mut dyn FnMut(&str) -> Verdict,
) -> Option<(String, Stripped)> {
    let list = root.get("messages").filter(|list| list.kind() == Kind::Array)?;
    let mut stripped = Stripped::default();
    let new: Vec<Option<String>> = list
        .elements()
        .map(|message| {
            let details =
                message.get("reasoning_details").filter(|list| list.kind() == Kind::Array)?;
            let dropped: Vec<Option<String>> = details
                .elements()
                .map(|detail| {
                    let sealed = ["data", "signature"].into_iter().find_map(|name| {
                        detail.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
                    })?;
                    (judge(&sealed.text()) != Verdict::Keep).then(String::new)
                })
                .collect();
            let count = dropped.iter().flatten().count();
            if count == 0 {
                return None;
            }
            stripped.reasoning += count as u32;
            let details = edited_list(details, &changes(&dropped));
            let change = match count == dropped.len() {
                true => Change::Remove,
                false => Change::Set(details.as_str()),
            };
            let raw = message.raw();
            let mut tape = Tape::default();
            let message = tape.read(raw).ok()?;
            Some(edited(raw, message, &[("reasoning_details", change)]))
        })
        .collect();
    if stripped.reasoning == 0 {
        return None;
    }
    let list = edited_list(list, &changes(&new));
    Some((edited(body, root, &[("messages", Change::Set(&list))]), stripped))
}

fn responses(
    body: &str,
    root: Value<'_, '_>,
    judge: &mut dyn FnMut(&str) -> Verdict,
) -> Option<(String, Stripped)> {
    let input = root.get("input").filter(|input| input.kind() == Kind::Array)?;
    let mut stripped = Stripped::default();
    let new: Vec<Option<String>> = input
        .elements()
        .map(|item| {
            let sealed = item.get("encrypted_content").and_then(Value::as_str)?;
            let kind = item.get("type").and_then(Value::as_str)?;
            let is_summary = match kind.text().as_ref() {
                "reasoning" => false,
                "compaction" | "compaction_summary" | "context_compaction" => true,
                _ => return None,
            };
            match judge(&sealed.text()) {
                Verdict::Keep => None,
                Verdict::Say(text) => Some(message(&text)),
                Verdict::Drop if is_summary => {
                    stripped.summaries += 1;
                    Some(String::new())
                }
                Verdict::Drop => {
                    stripped.reasoning += 1;
                    Some(String::new())
                }
            }
        })
        .collect();
    if new.iter().all(Option::is_none) {
        return None;
    }
    let input = edited_list(input, &changes(&new));
    Some((edited(body, root, &[("input", Change::Set(&input))]), stripped))
}

fn changes(new: &[Option<String>]) -> Vec<Option<Change<'_>>> {
    new.iter()
        .map(|new| match new.as_deref() {
            None => None,
            Some("") => Some(Change::Remove),
            Some(raw) => Some(Change::Set(raw)),
        })
        .collect()
}

fn message(text: &str) -> String {
    let mut item = String::from(
        "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":",
    );
    quote_into(text, &mut item);
    item.push_str("}]}");
    item
}

fn messages(
    body: &str,
    root: Value<'_, '_>,
    judge: &mut dyn FnMut(&str) -> Verdict,
) -> Option<(String, Stripped)> {
    let list = root.get("messages").filter(|list| list.kind() == Kind::Array)?;
    let mut stripped = Stripped::default();
    let new: Vec<Option<String>> = list
        .elements()
        .map(|message| {
            let content = message.get("content").filter(|content| content.kind() == Kind::Array)?;
            let dropped: Vec<Option<String>> = content
                .elements()
                .map(|block| {
                    let kind = block.get("type").and_then(Value::as_str)?;
                    let sealed = match kind.text().as_ref() {
                        "thinking" => block.get("signature"),
                        "redacted_thinking" => block.get("data"),
                        _ => return None,
                    };
                    let sealed = sealed.and_then(Value::as_str).unwrap_or_default();
                    (judge(&sealed.text()) != Verdict::Keep).then(String::new)
                })
                .collect();
            let count = dropped.iter().flatten().count();
            if count == 0 {
                return None;
            }
            stripped.reasoning += count as u32;
            // A message that only thought says nothing any more.
            if count == dropped.len() {
                return Some(String::new());
            }
            let content = edited_list(content, &changes(&dropped));
            let raw = message.raw();
            let mut tape = Tape::default();
            let message = tape.read(raw).ok()?;
            Some(edited(raw, message, &[("content", Change::Set(&content))]))
        })
        .collect();
    if stripped.reasoning == 0 {
        return None;
    }
    let list = edited_list(list, &changes(&new));
    let mut edits = vec![("messages", Change::Set(list.as_str()))];
    // With a budget for thinking, calls whose thinking is missing are refused; models that decide for
    // themselves take them (Anthropic, "Extended thinking", "Adaptive thinking").
    let manual = root
        .get("thinking")
        .and_then(|thinking| thinking.get("type"))
        .and_then(Value::as_str)
        .is_some_and(|kind: Escaped<'_>| kind.is("enabled"));
    if manual {
        stripped.thinking_off = true;
        edits.push(("thinking", Change::Remove));
    }
    Some((edited(body, root, &edits), stripped))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(dialect: Dialect, body: &str) -> Option<(String, Stripped)> {
        let mut tape = Tape::default();
        let root = tape.read(body).unwrap();
        strip_sealed(dialect, body, root, &mut |sealed| match sealed {
            "own" => Verdict::Keep,
            "summary" => Verdict::Say("so far".to_owned()),
            _ => Verdict::Drop,
        })
    }

    #[test]
    fn foreign_reasoning_leaves_and_everything_else_stays() {
        let body = r#"{"n":1.0, "input":[ {"type":"reasoning","encrypted_content":"own"}, {"type":"reasoning","encrypted_content":"x"} ,{"role":"user","content":"hi"},{"type":"compaction","encrypted_content":"summary"},{"type":"compaction","encrypted_content":"y"}],"z":0}"#;
        let (stripped, counts) = strip(Dialect::Responses, body).unwrap();
        assert_eq!(
            stripped,
            r#"{"n":1.0, "input":[ {"type":"reasoning","encrypted_content":"own"} ,{"role":"user","content":"hi"},{"type":"message","role":"user","content":[{"type":"input_text","text":"so far"}]}],"z":0}"#
        );
        assert_eq!(counts, Stripped { reasoning: 1, summaries: 1, thinking_off: false });
        assert_eq!(strip(Dialect::Responses, r#"{"input":"x"}"#), None);
        assert_eq!(strip(Dialect::Chat, body), None);
    }

    #[test]
    fn foreign_details_leave_and_take_an_empty_list_with_them() {
        let body = r#"{"messages":[{"role":"assistant","content":"a","reasoning_details":[ {"type":"reasoning.encrypted","data":"x"},{"type":"reasoning.text","text":"t"},{"type":"reasoning.text","text":"t","signature":"own"}]},{"role":"assistant", "reasoning_details":[{"data":"y"}],"content":"b"}],"n":1.0}"#;
        let (stripped, counts) = strip(Dialect::Chat, body).unwrap();
        assert_eq!(
            stripped,
            r#"{"messages":[{"role":"assistant","content":"a","reasoning_details":[ {"type":"reasoning.text","text":"t"},{"type":"reasoning.text","text":"t","signature":"own"}]},{"role":"assistant","content":"b"}],"n":1.0}"#
        );
        assert_eq!(counts.reasoning, 2);
        assert_eq!(strip(Dialect::Chat, &stripped), None);
    }

    #[test]
    fn foreign_thinking_leaves_and_takes_a_demanded_budget_with_it() {
        let body = r#"{"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"x"},{"type":"text","text":"a"}]},{"role":"assistant","content":[{"type":"redacted_thinking","data":"y"}]},{"role":"user","content":"b"}]}"#;
        let (stripped, counts) = strip(Dialect::Messages, body).unwrap();
        assert_eq!(
            stripped,
            r#"{"messages":[{"role":"assistant","content":[{"type":"text","text":"a"}]},{"role":"user","content":"b"}]}"#
        );
        assert_eq!(counts, Stripped { reasoning: 2, summaries: 0, thinking_off: true });
        let own = body.replace("\"x\"", "\"own\"").replace("\"y\"", "\"own\"");
        assert_eq!(strip(Dialect::Messages, &own), None);
    }
}
