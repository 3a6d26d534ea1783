//! The schema, as a list of steps. A step that was released is never edited: a change is a new file
//! at the end of the list.

use std::path::Path;

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Error, Result, failed};

const STEPS: &[&str] = &[include_str!("../../migrations/sqlite/0001_keys_and_exchanges.sql")];

/// SQLite's code for a file that is something else.
const NOTADB: &str = "26";

/// Takes the steps that the database has not seen yet, all or none. Two processes that start at once
/// take them once: the second waits for the first one's transaction.
pub(super) async fn migrate(writer: &SqlitePool, path: &Path) -> Result<()> {
    let failed = |source: sqlx::Error| match source.as_database_error().and_then(|e| e.code()) {
        Some(code) if code == NOTADB => Error::NotADatabase(path.to_owned()),
        _ => failed("bring its schema up to date")(source),
    };
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let version = sqlx::query("PRAGMA user_version").fetch_one(&mut *transaction).await;
    let version: i64 = version.map_err(failed)?.get(0);
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(to_do) = STEPS.get(done..) else {
        return Err(Error::Newer { path: path.to_owned(), found: done, known: STEPS.len() });
    };
    for step in to_do {
        sqlx::raw_sql(*step).execute(&mut *transaction).await.map_err(failed)?;
    }
    if !to_do.is_empty() {
        // A pragma takes no parameters.
        let set_version = AssertSqlSafe(format!("PRAGMA user_version = {}", STEPS.len()));
        sqlx::query(set_version).execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}
