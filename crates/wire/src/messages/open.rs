//! The content blocks of an answer while they are open, and the parts that they become. A block of
//! text or thinking opens its part with the first thing that it says; a tool's call is closed once
//! it is sure to be whole. Blocks of text in a row are one part: an answer is cut into blocks where
//! its sources change, in the middle of a sentence.

use crate::json::{Escaped, Kind, Value};
use crate::partial::{Halves, InputReader, Progress};
use crate::turn::{Citation, Event, Form, Opaque, Opening, Source};

/// The blocks of one answer.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    next: u32,
    open: Vec<Block>,
    /// The text whose last block is over; another may go on with it.
    said: Option<Text>,
    /// Searches that wait for what they found: their ids and parts.
    searches: Vec<(String, u32)>,
    /// How many calls there were, and the ids that they got.
    calls: Vec<String>,
    call_stem: String,
    /// The event at hand holds halves of surrogate pairs.
    pub(super) has_halves: bool,
}

#[derive(Debug)]
struct Block {
    index: u64,
    kind: BlockKind,
    /// Once it has said something.
    part: Option<u32>,
    halves: Halves,
    /// The server says that it is over.
    stopped: bool,
}

/// A part of text.
#[derive(Clone, Copy, Debug)]
struct Text {
    part: u32,
    /// How many characters it has.
    length: u64,
}

/// What a block adds to its text.
#[derive(Debug, Default)]
struct Passage {
    from: u64,
    to: u64,
    /// They are about all of it, so they wait until it is there.
    citations: Vec<Citation<'static>>,
}

#[derive(Debug)]
enum BlockKind {
    Text(Passage),
    Thinking,
    Call(Box<Input>),
    Search(Box<InputReader>),
    /// Nothing that anybody is told of.
    Other,
}

/// What a call is called with, so far.
#[derive(Debug, Default)]
struct Input {
    progress: Progress,
    /// What stood in the block's start: some servers send all of it there. Escaped.
    at_start: String,
    has_deltas: bool,
}

/// The server called a tool without naming it.
pub(super) struct Nameless;

impl Blocks {
    pub(super) fn new(call_stem: &str) -> Self {
        Self { call_stem: call_stem.to_owned(), ..Self::default() }
    }

    /// A block begins; in a whole answer, all of it is here.
    pub(super) fn start(
        &mut self,
        index: Option<u64>,
        block: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Nameless> {
        self.close_stopped(sink);
        let index = index.unwrap_or_else(|| self.open.last().map_or(0, |last| last.index + 1));
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = text("type");
        if !kind.is("text") {
            self.close_text(sink);
        }
        match kind.escaped() {
            "text" => {
                self.push_text(index);
                self.delta(Some(index), Said::Text(text("text")), sink);
                for citation in block.get("citations").into_iter().flat_map(Value::elements) {
                    self.delta(Some(index), Said::Citation(citation), sink);
                }
            }
            "thinking" => {
                self.push(index, BlockKind::Thinking);
                self.delta(Some(index), Said::Thinking(text("thinking")), sink);
                self.delta(Some(index), Said::Signature(text("signature")), sink);
            }
            "redacted_thinking" => {
                self.push(index, BlockKind::Thinking);
                let part = self.part_of(self.open.len() - 1, sink);
                sink(Event::Seal { part, opaque: Opaque::Redacted(text("data")) });
            }
            "tool_use" => self.call(index, &text("id"), &text("name"), block, sink)?,
            "server_tool_use" if text("name").is("web_search") => {
                self.search(index, &text("id"), block.get("input"), sink);
            }
            "web_search_tool_result" => {
                self.push(index, BlockKind::Other);
                self.found(&text("tool_use_id"), block.get("content"), sink);
            }
            // Other tools of the server, and whatever is invented later.
            _ => self.push(index, BlockKind::Other),
        }
        Ok(())
    }

    fn push(&mut self, index: u64, kind: BlockKind) {
        // A server that numbers every block 0 means the newest.
        let block = Block { index, kind, part: None, halves: Halves::default(), stopped: false };
        self.open.push(block);
    }

    /// A block of text goes on where the one before it ended.
    fn push_text(&mut self, index: u64) {
        let said = self.said.take();
        let from = said.map_or(0, |said| said.length);
        self.push(index, BlockKind::Text(Passage { from, to: from, citations: Vec::new() }));
        if let Some(block) = self.open.last_mut() {
            block.part = said.map(|said| said.part);
        }
    }

    fn close_text(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(Text { part, .. }) = self.said.take() {
            sink(Event::Close { part });
        }
    }

    fn call(
        &mut self,
        index: u64,
        id: &Escaped<'_>,
        name: &Escaped<'_>,
        block: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Nameless> {
        if name.is_empty() {
            return Err(Nameless);
        }
        let repeats = self.calls.iter().any(|known| known == id.escaped());
        let id = match id.is_empty() || repeats {
            true => format!("{}{}", self.call_stem, self.calls.len()),
            false => id.escaped().to_owned(),
        };
        let mut input = Input::default();
        match block.get("input") {
            Some(whole) if whole.kind() == Kind::Object && whole.members().next().is_some() => {
                Escaped::plain(whole.raw()).escaped().clone_into(&mut input.at_start);
            }
            Some(whole) => {
                whole.as_str().unwrap_or_default().escaped().clone_into(&mut input.at_start);
            }
            None => {}
        }
        self.push(index, BlockKind::Call(Box::new(input)));
        let part = self.begin(self.open.len() - 1);
        let kind = Opening::Call {
            id: Escaped::trusted(id.as_str()),
            name: name.borrow(),
            form: Form::Arguments,
        };
        sink(Event::Open { part, kind });
        self.calls.push(id);
        Ok(())
    }

    fn search(
        &mut self,
        index: u64,
        id: &Escaped<'_>,
        input: Option<Value<'_, '_>>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let mut reader = InputReader::default();
        if let Some(input) = input.filter(|input| input.members().next().is_some()) {
            reader.push(Escaped::plain(input.raw()).escaped(), &mut String::new());
        }
        self.push(index, BlockKind::Search(Box::new(reader)));
        let part = self.begin(self.open.len() - 1);
        sink(Event::Open { part, kind: Opening::Search { id: id.borrow() } });
        self.searches.push((id.escaped().to_owned(), part));
    }

    fn found(
        &mut self,
        id: &Escaped<'_>,
        content: Option<Value<'_, '_>>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let Some(at) = self.searches.iter().position(|(known, _)| known == id.escaped()) else {
            return;
        };
        let (_, part) = self.searches.remove(at);
        // A server that never stopped the block of the search has said all of it by now.
        let block = self.open.iter_mut().find(|block| block.part == Some(part));
        if let Some(block) = block
            && let BlockKind::Search(mut reader) =
                std::mem::replace(&mut block.kind, BlockKind::Other)
        {
            block.part = None;
            query(&mut reader, part, sink);
        }
        // An error stands there as an object.
        let failed = content.is_some_and(|content| content.kind() == Kind::Object);
        let pages = content.into_iter().flat_map(Value::elements).filter_map(|page| {
            let text = |name: &str| page.get(name).and_then(Value::as_str);
            Some(Source { url: text("url")?, title: text("title") })
        });
        sink(Event::Found { part, sources: (!failed).then(|| pages.collect()) });
        sink(Event::Close { part });
    }

    /// The part of a block, which need not be open.
    fn begin(&mut self, at: usize) -> u32 {
        let part = self.next;
        self.next += 1;
        self.open[at].part = Some(part);
        part
    }

    fn part_of(&mut self, at: usize, sink: &mut impl FnMut(Event<'_>)) -> u32 {
        if let Some(part) = self.open[at].part {
            return part;
        }
        let part = self.begin(at);
        let kind = match self.open[at].kind {
            BlockKind::Thinking => Opening::Reasoning,
            _ => Opening::Text,
        };
        sink(Event::Open { part, kind });
        part
    }

    /// An open block says more. Blocks may be interleaved; what names none belongs to the newest.
    pub(super) fn delta(
        &mut self,
        index: Option<u64>,
        said: Said<'_, '_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let fits = |block: &Block| index.is_none_or(|index| block.index == index);
        let at = match self.open.iter().rposition(fits) {
            Some(at) => at,
            // A server that leaves out the start of a block.
            None => {
                self.close_stopped(sink);
                match said {
                    Said::Text(_) => self.push_text(index.unwrap_or_default()),
                    Said::Thinking(_) | Said::Signature(_) => {
                        self.close_text(sink);
                        self.push(index.unwrap_or_default(), BlockKind::Thinking);
                    }
                    Said::Json(_) | Said::Citation(_) => return,
                }
                self.open.len() - 1
            }
        };
        let block = &mut self.open[at];
        match (said, &mut block.kind) {
            (Said::Text(text), BlockKind::Text(passage)) => {
                let text = mended(text, &mut block.halves, self.has_halves);
                if !text.is_empty() {
                    passage.to += length(&text);
                    let part = self.part_of(at, sink);
                    sink(Event::Delta { part, text });
                }
            }
            (Said::Thinking(text), BlockKind::Thinking) => {
                let text = mended(text, &mut block.halves, self.has_halves);
                if !text.is_empty() {
                    let part = self.part_of(at, sink);
                    sink(Event::Delta { part, text });
                }
            }
            (Said::Signature(signature), BlockKind::Thinking) if !signature.is_empty() => {
                let part = self.part_of(at, sink);
                sink(Event::Seal { part, opaque: Opaque::Signature(signature) });
            }
            (Said::Citation(citation), BlockKind::Text(passage)) => {
                passage.citations.extend(citation_of(citation));
            }
            (Said::Json(json), BlockKind::Call(input)) => {
                let json = mended(json, &mut block.halves, self.has_halves);
                if let (Some(part), false) = (block.part, json.is_empty()) {
                    input.has_deltas = true;
                    input.progress.push(json.escaped());
                    sink(Event::Delta { part, text: json });
                }
            }
            (Said::Json(json), BlockKind::Search(reader)) => {
                reader.push(json.escaped(), &mut String::new());
            }
            _ => {}
        }
    }

    /// A block is over.
    pub(super) fn stop(&mut self, index: Option<u64>, sink: &mut impl FnMut(Event<'_>)) {
        let fits = |block: &Block| index.is_none_or(|index| block.index == index) && !block.stopped;
        let Some(at) = self.open.iter().rposition(fits) else { return };
        self.open[at].stopped = true;
        // A call that a limit cut is stopped like any other, before the limit is named.
        if self.open[at].is_whole() {
            self.close(at, sink);
        }
    }

    /// Closes the calls that looked cut: what follows them shows that the model went on.
    fn close_stopped(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        while let Some(at) = self.open.iter().position(|block| block.stopped) {
            self.close(at, sink);
        }
    }

    /// The answer is over. Calls that are not whole stay open where something cut them.
    pub(super) fn close_all(&mut self, whole: bool, sink: &mut impl FnMut(Event<'_>)) {
        let mut at = 0;
        while at < self.open.len() {
            match whole || self.open[at].is_whole() {
                true => self.close(at, sink),
                false => at += 1,
            }
        }
        self.close_text(sink);
        for (_, part) in std::mem::take(&mut self.searches) {
            sink(Event::Close { part });
        }
    }

    /// Closes the block at this place and forgets it.
    fn close(&mut self, at: usize, sink: &mut impl FnMut(Event<'_>)) {
        let mut block = self.open.remove(at);
        let Some(part) = block.part else { return };
        if let Some(half) = block.halves.end() {
            if let BlockKind::Text(passage) = &mut block.kind {
                passage.to += 1;
            }
            sink(Event::Delta { part, text: Escaped::trusted(half) });
        }
        match block.kind {
            BlockKind::Text(passage) => {
                let span = Some((passage.from, passage.to)).filter(|(from, to)| from < to);
                for citation in passage.citations {
                    sink(Event::Cite { part, citation: Citation { span, ..citation } });
                }
                // Two texts at a time are not one.
                self.close_text(sink);
                self.said = Some(Text { part, length: passage.to });
                return;
            }
            BlockKind::Call(input) if !input.has_deltas && !input.at_start.is_empty() => {
                sink(Event::Delta { part, text: Escaped::trusted(input.at_start) });
            }
            // It is open until it has found something.
            BlockKind::Search(mut reader) => {
                query(&mut reader, part, sink);
                return;
            }
            _ => {}
        }
        sink(Event::Close { part });
    }
}

/// Tells what is searched for.
fn query(reader: &mut InputReader, part: u32, sink: &mut impl FnMut(Event<'_>)) {
    let mut query = String::new();
    reader.end(&mut query);
    if !query.is_empty() {
        sink(Event::Delta { part, text: Escaped::trusted(query) });
    }
}

impl Block {
    /// Whether nothing can be missing, as far as the block itself shows.
    fn is_whole(&self) -> bool {
        match &self.kind {
            BlockKind::Call(input) => {
                input.progress.is_complete() || !input.has_deltas && !input.at_start.is_empty()
            }
            BlockKind::Text(_) | BlockKind::Thinking | BlockKind::Search(_) | BlockKind::Other => {
                true
            }
        }
    }
}

/// What a delta brings.
pub(super) enum Said<'v, 't, 'a> {
    Text(Escaped<'v>),
    Thinking(Escaped<'v>),
    Signature(Escaped<'v>),
    /// More of a tool's input.
    Json(Escaped<'v>),
    Citation(Value<'t, 'a>),
}

/// The text without halves of surrogate pairs; what may still meet its other half is held back.
fn mended<'a>(text: Escaped<'a>, halves: &mut Halves, has_halves: bool) -> Escaped<'a> {
    match has_halves || !halves.is_empty() {
        true => Escaped::trusted(halves.mend(text.escaped())),
        false => text,
    }
}

/// How many characters a text has.
fn length(text: &Escaped<'_>) -> u64 {
    text.text().chars().count() as u64
}

/// A citation of a page. Those of documents that the client sent have no address.
fn citation_of(citation: Value<'_, '_>) -> Option<Citation<'static>> {
    let text = |name: &str| citation.get(name).and_then(Value::as_str).map(Escaped::into_owned);
    let url = text("url").or_else(|| {
        // A search result that the client brought names its source, which need not be a page.
        text("source").filter(|source| source.escaped().starts_with("http"))
    })?;
    Some(Citation { url, title: text("title"), quote: text("cited_text"), span: None })
}
