//! The request log's statements: how an exchange becomes a row and a row an exchange again, and the
//! questions that the command line and the dashboard ask. Who writes it, and when, is the recorder's
//! business.

use std::sync::LazyLock;

use serde::Serialize;
use sqlx::Row as _;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use wire::fault;

use super::exchange::{Exchange, Outcome, Text, Timings, Usage};
use super::{Result, Store, failed};

/// Every column but `seq`, in the order in which [`insert`] binds them.
const COLUMNS: [&str; 31] = [
    "id",
    "started_ms",
    "client",
    "client_key",
    "session",
    "dialect_in",
    "dialect_out",
    "model_asked",
    "model_used",
    "provider",
    "stream",
    "status",
    "outcome",
    "fault_kind",
    "error_code",
    "error_message",
    "queue_us",
    "first_byte_us",
    "first_event_us",
    "total_us",
    "input_tokens",
    "cached_tokens",
    "cache_written_tokens",
    "output_tokens",
    "reasoning_tokens",
    "total_tokens",
    "notes",
    "attempts",
    "request_bytes",
    "response_bytes",
    "size",
];

/// What a row takes beside its texts: its numbers, its place in the index.
const ROW_BYTES: usize = 250;

/// Statements that insert so many rows at once, largest first. Few shapes, so that SQLite compiles
/// each once; many rows, because what costs is the way to the database's thread and back.
pub(super) static INSERTS: LazyLock<[(usize, String); 3]> = LazyLock::new(|| {
    let row = format!("({})", ["?"; COLUMNS.len()].join(", "));
    [64, 8, 1].map(|rows| {
        let values = vec![row.as_str(); rows].join(", ");
        let columns = COLUMNS.join(", ");
        // A batch that is written again after a cut finds its own rows.
        let end = "ON CONFLICT (id) DO NOTHING";
        (rows, format!("INSERT INTO exchanges ({columns}) VALUES {values} {end}"))
    })
});

/// A statement of [`INSERTS`] with as many exchanges, and about the bytes they take.
pub(super) fn insert<'q>(
    sql: &'static str,
    exchanges: &'q [Exchange],
) -> (Query<'q, Sqlite, SqliteArguments>, i64) {
    let mut statement = sqlx::query(sql);
    let mut bytes = 0;
    for exchange in exchanges {
        let Exchange {
            id,
            started_ms,
            client,
            client_key,
            session,
            dialect_in,
            dialect_out,
            model_asked,
            model_used,
            provider,
            stream,
            status,
            outcome,
            fault_kind,
            error_code,
            error_message,
            timings,
            usage,
            notes,
            attempts,
            request_bytes,
            response_bytes,
        } = exchange;
        let notes = json(notes);
        let attempts = json(attempts);
        let texts = [
            client,
            client_key,
            session,
            dialect_out,
            model_asked,
            model_used,
            provider,
            error_code,
            error_message,
        ];
        let size = ROW_BYTES
            + 2 * id.len()
            + texts.into_iter().flatten().map(|text| text.len()).sum::<usize>()
            + notes.len()
            + attempts.len();
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        bytes += size;
        let tokens = |of: fn(&Usage) -> u64| usage.as_ref().map(|usage| signed(of(usage)));
        statement = statement
            .bind(id)
            .bind(started_ms)
            .bind(client.as_deref())
            .bind(client_key.as_deref())
            .bind(session.as_deref())
            .bind(dialect_in.as_ref())
            .bind(dialect_out.as_deref())
            .bind(model_asked.as_deref())
            .bind(model_used.as_deref())
            .bind(provider.as_deref())
            .bind(stream)
            .bind(status)
            .bind(outcome.name())
            .bind(fault_kind.map(fault::Kind::name))
            .bind(error_code.as_deref())
            .bind(error_message.as_deref())
            .bind(timings.queue_us.map(signed))
            .bind(timings.first_byte_us.map(signed))
            .bind(timings.first_event_us.map(signed))
            .bind(signed(timings.total_us))
            .bind(tokens(|usage| usage.input))
            .bind(tokens(|usage| usage.cached))
            .bind(tokens(|usage| usage.cache_written))
            .bind(tokens(|usage| usage.output))
            .bind(tokens(|usage| usage.reasoning))
            .bind(tokens(|usage| usage.total))
            .bind(notes)
            .bind(attempts)
            .bind(signed(*request_bytes))
            .bind(signed(*response_bytes))
            .bind(size);
    }
    (statement, bytes)
}

/// Which exchanges to look at; by default all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub provider: Option<String>,
    /// As it was asked for, or as it was used.
    pub model: Option<String>,
    pub only_failures: bool,
    pub since_ms: Option<i64>,
}

/// An exchange with its place in the log. Places are in the order in which exchanges ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Logged {
    pub seq: i64,
    #[serde(flatten)]
    pub exchange: Exchange,
}

/// Sums over the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub exchanges: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub usage: Usage,
}

/// The request log, for reading.
#[derive(Clone, Copy, Debug)]
pub struct Logs<'a>(&'a Store);

/// What [`Filter`] means, as parameters one to four.
macro_rules! filtered {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " WHERE (?1 IS NULL OR provider = ?1)
                AND (?2 IS NULL OR model_asked = ?2 OR model_used = ?2)
                AND (NOT ?3 OR outcome = 'failed')
                AND (?4 IS NULL OR started_ms >= ?4) ",
            $after
        )
    };
}

impl<'a> Logs<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self(store)
    }

    /// The newest exchanges, newest first.
    pub async fn newest(self, filter: &Filter, limit: u32) -> Result<Vec<Logged>> {
        let sql = filtered!("SELECT * FROM exchanges", "ORDER BY seq DESC LIMIT ?5");
        let rows = bind(sql, filter).bind(limit).fetch_all(&self.0.reader).await;
        Ok(rows.map_err(failed("read the request log"))?.iter().map(read).collect())
    }

    /// The exchanges that ended after the one at this place, oldest first: to follow the log, ask
    /// again with the last place that came.
    pub async fn after(self, seq: i64, filter: &Filter, limit: u32) -> Result<Vec<Logged>> {
        let sql = filtered!("SELECT * FROM exchanges", "AND seq > ?6 ORDER BY seq LIMIT ?5");
        let rows = bind(sql, filter).bind(limit).bind(seq).fetch_all(&self.0.reader).await;
        Ok(rows.map_err(failed("read the request log"))?.iter().map(read).collect())
    }

    /// The exchange with this id.
    pub async fn get(self, id: &str) -> Result<Option<Logged>> {
        let row = sqlx::query("SELECT * FROM exchanges WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.0.reader)
            .await;
        Ok(row.map_err(failed("read the request log"))?.as_ref().map(read))
    }

    /// Sums over the exchanges that the filter keeps.
    pub async fn totals(self, filter: &Filter) -> Result<Totals> {
        let sql = filtered!(
            "SELECT count(*) AS exchanges,
                    count(*) FILTER (WHERE outcome = 'failed') AS failed,
                    count(*) FILTER (WHERE outcome = 'cancelled') AS cancelled,
                    coalesce(sum(input_tokens), 0) AS input_tokens,
                    coalesce(sum(cached_tokens), 0) AS cached_tokens,
                    coalesce(sum(cache_written_tokens), 0) AS cache_written_tokens,
                    coalesce(sum(output_tokens), 0) AS output_tokens,
                    coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens,
                    coalesce(sum(total_tokens), 0) AS total_tokens
             FROM exchanges",
            ""
        );
        let row = bind(sql, filter).fetch_one(&self.0.reader).await;
        let row = row.map_err(failed("add up the request log"))?;
        Ok(Totals {
            exchanges: unsigned(&row, "exchanges").unwrap_or_default(),
            failed: unsigned(&row, "failed").unwrap_or_default(),
            cancelled: unsigned(&row, "cancelled").unwrap_or_default(),
            usage: read_usage(&row).unwrap_or_default(),
        })
    }
}

fn bind<'q>(sql: &'static str, filter: &'q Filter) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(sql)
        .bind(filter.provider.as_deref())
        .bind(filter.model.as_deref())
        .bind(filter.only_failures)
        .bind(filter.since_ms)
}

fn read(row: &SqliteRow) -> Logged {
    let word = |column| row.get::<Option<String>, _>(column).map(Text::Owned);
    let exchange = Exchange {
        id: row.get("id"),
        started_ms: row.get("started_ms"),
        client: word("client"),
        client_key: word("client_key"),
        session: word("session"),
        dialect_in: word("dialect_in").unwrap_or_default(),
        dialect_out: word("dialect_out"),
        model_asked: word("model_asked"),
        model_used: word("model_used"),
        provider: word("provider"),
        stream: row.get("stream"),
        status: row.get("status"),
        // A word of a newer version: the row stays readable.
        outcome: Outcome::from_name(row.get("outcome")).unwrap_or(Outcome::Failed),
        fault_kind: row.get::<Option<&str>, _>("fault_kind").and_then(fault::Kind::from_name),
        error_code: word("error_code"),
        error_message: word("error_message"),
        timings: Timings {
            queue_us: unsigned(row, "queue_us"),
            first_byte_us: unsigned(row, "first_byte_us"),
            first_event_us: unsigned(row, "first_event_us"),
            total_us: unsigned(row, "total_us").unwrap_or_default(),
        },
        usage: read_usage(row),
        notes: serde_json::from_str(row.get("notes")).unwrap_or_default(),
        attempts: serde_json::from_str(row.get("attempts")).unwrap_or_default(),
        request_bytes: unsigned(row, "request_bytes").unwrap_or_default(),
        response_bytes: unsigned(row, "response_bytes").unwrap_or_default(),
    };
    Logged { seq: row.get("seq"), exchange }
}

fn read_usage(row: &SqliteRow) -> Option<Usage> {
    Some(Usage {
        input: unsigned(row, "input_tokens")?,
        cached: unsigned(row, "cached_tokens")?,
        cache_written: unsigned(row, "cache_written_tokens")?,
        output: unsigned(row, "output_tokens")?,
        reasoning: unsigned(row, "reasoning_tokens")?,
        total: unsigned(row, "total_tokens")?,
    })
}

/// SQLite has no unsigned numbers; nothing that is counted here is larger than it can hold.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &SqliteRow, column: &str) -> Option<u64> {
    row.get::<Option<i64>, _>(column).and_then(|number| u64::try_from(number).ok())
}

fn json(list: &[impl Serialize]) -> String {
    if list.is_empty() {
        return "[]".to_owned();
    }
    serde_json::to_string(list).expect("words and numbers can be written as JSON")
}
