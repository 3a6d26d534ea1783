//! One text of an answer on its way out: opened by its first piece, tallied, closed once.

use super::tally::Tally;
use crate::json::Escaped;
use crate::partial::Halves;
use crate::turn::{Event, Opening};
use std::borrow::Cow;

/// A text of an item.
#[derive(Debug, Default)]
pub(super) struct Flow {
    state: State,
    given: Tally,
    halves: Halves,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Waiting,
    Open(u32),
    Closed,
}

/// The numbers of the parts.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    next: u32,
    /// The event at hand holds halves of surrogate pairs.
    pub(super) has_halves: bool,
}

impl Numbers {
    pub(super) fn open(&mut self, kind: Opening<'_>, sink: &mut impl FnMut(Event<'_>)) -> u32 {
        let part = self.next;
        self.next += 1;
        sink(Event::Open { part, kind });
        part
    }

    /// A text that came whole, without halves that belong to nothing.
    pub(super) fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.has_halves {
            return Cow::Borrowed(text);
        }
        let mut halves = Halves::default();
        let mut mended = halves.mend(text);
        mended.push_str(halves.end().unwrap_or_default());
        Cow::Owned(mended)
    }
}

impl Flow {
    /// The part that is open.
    pub(super) fn part(&self) -> Option<u32> {
        match self.state {
            State::Open(part) => Some(part),
            State::Waiting | State::Closed => None,
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    pub(super) fn given(&self) -> &Tally {
        &self.given
    }

    /// Opens the part, if it was not.
    pub(super) fn open(
        &mut self,
        kind: Opening<'_>,
        numbers: &mut Numbers,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        if self.is_waiting() {
            self.state = State::Open(numbers.open(kind, sink));
        }
    }

    /// Gives out more of the text. A call that waits for its name keeps it until then.
    pub(super) fn push(&mut self, text: &str, numbers: &Numbers, sink: &mut impl FnMut(Event<'_>)) {
        let Some(part) = self.part() else { return };
        if numbers.has_halves || !self.halves.is_empty() {
            return self.mend(text, sink);
        }
        self.given.push(text);
        sink(Event::Delta { part, text: Escaped::trusted(text) });
    }

    /// The same for a text that may hold halves of surrogate pairs.
    pub(super) fn mend(&mut self, text: &str, sink: &mut impl FnMut(Event<'_>)) {
        let Some(part) = self.part() else { return };
        let text = self.halves.mend(text);
        if !text.is_empty() {
            self.given.push(&text);
            sink(Event::Delta { part, text: Escaped::trusted(text) });
        }
    }

    /// What the whole text adds to what was given out.
    pub(super) fn rest<'w>(&self, whole: &'w str) -> Option<Cow<'w, str>> {
        match self.state {
            State::Closed => None,
            State::Waiting | State::Open(_) => self.given.rest(whole),
        }
    }

    /// Gives out the rest of the text, as [`Flow::rest`] found it.
    pub(super) fn finish(&mut self, rest: &str, sink: &mut impl FnMut(Event<'_>)) {
        let Some(part) = self.part() else { return };
        // The rest holds both halves.
        self.halves = Halves::default();
        self.given.push(rest);
        sink(Event::Delta { part, text: Escaped::trusted(rest) });
    }

    /// Ends the text.
    pub(super) fn close(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(part) = self.part() {
            self.flush(sink);
            self.state = State::Closed;
            sink(Event::Close { part });
        }
    }

    /// Gives out what stands for half of a character whose other half never came.
    pub(super) fn flush(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if let (Some(part), Some(half)) = (self.part(), self.halves.end()) {
            self.given.push(half);
            sink(Event::Delta { part, text: Escaped::trusted(half) });
        }
    }
}
