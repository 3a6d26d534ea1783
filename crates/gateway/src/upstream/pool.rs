//! Connections that wait for their next request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::origin::Origin;

/// How many connections wait for each origin, and how long; servers close sooner than this.
const MAX_WAITING: usize = 64;
const MAX_WAIT: Duration = Duration::from_secs(50);

/// Connections of one origin, the longest wait first.
type Waiting = Vec<(Instant, Connection)>;

thread_local! {
    /// The waiting connections of this thread. They stay where their runtime is, so nothing is
    /// locked and nobody else is woken.
    static WAITING: RefCell<HashMap<Origin, Waiting>> = RefCell::default();
}

/// The connection of this thread that waits for the shortest time, if one is still good.
pub(super) fn take(origin: &Origin) -> Option<Connection> {
    WAITING.with_borrow_mut(|waiting| {
        let list = waiting.get_mut(origin)?;
        while let Some((since, mut connection)) = list.pop() {
            if since.elapsed() > MAX_WAIT {
                // Those below have waited even longer.
                list.clear();
                return None;
            }
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    })
}

/// Keeps a connection whose answer is whole.
pub(super) fn keep(origin: Origin, mut connection: Connection) {
    if !connection.is_answering() && !connection.is_ready() {
        return;
    }
    // While the thread ends there is nobody to keep it for.
    let _ = WAITING.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let list = waiting.entry(origin).or_default();
        list.retain(|(since, _)| since.elapsed() <= MAX_WAIT);
        if list.len() < MAX_WAITING {
            list.push((Instant::now(), connection));
        }
    });
}
