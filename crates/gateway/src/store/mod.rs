//! Where state lives: the one module that knows SQL. Each aggregate is one file with its types and
//! its statements; the rest of quire sees values and never a row. SQLite is the only engine today,
//! and nothing in the public types says so, so a second one can stand beside it.
//!
//! Start with [`Store::open`], then [`Keys`] and [`Logs`] for questions, [`KeyRing`] and [`Recorder`]
//! for what the running gateway does.

mod exchange;
mod id;
mod key_ring;
mod keys;
mod logs;
mod recorder;
mod schema;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};

pub use exchange::{Attempt, Exchange, NoteCount, Outcome, Text, Timings, Usage};
pub use id::new_id;
pub use key_ring::{Caller, KeyRing};
pub use keys::{Key, KeyError, Keys, NewKey};
pub use logs::{Filter, Logged, Logs, Totals};
pub use recorder::{Limits, Recorder, Summary, Writer};

use crate::private_file;

/// How long a statement waits for another process that holds the database.
const BUSY: Duration = Duration::from_secs(5);
/// Readers are the command line, the dashboard and the key ring: few, and never on a request's path.
const READERS: u32 = 2;
/// Each connection may keep this much of the file in memory, in KiB.
const PAGE_CACHE_KIB: u32 = 1024;

/// The database of this installation. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    /// One connection: SQLite has one writer at a time, and waiting for it here is cheaper than there.
    writer: SqlitePool,
    reader: SqlitePool,
}

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    File(#[from] private_file::Error),
    #[error(
        "`{}` is not a database that quire can read; move it away and quire starts with an empty \
         one, which has no client keys",
        .0.display()
    )]
    NotADatabase(PathBuf),
    #[error(
        "`{}` was written by a newer quire (schema {found}, this one knows {known}); install that \
         one, or set `QUIRE_HOME` to another folder",
        path.display()
    )]
    Newer { path: PathBuf, found: usize, known: usize },
    #[error("the database failed to {doing}: {source}")]
    Failed { doing: &'static str, source: sqlx::Error },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Store {
    /// Opens the database, made on first use with its folder, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            private_file::create_dir(folder)?;
        }
        private_file::ensure(path)?;
        // SQLite gives files that it makes beside the database the mode of the database.
        for beside in ["-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(beside);
            private_file::narrow_if_present(Path::new(&name))?;
        }

        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            // A crash of the machine may take the last moments of the request log, never the
            // database. What must not be lost calls `make_durable`.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .pragma("cache_size", format!("-{PAGE_CACHE_KIB}"))
            .pragma("journal_size_limit", "4194304")
            .thread_name(|id| format!("quire-db-{id}"));
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .acquire_timeout(2 * BUSY)
                .connect_lazy_with(options.clone())
        };
        let store = Self { writer: pool(1), reader: pool(READERS) };
        schema::migrate(&store.writer, path).await?;
        Ok(store)
    }

    /// The client keys.
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(self)
    }

    /// The request log, for reading.
    pub fn logs(&self) -> Logs<'_> {
        Logs::new(self)
    }

    /// Closes the connections and folds the journal into the database file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Puts on the disk what was committed so far.
    async fn make_durable(&self) -> Result<()> {
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&self.writer)
            .await
            .map(drop)
            .map_err(failed("put on the disk what was written"))
    }
}

/// Names what the database was asked to do when it failed.
fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| Error::Failed { doing, source }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
