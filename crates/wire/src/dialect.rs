//! The three dialects by name, and their machines behind one door each: whoever moves a request or
//! an answer knows which dialect it is in, and nothing more.

use crate::answer::{Ending, Head, Setting};
use crate::fault::{ErrorAnswer, Fault, Reader};
use crate::json::Value;
use crate::note::Notes;
use crate::sse::Frame;
use crate::target::{Rendered, Target};
use crate::turn::{End, Event, Turn, Usage, Vault};
use crate::{chat, messages, responses};
use std::sync::Arc;

/// What a client or a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Anthropic Messages.
    Messages,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Responses, Self::Messages];

    /// The name in configurations, records and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
        }
    }

    /// Reads a client's request.
    ///
    /// # Errors
    /// A known member has a wrong type, or one that cannot be ignored has no counterpart; the fault
    /// names it.
    pub fn parse<'a>(self, body: Value<'_, 'a>, notes: &mut Notes) -> Result<Turn<'a>, Fault> {
        match self {
            Self::Chat => chat::parse(body, notes),
            Self::Responses => responses::parse(body, notes),
            Self::Messages => messages::parse(body, notes),
        }
    }

    /// Writes a request for an upstream into `out`, which should have room for it.
    ///
    /// # Errors
    /// The turn demands what the target cannot do and what must not be left out.
    pub fn render(
        self,
        turn: &Turn<'_>,
        target: &Target,
        vault: &dyn Vault,
        out: String,
        notes: &mut Notes,
    ) -> Result<Rendered, Fault> {
        match self {
            Self::Chat => chat::render(turn, target, vault, out, notes),
            Self::Responses => responses::render(turn, target, vault, out, notes),
            Self::Messages => messages::render(turn, target, vault, out, notes),
        }
    }

    /// Writes what opens a client's stream; nothing if it is open.
    pub fn begin(self, head: &Head, out: &mut String) {
        match self {
            Self::Chat => chat::encode::begin(head, out),
            Self::Responses => responses::encode::begin(head, out),
            Self::Messages => messages::encode::begin(head, out),
        }
    }

    /// Writes what changes nothing in an open stream and resets the client's idle timer.
    pub fn keep_alive(self, head: &Head, out: &mut String) {
        match self {
            Self::Chat => chat::encode::keep_alive(head, out),
            Self::Responses => responses::encode::keep_alive(head, out),
            Self::Messages => messages::encode::keep_alive(head, out),
        }
    }

    /// The error answer for a fault that came before anything was generated.
    pub fn error(self, fault: &Fault, reader: Reader, request_id: &str) -> ErrorAnswer {
        match self {
            // Both are OpenAI's.
            Self::Chat | Self::Responses => responses::fault::answer(fault, reader),
            Self::Messages => messages::fault::answer(fault, request_id),
        }
    }
}

/// The reader of one upstream's answer.
#[derive(Debug)]
pub enum Decoder {
    Chat(Box<chat::Decoder>),
    Responses(Box<responses::Decoder>),
    Messages(Box<messages::Decoder>),
}

macro_rules! each {
    ($of:ident, $self:ident, $one:ident => $do:expr) => {
        match $self {
            $of::Chat($one) => $do,
            $of::Responses($one) => $do,
            $of::Messages($one) => $do,
        }
    };
}

impl Decoder {
    /// A reader for answers of `target` in `dialect`. Calls without an id get one that starts with
    /// `call_stem`, which must be unique among all answers of a conversation.
    pub fn new(dialect: Dialect, target: &Target, call_stem: &str) -> Self {
        match dialect {
            Dialect::Chat => Self::Chat(Box::new(chat::Decoder::new(target, call_stem))),
            Dialect::Responses => {
                Self::Responses(Box::new(responses::Decoder::new(target, call_stem)))
            }
            Dialect::Messages => {
                Self::Messages(Box::new(messages::Decoder::new(target, call_stem)))
            }
        }
    }

    /// Takes one frame of a stream.
    pub fn push(&mut self, frame: Frame<'_>, sink: &mut impl FnMut(Event<'_>)) {
        each!(Self, self, one => one.push(frame, sink));
    }

    /// Takes a whole answer.
    pub fn answer(&mut self, body: &str, sink: &mut impl FnMut(Event<'_>)) {
        each!(Self, self, one => one.answer(body, sink));
    }

    /// Ends the answer, if it has not ended by itself.
    pub fn end(&mut self, how: Ending, sink: &mut impl FnMut(Event<'_>)) {
        each!(Self, self, one => one.end(how, sink));
    }

    /// Whether the end has been given out; nothing follows it.
    pub fn is_ended(&self) -> bool {
        each!(Self, self, one => one.is_ended())
    }
}

/// The writer of one client's answer.
#[derive(Debug)]
pub enum Encoder<V> {
    Chat(Box<chat::Encoder<V>>),
    Responses(Box<responses::Encoder<V>>),
    Messages(Box<messages::Encoder<V>>),
}

impl<V: Vault> Encoder<V> {
    /// A writer for one answer in `dialect`; `notes` are those of the request.
    pub fn new(
        dialect: Dialect,
        head: Arc<Head>,
        setting: Setting,
        vault: V,
        notes: Notes,
    ) -> Self {
        match dialect {
            Dialect::Chat => Self::Chat(Box::new(chat::Encoder::new(head, setting, vault, notes))),
            Dialect::Responses => {
                Self::Responses(Box::new(responses::Encoder::new(head, setting, vault, notes)))
            }
            Dialect::Messages => {
                Self::Messages(Box::new(messages::Encoder::new(head, setting, vault, notes)))
            }
        }
    }

    /// Takes one event and appends what it makes. `now` is Unix time in seconds.
    pub fn push(&mut self, event: Event<'_>, now: u64, out: &mut String) {
        each!(Self, self, one => one.push(event, now, out));
    }

    /// How the answer ended for the client: an answer that its model believes to be finished can be
    /// of no use.
    pub fn ended(&self) -> Option<&End> {
        each!(Self, self, one => one.ended())
    }

    /// What the answer cost, as far as it is known.
    pub fn usage(&self) -> Option<Usage> {
        each!(Self, self, one => one.usage())
    }

    /// The notes so far.
    pub fn notes(&self) -> &Notes {
        each!(Self, self, one => one.notes())
    }

    /// The whole answer as one object, once it has ended, if the setting asked for it.
    pub fn take_object(&mut self) -> String {
        each!(Self, self, one => one.take_object())
    }
}
