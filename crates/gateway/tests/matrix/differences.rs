//! What a client rightly hears otherwise, or an upstream is rightly told otherwise, because one of
//! the two dialects has no place for it. Everything that is not in these two tables must come
//! through as it was; a row that no scene needs fails the test too.

use testkit::Dialect;

use crate::scene::{Answer, Finish, Scene};
use crate::sent::Atom;

/// The way of one conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'s> {
    pub(crate) client: Dialect,
    pub(crate) upstream: Dialect,
    pub(crate) scene: &'s Scene,
    pub(crate) stream: bool,
}

impl Way<'_> {
    pub(crate) fn is_passed(&self) -> bool {
        self.client == self.upstream
    }
}

/// One difference: when it holds, why it must, and what becomes of the thing.
#[derive(Debug)]
pub(crate) struct Difference<T> {
    #[expect(dead_code, reason = "it is for the reader")]
    why: &'static str,
    holds: fn(&Way<'_>) -> bool,
    change: fn(&mut T),
}

use Dialect::{Chat, Messages, Responses};

pub(crate) const HEARD: &[Difference<Answer>] = &[
    Difference {
        why: "Chat servers do not count what they wrote to a cache",
        holds: |way| way.upstream == Chat,
        change: |answer| answer.usage.written = 0,
    },
];

pub(crate) const TOLD: &[Difference<Vec<Atom>>] = &[];

/// The answer as this client must hear it.
pub(crate) fn heard(way: &Way<'_>, mut answer: Answer) -> Answer {
    HEARD.iter().filter(|row| (row.holds)(way)).for_each(|row| (row.change)(&mut answer));
    answer
}

/// The conversation as this upstream must be told it.
pub(crate) fn told(way: &Way<'_>, mut atoms: Vec<Atom>) -> Vec<Atom> {
    TOLD.iter().filter(|row| (row.holds)(way)).for_each(|row| (row.change)(&mut atoms));
    atoms
}
