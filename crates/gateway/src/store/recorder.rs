//! Writing the request log without anybody waiting for it. Who ends an exchange moves it into a
//! bounded queue and goes on; one task writes what has gathered in one transaction. A full queue or
//! a database out of reach costs records, which are counted, and never an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::Row as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::logs::{INSERTS, insert};
use super::{Exchange, Result, Store, failed, now_ms};

/// The most rows in one transaction.
const BATCH: usize = 256;
/// How long exchanges gather. While it lasts the task sleeps, so a record wakes nobody.
const GATHER: Duration = Duration::from_millis(200);
/// How often the log's age is looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// Before a batch is written again, and how often in all: a batch that cannot be written must not
/// hold up those behind it for ever.
const RETRY: Duration = Duration::from_secs(1);
const TRIES: u32 = 5;
/// The most rows that one step of pruning takes: twice a batch, so that it always catches up.
const PRUNE_STEP: i64 = 2 * BATCH as i64;
/// Free pages of 4 KiB that the file keeps for the next rows.
const SPARE_PAGES: i64 = 1024;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How much is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Exchanges that may wait to be written.
    pub queue: usize,
    pub days: u32,
    pub rows: u64,
    /// About the space that the log takes on the disk.
    pub bytes: u64,
    /// How long shutting down may wait for the last records.
    pub flush: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 8192,
            days: 30,
            rows: 200_000,
            bytes: 128 * 1024 * 1024,
            flush: Duration::from_secs(3),
        }
    }
}

/// Takes exchanges in. Clones share the queue.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Exchange>,
    counts: Arc<Counts>,
}

/// Writes what the [`Recorder`] took in. To be run as the task `request-log`.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    limits: Limits,
    queue: mpsc::Receiver<Exchange>,
    batch: Vec<Exchange>,
    counts: Arc<Counts>,
    size: Size,
    /// When nothing out of date was left; none while there may be some.
    aged: Option<Instant>,
    failing: bool,
}

#[derive(Debug, Default)]
struct Counts {
    written: AtomicU64,
    lost: AtomicU64,
}

/// What became of the exchanges of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub written: u64,
    pub lost: u64,
}

/// How large the log is.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    rows: i64,
    bytes: i64,
}

impl Recorder {
    /// The two ends of the queue.
    pub fn new(store: &Store, limits: Limits) -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(limits.queue.max(1));
        let counts = Arc::new(Counts::default());
        let writer = Writer {
            store: store.clone(),
            limits,
            queue: receiver,
            batch: Vec::new(),
            counts: Arc::clone(&counts),
            size: Size::default(),
            aged: None,
            failing: false,
        };
        (Self { queue: sender, counts }, writer)
    }

    /// Takes an exchange in. Never waits: if the queue is full the exchange is lost, and counted.
    pub fn record(&self, mut exchange: Exchange) {
        exchange.bound();
        if self.queue.try_send(exchange).is_err() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was written and what was lost so far.
    pub fn summary(&self) -> Summary {
        self.counts.summary()
    }
}

impl Writer {
    /// Writes until told to stop or until no recorder is left, then writes what is still waiting,
    /// within the limit for that.
    pub async fn run(mut self, stop: CancellationToken) -> Summary {
        // Stopping may cut a write short. The batch stays, and writing a row twice changes nothing.
        stop.run_until_cancelled(self.work()).await;
        self.queue.close();
        if timeout(self.limits.flush, self.write_waiting()).await.is_err() {
            let left = self.batch.len() + self.queue.len();
            self.counts.lost.fetch_add(left as u64, Ordering::Relaxed);
        }
        let summary = self.counts.summary();
        if summary.lost > 0 {
            tracing::warn!(lost = summary.lost, "the request log is incomplete");
        }
        summary
    }

    async fn work(&mut self) {
        loop {
            // While there is more to prune, the next step comes soon, with traffic or without.
            let is_behind = self.excess().is_some() || self.aged.is_none();
            let patience = if is_behind { GATHER } else { HOUSEKEEPING };
            match timeout(patience, self.queue.recv()).await {
                Ok(Some(exchange)) => {
                    self.batch.push(exchange);
                    sleep(GATHER).await;
                    self.write_waiting().await;
                }
                Ok(None) => return,
                Err(_) => self.prune().await,
            }
        }
    }

    /// Writes batches until nothing waits.
    async fn write_waiting(&mut self) {
        loop {
            while self.batch.len() < BATCH
                && let Ok(exchange) = self.queue.try_recv()
            {
                self.batch.push(exchange);
            }
            if self.batch.is_empty() {
                return;
            }
            self.write_batch().await;
            self.prune().await;
        }
    }

    /// Writes the batch, or gives it up after some tries.
    async fn write_batch(&mut self) {
        let rows = self.batch.len() as u64;
        for _ in 0..TRIES {
            match self.write().await {
                Ok(size) => {
                    self.size = size;
                    self.batch.clear();
                    self.counts.written.fetch_add(rows, Ordering::Relaxed);
                    self.report(None);
                    return;
                }
                Err(error) => self.report(Some(&error)),
            }
            sleep(RETRY).await;
        }
        self.batch.clear();
        self.counts.lost.fetch_add(rows, Ordering::Relaxed);
    }

    /// Writes the batch in one transaction, a few statements of fixed shapes.
    async fn write(&mut self) -> Result<Size> {
        let failed = |source| failed("write the request log")(source);
        let mut transaction =
            self.store.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let (mut rows, mut bytes) = (0, 0);
        let mut left: &[Exchange] = &self.batch;
        for (shape, sql) in INSERTS.iter() {
            while let Some((chunk, rest)) = left.split_at_checked(*shape) {
                left = rest;
                let (statement, size) = insert(sql, chunk);
                let done = statement.execute(&mut *transaction).await.map_err(failed)?;
                let added = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX);
                rows += added;
                // Rows that were there already are not counted again.
                bytes += size * added / chunk.len() as i64;
            }
        }
        let size = sqlx::query(
            "UPDATE exchanges_size SET rows = rows + ?, bytes = bytes + ? RETURNING rows, bytes",
        )
        .bind(rows)
        .bind(bytes)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(Size { rows: size.get("rows"), bytes: size.get("bytes") })
    }

    /// One small step of keeping the log within its limits.
    async fn prune(&mut self) {
        let is_aged = self.aged.is_none_or(|aged| aged.elapsed() >= HOUSEKEEPING);
        if self.excess().is_none() && !is_aged {
            return;
        }
        match self.prune_step(self.excess().unwrap_or_default()).await {
            Ok(more) => {
                // With more to go, the next call takes the next step.
                self.aged = (!more).then(Instant::now);
                self.report(None);
            }
            Err(error) => {
                self.aged = Some(Instant::now());
                self.report(Some(&error));
            }
        }
    }

    /// How many of the oldest rows are too many, if any are.
    fn excess(&self) -> Option<i64> {
        let Size { rows, bytes } = self.size;
        let max_rows = i64::try_from(self.limits.rows).unwrap_or(i64::MAX);
        let max_bytes = i64::try_from(self.limits.bytes).unwrap_or(i64::MAX);
        let row_bytes = (bytes / rows.max(1)).max(1);
        let too_many = (rows - max_rows).max((bytes - max_bytes).div_euclid(row_bytes) + 1);
        let over = rows > max_rows || bytes > max_bytes;
        (over && rows > 0).then(|| too_many.clamp(1, PRUNE_STEP))
    }

    /// Deletes the `excess` oldest rows, and those of the oldest that are out of date. Tells whether
    /// a next step would find more.
    async fn prune_step(&mut self, excess: i64) -> Result<bool> {
        let failed = |source| failed("shorten the request log")(source);
        let oldest_ms = now_ms() - i64::from(self.limits.days) * DAY_MS;
        let mut transaction =
            self.store.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let deleted = sqlx::query(
            "DELETE FROM exchanges WHERE seq IN (SELECT seq FROM exchanges ORDER BY seq LIMIT ?1)
               AND (started_ms < ?2
                    OR seq IN (SELECT seq FROM exchanges ORDER BY seq LIMIT ?3))
             RETURNING size",
        )
        .bind(PRUNE_STEP)
        .bind(oldest_ms)
        .bind(excess)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let bytes: i64 = deleted.iter().map(|row| row.get::<i64, _>("size")).sum();
        let rows = deleted.len() as i64;
        let size = sqlx::query(
            "UPDATE exchanges_size SET rows = rows - ?, bytes = bytes - ? RETURNING rows, bytes",
        )
        .bind(rows)
        .bind(bytes)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        self.size = Size { rows: size.get("rows"), bytes: size.get("bytes") };
        if rows > 0 {
            self.give_space_back().await.map_err(failed)?;
        }
        Ok(rows == PRUNE_STEP || self.excess().is_some())
    }

    /// Returns free pages to the file system, a few at a time, and only when there are many: the next
    /// rows need some again.
    async fn give_space_back(&self) -> sqlx::Result<()> {
        let writer = &self.store.writer;
        let free: i64 = sqlx::query("PRAGMA freelist_count").fetch_one(writer).await?.get(0);
        if free > SPARE_PAGES {
            sqlx::query("PRAGMA incremental_vacuum(256)").fetch_all(writer).await?;
        }
        Ok(())
    }

    /// Says once that the log cannot be written, and once that it can be again.
    fn report(&mut self, error: Option<&super::Error>) {
        match error {
            Some(error) if !self.failing => {
                tracing::warn!(%error, "the request log waits; requests are not affected");
            }
            None if self.failing => tracing::info!("the request log is written again"),
            _ => {}
        }
        self.failing = error.is_some();
    }
}

impl Counts {
    fn summary(&self) -> Summary {
        Summary {
            written: self.written.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }
}
