//! Calls and their results in a conversation: which belong together, and ids that tell the calls
//! apart. Strict servers want each call answered once, right after it, under an id of its own.

use crate::turn::Item;
use std::borrow::Cow;
use std::collections::HashMap;

/// What stands for a result that the history lacks.
pub(crate) const MISSING_RESULT: &str = "[no result: the call was interrupted]";

/// Where the results of each call are.
pub(crate) struct Results<'i> {
    waiting: HashMap<&'i str, Vec<usize>>,
    used: Vec<bool>,
}

impl<'i> Results<'i> {
    pub(crate) fn of(items: &'i [Item<'_>]) -> Self {
        let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
        // Backwards, so that the earliest result is taken first.
        for (index, item) in items.iter().enumerate().rev() {
            if let Item::Result { call_id, .. } = item {
                waiting.entry(call_id.escaped()).or_default().push(index);
            }
        }
        Self { waiting, used: vec![false; items.len()] }
    }

    /// Whether the result at `index` was taken.
    pub(crate) fn is_used(&self, index: usize) -> bool {
        self.used[index]
    }

    /// The index of the earliest result of this call that was not taken.
    pub(crate) fn take(&mut self, call_id: &str) -> Option<usize> {
        let index = self.waiting.get_mut(call_id)?.pop()?;
        self.used[index] = true;
        Some(index)
    }

    /// Takes the result at `index`, to which no call belongs.
    pub(crate) fn take_orphan(&mut self, call_id: &str, index: usize) {
        self.used[index] = true;
        // Every earlier one is taken already, so it is the next.
        if let Some(waiting) = self.waiting.get_mut(call_id)
            && waiting.last() == Some(&index)
        {
            waiting.pop();
        }
    }
}

/// The ids of the calls: each must be unique within the conversation. Begun empty, it names a call
/// by what came before it alone, so that the same history is written the same way however it goes on.
#[derive(Default)]
pub(crate) struct CallIds<'i> {
    /// How often each id was given out. All that the history knows are here, so that no new one is
    /// equal to one of them.
    given: HashMap<Cow<'i, str>, u32>,
}

impl<'i> CallIds<'i> {
    pub(crate) fn of(items: &'i [Item<'_>]) -> Self {
        let ids = items.iter().filter_map(|item| match item {
            Item::Call(call) => Some((Cow::Borrowed(call.id.escaped()), 0)),
            _ => None,
        });
        Self { given: ids.collect() }
    }

    /// The id for the next call that has this one, and whether it is another.
    pub(crate) fn next(&mut self, id: &'i str) -> (String, bool) {
        let count = self.given.entry(Cow::Borrowed(id)).or_default();
        *count += 1;
        if *count == 1 && !id.is_empty() {
            return (id.to_owned(), false);
        }
        loop {
            let count = self.given.entry(Cow::Borrowed(id)).or_default();
            let fresh = match id {
                "" => format!("call_{count}"),
                id => format!("{id}_{count}"),
            };
            *count += 1;
            if !self.given.contains_key(fresh.as_str()) {
                self.given.insert(Cow::Owned(fresh.clone()), 1);
                return (fresh, true);
            }
        }
    }
}
