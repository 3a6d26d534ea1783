//! The parts of a Chat answer as they open and close: text, reasoning and refusals one after the other,
//! and calls, which may come beside each other. Chat has no opening and closing of parts, so they
//! follow from what arrives: another kind of content closes the one before it, and a call is closed
//! by the next one once its arguments are whole.

use super::think::Piece;
use crate::json::{Escaped, Kind as Json, Value};
use crate::partial::{Halves, Progress};
use crate::turn::{Event, Form, Opening};

/// What is said outside of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Text,
    Reasoning,
    Refusal,
}

/// The parts of an answer as they open and close.
#[derive(Debug, Default)]
pub(super) struct Parts {
    next: u32,
    plain: Option<(u32, Plain)>,
    calls: Vec<Call>,
    call_stem: String,
    /// The chunk at hand holds halves of surrogate pairs.
    pub(super) has_halves: bool,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    /// The id that the upstream sent, escaped; empty until known.
    id: String,
    /// The name, escaped; empty until known.
    name: String,
    state: CallState,
    progress: Progress,
    halves: Halves,
}

#[derive(Debug)]
enum CallState {
    /// The name has not come yet; these arguments wait for it.
    Unnamed(String),
    /// Nothing has come after the name: it may go on.
    Named,
    Open(u32),
    Closed,
}

impl Parts {
    /// Calls without an id get one that starts with `call_stem`.
    pub(super) fn new(call_stem: &str) -> Self {
        Self { call_stem: call_stem.to_owned(), ..Self::default() }
    }

    fn open(&mut self, kind: Opening<'_>, sink: &mut impl FnMut(Event<'_>)) -> u32 {
        let part = self.next;
        self.next += 1;
        sink(Event::Open { part, kind });
        part
    }

    pub(super) fn thought(
        &mut self,
        piece: Piece<'_>,
        mirrored: bool,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        match piece {
            Piece::Thought(_) if mirrored => {}
            Piece::Thought(text) => self.plain(Plain::Reasoning, Escaped::plain(text), sink),
            Piece::Said(text) => self.plain(Plain::Text, Escaped::plain(text), sink),
        }
    }

    pub(super) fn plain(
        &mut self,
        kind: Plain,
        text: Escaped<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        if text.is_empty() {
            return;
        }
        self.open_named(None, sink);
        let part = match self.plain {
            Some((part, open)) if open == kind => part,
            _ => {
                self.close_plain(sink);
                self.close_whole_calls(sink);
                let opening = match kind {
                    Plain::Text => Opening::Text,
                    Plain::Reasoning => Opening::Reasoning,
                    Plain::Refusal => Opening::Refusal,
                };
                let part = self.open(opening, sink);
                self.plain = Some((part, kind));
                part
            }
        };
        sink(Event::Delta { part, text });
    }

    fn close_plain(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if let Some((part, _)) = self.plain.take() {
            sink(Event::Close { part });
        }
    }

    fn close_whole_calls(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        for call in &mut self.calls {
            if let CallState::Open(part) = call.state
                && call.progress.is_complete()
            {
                call.state = CallState::Closed;
                sink(Event::Close { part });
            }
        }
    }

    /// Closes what is open at the end. Calls whose arguments broke off stay open when the answer
    /// was cut short; a model that simply wrote no arguments made a whole call.
    pub(super) fn close_all(&mut self, whole: bool, sink: &mut impl FnMut(Event<'_>)) {
        self.open_named(None, sink);
        self.close_plain(sink);
        self.close_whole_calls(sink);
        if whole {
            for call in &mut self.calls {
                if let CallState::Open(part) = call.state {
                    call.state = CallState::Closed;
                    sink(Event::Close { part });
                }
            }
        }
    }

    /// Whether there is a call that says what it is called with, but not its name.
    pub(super) fn has_nameless_call(&self) -> bool {
        self.calls
            .iter()
            .any(|call| matches!(&call.state, CallState::Unnamed(waiting) if !waiting.is_empty()))
    }

    pub(super) fn legacy_call(
        &mut self,
        function: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let at = match self.calls.len().checked_sub(1) {
            Some(at) => at,
            None => self.new_call(None, ""),
        };
        self.open_named(Some(at), sink);
        self.feed(at, Some(function), sink);
    }

    pub(super) fn call(&mut self, call: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let index = call.get("index").and_then(Value::as_u64);
        let id = call.get("id").and_then(Value::as_str).unwrap_or_default();
        let function = call.get("function");
        let found = self.find(index, id.escaped());
        let at = match found.filter(|&at| !self.begins_anew(at, index, id.is_empty(), function)) {
            Some(at) => at,
            None => self.new_call(index, id.escaped()),
        };
        self.open_named(Some(at), sink);
        if self.calls[at].id.is_empty() {
            id.escaped().clone_into(&mut self.calls[at].id);
        }
        self.feed(at, function, sink);
    }

    /// The call that a delta continues: the newest with its index and id, as far as they are
    /// given. Some servers number every call 0, some repeat ids, some send neither.
    fn find(&self, index: Option<u64>, id: &str) -> Option<usize> {
        let newest = |fits: &dyn Fn(&Call) -> bool| self.calls.iter().rposition(fits);
        match (index, id) {
            (None, "") => self.calls.len().checked_sub(1),
            (None, id) => newest(&|call| call.id == id),
            (Some(_), "") => newest(&|call| call.index == index),
            (Some(_), id) => newest(&|call| call.index == index && call.id == id)
                // The id may come late.
                .or_else(|| {
                    newest(&|call| call.index == index).filter(|&at| self.calls[at].id.is_empty())
                }),
        }
    }

    /// Whether a delta that nothing else tells apart from the call at `at` is another call: it has
    /// another name, or brings arguments where none are missing. Another name with the index of a
    /// call that has an id, and no arguments yet, is more of its name, as it is to OpenAI's SDKs.
    fn begins_anew(
        &self,
        at: usize,
        index: Option<u64>,
        without_id: bool,
        function: Option<Value<'_, '_>>,
    ) -> bool {
        let Some(function) = function else { return false };
        let text = |name: &str| function.get(name).and_then(Value::as_str).unwrap_or_default();
        let (call, name) = (&self.calls[at], text("name"));
        if name.is_empty() || call.name.is_empty() {
            return false;
        }
        let brings = match function.get("arguments") {
            Some(arguments) if arguments.kind() == Json::Object => true,
            _ => !text("arguments").text().trim().is_empty(),
        };
        let goes_on =
            index.is_some() && !call.id.is_empty() && matches!(call.state, CallState::Named);
        (without_id && !goes_on && call.name != name.escaped())
            || (brings && call.progress.is_complete())
    }

    fn new_call(&mut self, index: Option<u64>, id: &str) -> usize {
        self.calls.push(Call {
            index,
            id: id.to_owned(),
            name: String::new(),
            state: CallState::Unnamed(String::new()),
            progress: Progress::default(),
            halves: Halves::default(),
        });
        self.calls.len() - 1
    }

    fn feed(
        &mut self,
        at: usize,
        function: Option<Value<'_, '_>>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let Some(function) = function else { return };
        if let Some(name) = function.get("name").and_then(Value::as_str)
            && !name.is_empty()
        {
            self.name(at, name.escaped(), sink);
        }
        let arguments = match function.get("arguments").and_then(Value::non_null) {
            None => return,
            Some(value) => match value.as_str() {
                Some(text) => text,
                // Ollama's own form: an object instead of a text.
                None => Escaped::plain(value.raw()),
            },
        };
        let call = &mut self.calls[at];
        let arguments = if self.has_halves || !call.halves.is_empty() {
            Escaped::trusted(call.halves.mend(arguments.escaped()))
        } else {
            arguments
        };
        if arguments.is_empty() {
            return;
        }
        if matches!(call.state, CallState::Named) {
            self.begin(at, sink);
        }
        let call = &mut self.calls[at];
        match &mut call.state {
            CallState::Unnamed(waiting) => {
                call.progress.push(arguments.escaped());
                waiting.push_str(arguments.escaped());
            }
            CallState::Open(part) => {
                call.progress.push(arguments.escaped());
                sink(Event::Delta { part: *part, text: arguments });
            }
            // Only a space can follow a whole object.
            CallState::Named | CallState::Closed => {}
        }
    }

    /// Takes the name of a call, or more of it.
    fn name(&mut self, at: usize, name: &str, sink: &mut impl FnMut(Event<'_>)) {
        let call = &mut self.calls[at];
        match &call.state {
            CallState::Unnamed(waiting) => {
                name.clone_into(&mut call.name);
                match waiting.is_empty() {
                    true => call.state = CallState::Named,
                    false => self.begin(at, sink),
                }
            }
            // Some servers repeat it with every piece.
            CallState::Named if call.name == name => {}
            CallState::Named => call.name.push_str(name),
            CallState::Open(_) | CallState::Closed => {}
        }
    }

    /// Opens the calls whose names are whole, since something else follows: all but the one at `but`.
    pub(super) fn open_named(&mut self, but: Option<usize>, sink: &mut impl FnMut(Event<'_>)) {
        for at in 0..self.calls.len() {
            if Some(at) != but && matches!(self.calls[at].state, CallState::Named) {
                self.begin(at, sink);
            }
        }
    }

    fn begin(&mut self, at: usize, sink: &mut impl FnMut(Event<'_>)) {
        self.close_plain(sink);
        self.close_whole_calls(sink);
        let id = Escaped::trusted(self.told_id(at));
        let name = Escaped::trusted(self.calls[at].name.clone());
        let part = self.open(Opening::Call { id, name, form: Form::Arguments }, sink);
        let before = std::mem::replace(&mut self.calls[at].state, CallState::Open(part));
        if let CallState::Unnamed(waiting) = before
            && !waiting.is_empty()
        {
            sink(Event::Delta { part, text: Escaped::trusted(waiting) });
        }
    }

    /// The id that the client is told: ids must tell the calls of a conversation apart.
    fn told_id(&self, at: usize) -> String {
        let id = &self.calls[at].id;
        let repeats = self.calls.iter().enumerate().any(|(other, call)| {
            let told = matches!(call.state, CallState::Open(_) | CallState::Closed);
            other != at && told && call.id == *id
        });
        if id.is_empty() || repeats { format!("{}{at}", self.call_stem) } else { id.clone() }
    }
}
