//! Legal sequences of events, as decoders give them: what a model said, the events that say it, and
//! the same broken off. Writers of every dialect are held against them.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use wire::fault::{Fault, Kind};
use wire::json::Escaped;
use wire::names::Names;
use wire::turn::{
    Citation, End, Event, Finish, Form, Opaque, Opening, Source, Tool, ToolKind, ToolName, Usage,
};

/// One thing that a model says or does.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Says { text: String, cites: Vec<(String, Option<(u64, u64)>)> },
    Refuses(String),
    Thinks { text: String, opaque: Option<Opaque<'static>> },
    Calls { id: String, wire: &'static str, form: Form, payload: String },
    Searches { words: String, found: Vec<String> },
}

/// An answer: its pieces in the order in which they begin, and its events.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) events: Vec<Event<'static>>,
    pub(crate) usage: Option<Usage>,
}

/// The names of the tools that a script may call: a function, one with a name that no server takes,
/// and a custom tool.
pub(crate) fn names() -> Names {
    let function = || ToolKind::Function { parameters: None, strict: None };
    let custom = ToolKind::Custom { grammar: None };
    let mut names = Names::default();
    for (name, kind) in
        [("exec_command", function()), ("größe.messen", function()), ("apply_patch", custom)]
    {
        let name = ToolName { namespace: None, name: Escaped::plain(name) };
        names.declare(&Tool { name, description: None, kind });
    }
    names
}

/// How the client knows the tool of this wire name, and whether it takes free text.
pub(crate) fn declared(wire: &str) -> (&str, bool) {
    match wire {
        "gr__e_messen" => ("größe.messen", false),
        "apply_patch" => (wire, true),
        _ => (wire, false),
    }
}

/// What a call is called with, as its client should see it.
pub(crate) fn payload(wire: &str, form: Form, payload: &str) -> String {
    match (declared(wire).1, form) {
        (true, Form::Arguments) => {
            let wrapped: Value = serde_json::from_str(payload).expect("it is made here");
            wrapped["input"].as_str().expect("it is made here").to_owned()
        }
        (false, _) if payload.trim().is_empty() => format!("{payload}{{}}"),
        _ => payload.to_owned(),
    }
}

/// A whole answer that ends well.
pub(crate) fn finished() -> impl Strategy<Value = Script> {
    let groups = prop::collection::vec(group(), 0..5);
    let last = select(vec![
        Finish::Stop,
        Finish::Calls,
        Finish::Sequence("END".to_owned()),
        Finish::Other("done".to_owned()),
        Finish::Length,
        Finish::Filtered,
    ]);
    (groups, usage(), last).prop_map(|(groups, usage, last)| {
        let mut script = Script { pieces: Vec::new(), events: Vec::new(), usage };
        for group in groups {
            group.play(&mut script);
        }
        script.events.extend(usage.map(Event::Usage));
        script.events.push(Event::End(End::Finished(last)));
        script
    })
}

/// An answer that breaks off anywhere: with a failure, or because a limit was reached.
pub(crate) fn cut() -> impl Strategy<Value = Script> {
    (finished(), any::<Index>(), any::<bool>()).prop_map(|(mut script, at, fails)| {
        script.events.truncate(at.index(script.events.len()));
        script.events.push(Event::End(match fails {
            true => End::Failed(Fault::new(Kind::Cut, "the upstream \"hung up\"")),
            false => End::Finished(Finish::Length),
        }));
        script
    })
}

/// A text that is awkward now and then.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z \n\"\\\\{}é😀]{1,24}", 1 => any::<String>()]
}

fn usage() -> impl Strategy<Value = Option<Usage>> {
    let counts = [0..1_000_000_u64, 0..1000, 0..1000, 0..1000, 0..1000];
    prop::option::of(counts.prop_map(|[more, cached, cache_written, written, reasoning]| Usage {
        input: more + cached + cache_written,
        cached,
        cache_written,
        output: written + reasoning,
        reasoning,
        searches: 0,
    }))
}

fn opaque() -> impl Strategy<Value = Opaque<'static>> {
    (text(), 0..3).prop_map(|(data, kind)| {
        let data = Escaped::plain(&data).into_owned();
        match kind {
            0 => Opaque::Signature(data),
            1 => Opaque::Redacted(data),
            _ => Opaque::Encrypted(data),
        }
    })
}

/// Pieces that are open at the same time, and where each is cut and comes to speak.
#[derive(Clone, Debug)]
struct Group {
    pieces: Vec<Piece>,
    cuts: Vec<Index>,
    turns: Vec<Index>,
}

fn group() -> impl Strategy<Value = Group> {
    let span = prop::option::of((0..9_u64, 0..9_u64).prop_map(|(from, long)| (from, from + long)));
    let cites = prop::collection::vec((text(), span), 0..3);
    let alone = prop_oneof![
        2 => (text(), cites).prop_map(|(text, cites)| Piece::Says { text, cites }),
        1 => text().prop_map(Piece::Refuses),
        2 => (text(), prop::option::of(opaque()))
            .prop_map(|(text, opaque)| Piece::Thinks { text, opaque }),
        1 => (text(), prop::collection::vec(text(), 0..3))
            .prop_map(|(words, found)| Piece::Searches { words, found }),
    ];
    // Only calls are open side by side.
    let pieces = prop_oneof![
        3 => alone.prop_map(|piece| vec![piece]),
        2 => prop::collection::vec(call(), 1..4),
    ];
    let indices = || prop::collection::vec(any::<Index>(), 0..6);
    (pieces, indices(), indices()).prop_map(|(pieces, cuts, turns)| Group { pieces, cuts, turns })
}

fn call() -> impl Strategy<Value = Piece> {
    let object = prop::collection::vec(("[a-z\"]{1,5}", text()), 0..3).prop_map(|members| {
        let members = members.into_iter().map(|(key, value)| (key, json!(value)));
        Value::Object(members.collect()).to_string()
    });
    let arguments = prop_oneof![4 => object, 1 => Just(String::new()), 1 => Just(" \n".to_owned())];
    let function = (select(vec!["exec_command", "gr__e_messen", "undeclared"]), arguments)
        .prop_map(|(wire, payload)| (wire, Form::Arguments, payload));
    let custom = (text(), any::<bool>()).prop_map(|(input, wrapped)| match wrapped {
        true => ("apply_patch", Form::Arguments, json!({"input": input}).to_string()),
        false => ("apply_patch", Form::Input, input),
    });
    // The ids are given when the place of the call is known.
    prop_oneof![2 => function, 1 => custom].prop_map(|(wire, form, payload)| Piece::Calls {
        id: String::new(),
        wire,
        form,
        payload,
    })
}

impl Group {
    /// Adds the pieces and their events.
    fn play(self, script: &mut Script) {
        let Self { pieces, cuts, turns } = self;
        let mut waiting = Vec::new();
        for mut piece in pieces {
            let part = script.pieces.len() as u32;
            if let Piece::Calls { id, .. } = &mut piece {
                *id = format!("call_{part}");
            }
            let mut events = events(part, &piece, &cuts);
            events.reverse();
            waiting.push(events);
            script.pieces.push(piece);
        }
        // Each begins before one that follows it says anything.
        script.events.extend(waiting.iter_mut().filter_map(Vec::pop));
        let mut turns = turns.iter().cycle();
        while !waiting.is_empty() {
            let at = turns.next().map_or(0, |turn| turn.index(waiting.len()));
            match waiting[at].pop() {
                Some(event) => script.events.push(event),
                None => drop(waiting.remove(at)),
            }
        }
    }
}

/// The events of one piece.
fn events(part: u32, piece: &Piece, cuts: &[Index]) -> Vec<Event<'static>> {
    let owned = |text: &str| Escaped::plain(text).into_owned();
    let (kind, text) = match piece {
        Piece::Says { text, .. } => (Opening::Text, text),
        Piece::Refuses(text) => (Opening::Refusal, text),
        Piece::Thinks { text, .. } => (Opening::Reasoning, text),
        Piece::Calls { id, wire, form, payload } => {
            (Opening::Call { id: owned(id), name: owned(wire), form: *form }, payload)
        }
        Piece::Searches { words, .. } => {
            (Opening::Search { id: owned(&format!("search_{part}")) }, words)
        }
    };
    let mut events = vec![Event::Open { part, kind }];
    let delta = |text: &str| Event::Delta { part, text: owned(text) };
    events.extend(chopped(text, cuts).into_iter().map(delta));
    match piece {
        Piece::Thinks { opaque, .. } => {
            events.extend(opaque.clone().map(|opaque| Event::Seal { part, opaque }));
        }
        Piece::Says { cites, .. } => events.extend(cites.iter().map(|(url, span)| {
            let (url, title) = (owned(url), Some(owned("Ti\"tle")));
            Event::Cite { part, citation: Citation { url, title, quote: None, span: *span } }
        })),
        Piece::Searches { found, .. } => {
            let sources = found.iter().map(|url| Source { url: owned(url), title: None }).collect();
            events.push(Event::Found { part, sources: Some(sources) });
        }
        Piece::Refuses(_) | Piece::Calls { .. } => {}
    }
    events.push(Event::Close { part });
    events
}

/// A text in pieces, some of them empty.
fn chopped<'t>(text: &'t str, cuts: &[Index]) -> Vec<&'t str> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| places[cut.index(places.len())]).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}
