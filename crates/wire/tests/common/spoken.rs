//! What a model says, made up by proptest, and the forms in which servers of Chat Completions send it.

use super::target;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::script::{CallForm, ReasoningForm, Says, Usage, UsagePlace, says};
use wire::answer::Ending;
use wire::drive::{self, Answer, Sent};
use wire::target::{Quirk, Target};

/// A text that is awkward now and then.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z \n\"\\\\{}é😀]{1,24}",
        1 => any::<String>().prop_filter("a text says something", |text| !text.is_empty()),
    ]
}

/// One thing that a model says: a call by its name and arguments.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Thinks(String),
    Says(String),
    Refuses(String),
    Calls(&'static str, String),
}

impl Piece {
    /// Says it after what `says` holds already. Ids of calls must differ.
    pub(crate) fn said(&self, says: Says, call_id: &str) -> Says {
        match self {
            Self::Thinks(text) => says.reasoning(text),
            Self::Says(text) => says.text(text),
            Self::Refuses(text) => says.refusal(text),
            Self::Calls(name, arguments) => says.call_raw(call_id, name, arguments),
        }
    }
}

/// A call of one of these functions.
pub(crate) fn calls(names: &[&'static str]) -> impl Strategy<Value = Piece> + use<> {
    let object = prop::collection::vec(("[a-z\"]{1,5}", text()), 0..3).prop_map(|members| {
        let members = members.into_iter().map(|(key, value)| (key, json!(value)));
        Value::Object(members.collect()).to_string()
    });
    (select(names.to_vec()), object).prop_map(|(name, arguments)| Piece::Calls(name, arguments))
}

/// A call of one of these tools, which take a text as it is.
pub(crate) fn inputs(names: &[&'static str]) -> impl Strategy<Value = Piece> + use<> {
    (select(names.to_vec()), text())
        .prop_map(|(name, input)| Piece::Calls(name, json!({"input": input}).to_string()))
}

/// What a model says, in any order.
pub(crate) fn mixed(call: BoxedStrategy<Piece>) -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![
        text().prop_map(Piece::Thinks),
        text().prop_map(Piece::Says),
        text().prop_map(Piece::Refuses),
        call.clone(),
        call,
    ];
    prop::collection::vec(piece, 1..6)
}

/// What a model says, in the order in which a whole answer holds it.
pub(crate) fn ordered(call: BoxedStrategy<Piece>) -> impl Strategy<Value = Vec<Piece>> {
    let thinks = prop::option::of(text().prop_map(Piece::Thinks));
    let speaks = prop::option::of(text().prop_map(Piece::Says));
    let calls = prop::collection::vec(call, 0..4);
    (thinks, speaks, calls)
        .prop_map(|(thinks, says, calls)| thinks.into_iter().chain(says).chain(calls).collect())
}

/// How a server sends it.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) reasoning: ReasoningForm,
    call: CallForm,
    usage: UsagePlace,
    interleaved: bool,
    surrogates: bool,
    ascii: bool,
    pieces: (usize, usize),
    done: bool,
}

pub(crate) fn form() -> impl Strategy<Value = Form> {
    (
        select(vec![
            ReasoningForm::ReasoningContent,
            ReasoningForm::Reasoning,
            ReasoningForm::ReasoningDetails,
            ReasoningForm::Both,
            ReasoningForm::ThinkTags,
        ]),
        select(vec![
            CallForm::Pieces,
            CallForm::Whole,
            CallForm::Repeating,
            CallForm::Blank,
            CallForm::Unindexed,
        ]),
        select(vec![UsagePlace::OwnChunk, UsagePlace::WithFinish, UsagePlace::EveryChunk]),
        any::<[bool; 4]>(),
        (0..9_usize, 0..9_usize),
    )
        .prop_map(
            |(reasoning, call, usage, [interleaved, surrogates, ascii, done], pieces)| Form {
                reasoning,
                call,
                usage,
                // Pieces without index and id say nothing of the call that they belong to.
                interleaved: interleaved && call != CallForm::Unindexed,
                surrogates,
                ascii,
                pieces,
                done,
            },
        )
}

impl Form {
    /// A target that speaks so.
    pub(crate) fn target(&self) -> Target {
        let mut target = target("careful");
        if self.reasoning == ReasoningForm::ThinkTags {
            target.quirks.push(Quirk::ThinkTags);
        }
        target
    }

    /// The pieces in this form; `stem` begins the ids of calls.
    pub(crate) fn spoken(&self, pieces: &[Piece], stem: &str) -> Says {
        let mut says = says()
            .reasoning_as(self.reasoning)
            .calls_as(self.call)
            .usage_in(self.usage)
            .usage(Usage { prompt: 1000, completion: 50, cached: 900, reasoning: 20 })
            .delta(self.pieces.0)
            .argument_pieces(self.pieces.1);
        if self.interleaved {
            says = says.interleaved();
        }
        if self.ascii {
            says = says.ascii();
        }
        if self.surrogates {
            says = says.split_surrogates();
        }
        if !self.done {
            says = says.without_done();
        }
        let numbered = pieces.iter().enumerate();
        numbered.fold(says, |says, (index, piece)| piece.said(says, &format!("{stem}{index}")))
    }
}

/// What the scripted server is asked.
pub(crate) fn request() -> Value {
    json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}})
}

pub(crate) fn streamed(bytes: &[u8], sent: &Sent, target: &Target) -> Answer {
    drive::stream([bytes], Ending::Closed, sent, target)
}

/// `bytes` in pieces.
pub(crate) fn cut(bytes: &[u8], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| bytes[pair[0]..pair[1]].to_vec()).collect()
}
