//! The items of an answer as they are told: in pieces, when they are done, and in the final output.
//! Each has a slot, which knows what of it was given out.
//!
//! An item is known by its id, else by its place: there are servers that change the ids between
//! events, number everything 0, or give neither.

use super::decode::Place;
use super::flow::{Flow, Numbers};
use super::piece::{
    BETWEEN, Call, Text, Thought, found, part_at, searches, sought, text_of, thoughts, whole_part,
};
use crate::json::{Escaped, Kind as Json, Value};
use crate::partial::Progress;
use crate::turn::{Event, Form, Opening};

/// The items of one answer.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    pub(super) numbers: Numbers,
    call_stem: String,
    searches: u64,
}

#[derive(Debug)]
struct Slot {
    index: u64,
    /// What the server called it, escaped.
    id: String,
    kind: Kind,
    /// Nothing more will be told of it.
    done: bool,
    /// It was broken off, which the end explains.
    broken: bool,
    /// The final output has repeated it.
    repeated: bool,
}

#[derive(Debug)]
enum Kind {
    Message(Vec<Text>),
    Reasoning(Thought),
    Call(Call),
    Search(Flow),
}

impl Kind {
    /// What an item of this type becomes; nothing for what is never asked for.
    fn of(kind: &str, item: Value<'_, '_>) -> Option<Self> {
        match kind {
            "message" => Some(Self::Message(Vec::new())),
            "reasoning" => Some(Self::Reasoning(Thought::default())),
            "function_call" => Some(Self::Call(Call::default())),
            "custom_tool_call" => Some(Self::Call(Call { form: Form::Input, ..Call::default() })),
            "web_search_call" => Some(Self::Search(Flow::default())),
            // Whatever it is, its words are for the reader.
            _ => {
                let speaks = |part: Value<'_, '_>| part.get("text").is_some();
                let content = item.get("content").into_iter().flat_map(Value::elements);
                content.into_iter().any(speaks).then(|| Self::Message(Vec::new()))
            }
        }
    }

    fn fits(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Slots {
    pub(super) fn new(call_stem: &str) -> Self {
        Self { call_stem: call_stem.to_owned(), ..Self::default() }
    }

    /// How often the provider searched.
    pub(super) fn searches(&self) -> u64 {
        self.searches
    }

    /// Whether the model called a tool.
    pub(super) fn has_calls(&self) -> bool {
        self.slots
            .iter()
            .any(|slot| matches!(&slot.kind, Kind::Call(call) if !call.flow.is_waiting()))
    }

    /// Whether there is a call without a name.
    pub(super) fn has_nameless_call(&self) -> bool {
        self.slots.iter().any(|slot| match &slot.kind {
            Kind::Call(call) => call.name.is_empty() && (slot.done || !call.waiting.is_empty()),
            _ => false,
        })
    }

    /// Takes more of a message.
    pub(super) fn text(
        &mut self,
        place: Place<'_, '_>,
        refusal: bool,
        text: Escaped<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        if text.is_empty() {
            return;
        }
        let at = self.place(place, Kind::Message(Vec::new()));
        let Self { slots, numbers, .. } = self;
        let Kind::Message(parts) = &mut slots[at].kind else { return };
        let part = part_at(parts, place.part_index.unwrap_or(0), refusal, sink);
        part.open(numbers, sink);
        part.flow.push(text.escaped(), numbers, sink);
    }

    /// Takes the whole text of a message's part.
    pub(super) fn whole_text(
        &mut self,
        place: Place<'_, '_>,
        refusal: bool,
        text: Escaped<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let at = self.place(place, Kind::Message(Vec::new()));
        let Self { slots, numbers, .. } = self;
        let Kind::Message(parts) = &mut slots[at].kind else { return };
        let part = part_at(parts, place.part_index.unwrap_or(0), refusal, sink);
        part.whole(text.escaped(), numbers, sink);
    }

    /// Takes a whole part of a message.
    pub(super) fn part(
        &mut self,
        place: Place<'_, '_>,
        value: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind.is("reasoning_text") || kind.is("summary_text") {
            // The item repeats it.
            return;
        }
        let at = self.place(place, Kind::Message(Vec::new()));
        let Self { slots, numbers, .. } = self;
        let Kind::Message(parts) = &mut slots[at].kind else { return };
        let index = place.part_index.unwrap_or(0);
        if let Some(part) = whole_part(parts, index, value, numbers, sink) {
            part.flow.close(sink);
        }
    }

    /// Takes an annotation of a message's part.
    pub(super) fn cite(
        &mut self,
        place: Place<'_, '_>,
        annotation: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let at = self.place(place, Kind::Message(Vec::new()));
        let Kind::Message(parts) = &mut self.slots[at].kind else { return };
        let part = part_at(parts, place.part_index.unwrap_or(0), false, sink);
        // What comes before the text is repeated with it.
        if part.flow.part().is_some() {
            part.cite(annotation, sink);
        }
    }

    /// Takes more of what the model thinks.
    pub(super) fn thought(
        &mut self,
        place: Place<'_, '_>,
        summary: bool,
        text: Escaped<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        if text.is_empty() {
            return;
        }
        let at = self.place(place, Kind::Reasoning(Thought::default()));
        let Self { slots, numbers, .. } = self;
        let Kind::Reasoning(thought) = &mut slots[at].kind else { return };
        // A server that shows both forms means the same by each.
        if *thought.summary.get_or_insert(summary) != summary {
            return;
        }
        let index = place.part_index.unwrap_or(0);
        if thought.flow.is_waiting() {
            thought.flow.open(Opening::Reasoning, numbers, sink);
        } else if thought.index != index {
            thought.flow.flush(sink);
            thought.flow.push(BETWEEN, numbers, sink);
        }
        thought.index = index;
        thought.flow.push(text.escaped(), numbers, sink);
    }

    /// Takes more of what a tool is called with.
    pub(super) fn call(
        &mut self,
        place: Place<'_, '_>,
        text: Escaped<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let at = self.place(place, Kind::Call(Call::default()));
        let Self { slots, numbers, .. } = self;
        let Kind::Call(call) = &mut slots[at].kind else { return };
        call.progress.push(text.escaped());
        if call.flow.is_waiting() {
            call.waiting.push_str(text.escaped());
        } else if !text.is_empty() {
            call.flow.push(text.escaped(), numbers, sink);
        }
    }

    /// Takes all that a tool is called with.
    pub(super) fn whole_call(
        &mut self,
        place: Place<'_, '_>,
        text: Escaped<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let at = self.place(place, Kind::Call(Call::default()));
        let Self { slots, numbers, .. } = self;
        let Kind::Call(call) = &mut slots[at].kind else { return };
        call.whole(text.escaped(), numbers, sink);
        // Whatever it is, it is all.
        call.progress = Progress::default();
    }

    /// Takes an item that begins. What it holds already is repeated when it is done.
    pub(super) fn added(
        &mut self,
        place: Place<'_, '_>,
        item: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let Some((place, kind)) = known(place, item) else { return };
        let at = match self.find(place, &kind).filter(|&at| !self.slots[at].done) {
            Some(at) => at,
            None => self.insert(place, kind),
        };
        match &self.slots[at].kind {
            Kind::Call(_) => self.name(at, item, sink),
            Kind::Search(_) => self.search(at, sink),
            Kind::Message(_) | Kind::Reasoning(_) => {}
        }
    }

    /// Takes an item that is done.
    pub(super) fn done(
        &mut self,
        place: Place<'_, '_>,
        item: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let Some((place, kind)) = known(place, item) else { return };
        let found = self.find(place, &kind).filter(|&at| {
            let slot = &self.slots[at];
            !slot.done || is_named(slot, place) || slot.kind.is(item)
        });
        let at = found.unwrap_or_else(|| self.insert(place, kind));
        self.finish(at, item, sink);
    }

    /// Takes an item of the final output, which repeats what was told, or tells it first.
    pub(super) fn repeated(
        &mut self,
        position: u64,
        item: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let place = Place { output_index: Some(position), ..Place::default() };
        let Some((place, kind)) = known(place, item) else { return };
        let call_id = item.get("call_id").and_then(Value::as_str).unwrap_or_default();
        let is_call = |slot: &Slot| match &slot.kind {
            Kind::Call(call) => !call_id.is_empty() && call.id == call_id.escaped(),
            _ => false,
        };
        let open = |slot: &&Slot| !slot.repeated && slot.kind.fits(&kind);
        let among = |fits: &dyn Fn(&Slot) -> bool| {
            self.slots.iter().position(|slot| open(&slot) && fits(slot))
        };
        let found = among(&|slot| is_named(slot, place))
            .or_else(|| among(&is_call))
            .or_else(|| among(&|slot| slot.index == position))
            .or_else(|| among(&|slot| slot.kind.is(item)));
        let at = found.unwrap_or_else(|| self.insert(place, kind));
        self.slots[at].repeated = true;
        self.finish(at, item, sink);
    }

    /// Gives out what an item adds to what was told of it, and ends it.
    fn finish(&mut self, at: usize, item: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        self.slots[at].done = true;
        let status = item.get("status").and_then(Value::as_str).unwrap_or_default();
        // A search that failed is over all the same.
        let over = status.is("failed") && matches!(self.slots[at].kind, Kind::Search(_));
        let whole = over || !(status.is("incomplete") || status.is("failed"));
        self.slots[at].broken = !whole;
        match self.slots[at].kind {
            Kind::Call(_) => self.name(at, item, sink),
            Kind::Search(_) => {
                self.search(at, sink);
                if whole && !over && self.slots[at].kind.is_open() && searches(item) {
                    self.searches += 1;
                }
            }
            Kind::Message(_) | Kind::Reasoning(_) => {}
        }
        let Self { slots, numbers, .. } = self;
        let kind = &mut slots[at].kind;
        match kind {
            Kind::Message(parts) => {
                let content = item.get("content").into_iter().flat_map(Value::elements);
                for (index, part) in content.enumerate() {
                    whole_part(parts, index as u64, part, numbers, sink);
                }
            }
            Kind::Reasoning(thought) => thought.whole(item, numbers, sink),
            Kind::Call(call) => {
                let (member, payload) = match call.form {
                    Form::Arguments => ("arguments", item.get("arguments")),
                    Form::Input => ("input", item.get("input")),
                };
                match payload.and_then(Value::non_null) {
                    // Some servers send the object itself.
                    Some(object) if member == "arguments" && object.kind() == Json::Object => {
                        let text = Escaped::plain(object.raw());
                        call.whole(text.escaped(), numbers, sink);
                    }
                    Some(text) => {
                        let text = text.as_str().unwrap_or_default();
                        call.whole(text.escaped(), numbers, sink);
                    }
                    None => {}
                }
            }
            Kind::Search(flow) => found(flow, item, sink),
        }
        if whole {
            kind.close(sink);
        }
    }

    /// Ends what is still open. What was cut short stays open.
    pub(super) fn close_all(&mut self, whole: bool, sink: &mut impl FnMut(Event<'_>)) {
        for slot in &mut self.slots {
            slot.kind.flush(sink);
            let cut = match &slot.kind {
                Kind::Call(call) => !slot.done && call.is_broken(),
                _ => false,
            };
            if whole && !slot.broken && !cut {
                slot.kind.close(sink);
            }
        }
    }

    /// The slot that an event is about; a new one where nothing announced it.
    fn place(&mut self, place: Place<'_, '_>, kind: Kind) -> usize {
        let fits = |slot: &Slot| slot.kind.fits(&kind);
        let named = |slot: &Slot| is_named(slot, place);
        // Nearly always it is the newest.
        if let Some(at) = self.slots.iter().rposition(|slot| named(slot) && fits(slot)) {
            return at;
        }
        let here = |slot: &Slot| match place.output_index {
            Some(index) => slot.index == index,
            None => place.id().is_empty(),
        };
        match self.slots.iter().rposition(|slot| !slot.done && here(slot) && fits(slot)) {
            Some(at) => at,
            None => self.insert(place, kind),
        }
    }

    /// The slot of an item: by its id, else by its place.
    fn find(&self, place: Place<'_, '_>, kind: &Kind) -> Option<usize> {
        let newest = |is: &dyn Fn(&Slot) -> bool| {
            self.slots.iter().rposition(|slot| is(slot) && slot.kind.fits(kind))
        };
        newest(&|slot| is_named(slot, place)).or_else(|| match place.output_index {
            Some(index) => newest(&|slot| slot.index == index && !slot.done)
                .or_else(|| newest(&|slot| slot.index == index)),
            None if place.id().is_empty() => newest(&|slot| !slot.done),
            None => None,
        })
    }

    fn insert(&mut self, place: Place<'_, '_>, kind: Kind) -> usize {
        self.slots.push(Slot {
            index: place.output_index.unwrap_or(self.slots.len() as u64),
            id: place.id().escaped().to_owned(),
            kind,
            done: false,
            broken: false,
            repeated: false,
        });
        self.slots.len() - 1
    }

    /// Learns a call's id and name, and opens it once its name is known.
    fn name(&mut self, at: usize, item: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let Kind::Call(call) = &mut self.slots[at].kind else { return };
        let custom = text_of(item, "type").is("custom_tool_call");
        if call.flow.is_waiting() {
            call.form = if custom { Form::Input } else { Form::Arguments };
        }
        if call.id.is_empty() {
            text_of(item, "call_id").escaped().clone_into(&mut call.id);
        }
        if call.name.is_empty() {
            text_of(item, "name").escaped().clone_into(&mut call.name);
        }
        if call.name.is_empty() || !call.flow.is_waiting() {
            return;
        }
        let id = self.told_id(at);
        let Self { slots, numbers, .. } = self;
        let Kind::Call(call) = &mut slots[at].kind else { return };
        let opening = Opening::Call {
            id: Escaped::trusted(id),
            name: Escaped::trusted(call.name.as_str()),
            form: call.form,
        };
        call.flow.open(opening, numbers, sink);
        let waiting = std::mem::take(&mut call.waiting);
        // It came in several events, each of which may have held halves.
        call.flow.mend(&waiting, sink);
    }

    /// The id that the client is told: ids must tell the calls of a conversation apart.
    fn told_id(&self, at: usize) -> String {
        let Kind::Call(call) = &self.slots[at].kind else { return String::new() };
        let repeats = self.slots.iter().enumerate().any(|(other, slot)| match &slot.kind {
            Kind::Call(told) => other != at && told.id == call.id && !told.flow.is_waiting(),
            _ => false,
        });
        if call.id.is_empty() || repeats {
            format!("{}{at}", self.call_stem)
        } else {
            call.id.clone()
        }
    }

    /// Tells that the provider searches.
    fn search(&mut self, at: usize, sink: &mut impl FnMut(Event<'_>)) {
        let Self { slots, numbers, call_stem, .. } = self;
        let Slot { kind: Kind::Search(flow), id, .. } = &mut slots[at] else { return };
        let id = match id.as_str() {
            "" => format!("{call_stem}{at}"),
            id => id.to_owned(),
        };
        flow.open(Opening::Search { id: Escaped::trusted(id) }, numbers, sink);
    }
}

impl<'a> Place<'_, 'a> {
    fn id(self) -> Escaped<'a> {
        self.item_id.and_then(Value::as_str).unwrap_or_default()
    }
}

/// Whether the slot is the item that this place names.
fn is_named(slot: &Slot, place: Place<'_, '_>) -> bool {
    !slot.id.is_empty() && slot.id == place.id().escaped()
}

/// Where an item stands and what it becomes, if it is of a kind that becomes something.
fn known<'t, 'a>(place: Place<'t, 'a>, item: Value<'t, 'a>) -> Option<(Place<'t, 'a>, Kind)> {
    let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
    let kind = Kind::of(&kind.text(), item)?;
    Some((Place { item_id: item.get("id").or(place.item_id), ..place }, kind))
}

impl Kind {
    /// Whether this is what was told of `item`, by its text.
    fn is(&self, item: Value<'_, '_>) -> bool {
        match self {
            Self::Message(parts) => {
                let mut content = item.get("content").into_iter().flat_map(Value::elements);
                let same = |part: &Text, value: Value<'_, '_>| {
                    let whole = text_of(value, if part.refusal { "refusal" } else { "text" });
                    part.flow.given().is(whole.escaped())
                };
                parts.iter().all(|part| content.next().is_some_and(|value| same(part, value)))
                    && content.next().is_none()
            }
            Self::Reasoning(thought) => {
                let told = |summary| thought.flow.given().is(&thoughts(item, summary));
                thought.summary.map_or_else(|| told(true) || told(false), told)
            }
            Self::Call(call) => {
                let member = if call.form == Form::Input { "input" } else { "arguments" };
                text_of(item, "name").escaped() == call.name
                    && call.flow.given().is(text_of(item, member).escaped())
            }
            Self::Search(flow) => flow.given().is(sought(item).escaped()),
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Message(parts) => parts.iter().any(|part| part.flow.part().is_some()),
            Self::Reasoning(Thought { flow, .. })
            | Self::Call(Call { flow, .. })
            | Self::Search(flow) => flow.part().is_some(),
        }
    }

    fn flush(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        match self {
            Self::Message(parts) => parts.iter_mut().for_each(|part| part.flow.flush(sink)),
            Self::Reasoning(Thought { flow, .. })
            | Self::Call(Call { flow, .. })
            | Self::Search(flow) => flow.flush(sink),
        }
    }

    fn close(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        match self {
            Self::Message(parts) => parts.iter_mut().for_each(|part| part.flow.close(sink)),
            Self::Reasoning(Thought { flow, .. })
            | Self::Call(Call { flow, .. })
            | Self::Search(flow) => flow.close(sink),
        }
    }
}
