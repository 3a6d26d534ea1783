//! The texts of an item, as its events and the item itself tell them: parts of a message, a thought,
//! the payload of a call, what a search sought and found. Which item they belong to is
//! [`super::slot`]'s business.

use super::flow::{Flow, Numbers};
use crate::json::{Escaped, Value};
use crate::partial::Progress;
use crate::turn::{Citation, Event, Form, Opaque, Opening, Source};

/// What stands between the parts of a summary.
pub(super) const BETWEEN: &str = r"\n\n";

/// A content part of a message.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) index: u64,
    pub(super) refusal: bool,
    pub(super) flow: Flow,
    /// How many of its annotations were looked at.
    pub(super) annotations: usize,
}

#[derive(Debug, Default)]
pub(super) struct Thought {
    /// Whether the text is the summary; unknown until there is some.
    pub(super) summary: Option<bool>,
    /// The part that came last.
    pub(super) index: u64,
    pub(super) flow: Flow,
}

#[derive(Debug, Default)]
pub(super) struct Call {
    /// Escaped, as are the others; empty until known.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) form: Form,
    pub(super) flow: Flow,
    /// What waits for the name.
    pub(super) waiting: String,
    /// How far what came in pieces is.
    pub(super) progress: Progress,
}

impl Call {
    /// Whether what came in pieces ended in the middle.
    pub(super) fn is_broken(&self) -> bool {
        self.form == Form::Arguments && self.progress.is_started() && !self.progress.is_complete()
    }
}

/// The part of a message with this index. The one before it ends when another begins.
pub(super) fn part_at<'p>(
    parts: &'p mut Vec<Text>,
    index: u64,
    refusal: bool,
    sink: &mut impl FnMut(Event<'_>),
) -> &'p mut Text {
    let at = parts.iter().rposition(|part| part.index == index && part.refusal == refusal);
    let at = at.unwrap_or_else(|| {
        parts.iter_mut().for_each(|part| part.flow.close(sink));
        parts.push(Text { index, refusal, flow: Flow::default(), annotations: 0 });
        parts.len() - 1
    });
    &mut parts[at]
}

/// Takes a whole part of a message: its text and its annotations.
pub(super) fn whole_part<'p>(
    parts: &'p mut Vec<Text>,
    index: u64,
    value: Value<'_, '_>,
    numbers: &mut Numbers,
    sink: &mut impl FnMut(Event<'_>),
) -> Option<&'p mut Text> {
    let refusal = value.get("refusal").and_then(Value::as_str);
    let text = refusal.clone().or_else(|| value.get("text").and_then(Value::as_str))?;
    let part = part_at(parts, index, refusal.is_some(), sink);
    part.whole(text.escaped(), numbers, sink);
    if part.flow.part().is_some() {
        let annotations = value.get("annotations").into_iter().flat_map(Value::elements);
        for annotation in annotations.skip(part.annotations) {
            part.cite(annotation, sink);
        }
    }
    Some(part)
}

impl Text {
    pub(super) fn open(&mut self, numbers: &mut Numbers, sink: &mut impl FnMut(Event<'_>)) {
        let kind = if self.refusal { Opening::Refusal } else { Opening::Text };
        self.flow.open(kind, numbers, sink);
    }

    pub(super) fn whole(
        &mut self,
        text: &str,
        numbers: &mut Numbers,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let text = numbers.clean(text);
        if let Some(rest) = self.flow.rest(&text) {
            self.open(numbers, sink);
            self.flow.finish(&rest, sink);
        }
    }

    pub(super) fn cite(&mut self, annotation: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let Some(part) = self.flow.part() else { return };
        self.annotations += 1;
        // Files live on the server: the client could not open them.
        let Some(url) = annotation.get("url").and_then(Value::as_str) else { return };
        let index = |name: &str| annotation.get(name).and_then(Value::as_u64);
        let citation = Citation {
            url,
            title: annotation.get("title").and_then(Value::as_str),
            quote: None,
            span: index("start_index").zip(index("end_index")),
        };
        sink(Event::Cite { part, citation });
    }
}

impl Thought {
    pub(super) fn whole(
        &mut self,
        item: Value<'_, '_>,
        numbers: &mut Numbers,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let summary = self.summary.unwrap_or_else(|| !thoughts(item, true).is_empty());
        let text = thoughts(item, summary);
        let text = numbers.clean(&text);
        if let Some(rest) = self.flow.rest(&text) {
            self.summary = Some(summary);
            self.flow.open(Opening::Reasoning, numbers, sink);
            self.flow.finish(&rest, sink);
        }
        let sealed = item.get("encrypted_content").and_then(Value::as_str);
        if let Some(sealed) = sealed.filter(|sealed| !sealed.is_empty()) {
            self.flow.open(Opening::Reasoning, numbers, sink);
            if let Some(part) = self.flow.part() {
                sink(Event::Seal { part, opaque: Opaque::Encrypted(sealed) });
            }
        }
    }
}

/// The summary of a reasoning item, or its content, as one text.
pub(super) fn thoughts(item: Value<'_, '_>, summary: bool) -> String {
    let list = item.get(if summary { "summary" } else { "content" });
    let texts = list.into_iter().flat_map(Value::elements);
    let texts = texts.filter_map(|part| part.get("text").and_then(Value::as_str));
    let texts: Vec<Escaped<'_>> = texts.filter(|text| !text.is_empty()).collect();
    texts.iter().map(Escaped::escaped).collect::<Vec<_>>().join(BETWEEN)
}

impl Call {
    pub(super) fn whole(
        &mut self,
        text: &str,
        numbers: &mut Numbers,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        if self.flow.is_waiting() {
            text.clone_into(&mut self.waiting);
            return;
        }
        let text = numbers.clean(text);
        if let Some(rest) = self.flow.rest(&text) {
            self.flow.finish(&rest, sink);
        }
    }
}

pub(super) fn text_of<'a>(value: Value<'_, 'a>, name: &str) -> Escaped<'a> {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What a search sought: its words, or the page that it looked at.
pub(super) fn sought<'a>(item: Value<'_, 'a>) -> Escaped<'a> {
    let Some(action) = item.get("action") else { return Escaped::default() };
    let text =
        |name: &str| action.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let first = || action.get("queries")?.elements().find_map(Value::as_str);
    text("query").or_else(first).or_else(|| text("url")).unwrap_or_default()
}

/// Whether this was a search, and not a look at a page that was found.
pub(super) fn searches(item: Value<'_, '_>) -> bool {
    let kind = item.get("action").and_then(|action| action.get("type")).and_then(Value::as_str);
    kind.is_none_or(|kind| kind.is("search"))
}

/// Tells what a search sought and found.
pub(super) fn found(flow: &mut Flow, item: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
    let sought = sought(item);
    if let Some(rest) = flow.rest(sought.escaped()) {
        flow.finish(&rest, sink);
    }
    let Some(part) = flow.part() else { return };
    let sources = item.get("action").and_then(|action| action.get("sources"));
    let sources: Vec<Source<'_>> = sources
        .into_iter()
        .flat_map(Value::elements)
        .filter_map(|source| {
            let url = source.get("url")?.as_str()?;
            Some(Source { url, title: source.get("title").and_then(Value::as_str) })
        })
        .collect();
    let failed =
        item.get("status").and_then(Value::as_str).is_some_and(|status| status.is("failed"));
    if failed || !sources.is_empty() {
        sink(Event::Found { part, sources: (!failed).then_some(sources) });
    }
}
