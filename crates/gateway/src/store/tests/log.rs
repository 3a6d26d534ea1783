use std::time::Instant;

use tokio_util::sync::CancellationToken;
use wire::fault;

use super::*;

fn exchange(started_ms: i64) -> Exchange {
    Exchange::begin(new_id(), started_ms, "responses")
}

fn full() -> Exchange {
    Exchange {
        id: new_id(),
        started_ms: now_ms(),
        client: Some("codex".into()),
        client_key: Some("laptop".into()),
        session: Some("s-1".into()),
        dialect_in: "responses".into(),
        dialect_out: Some("chat".into()),
        model_asked: Some("gpt-5.5".into()),
        model_used: Some("deepseek-v4-pro".into()),
        provider: Some("deepseek".into()),
        stream: true,
        status: Some(200),
        outcome: Outcome::Failed,
        fault_kind: Some(fault::Kind::Cut),
        error_code: Some("upstream_cut".into()),
        error_message: Some("the upstream closed the connection".into()),
        timings: Timings {
            queue_us: Some(1),
            first_byte_us: Some(20),
            first_event_us: Some(300),
            total_us: 4000,
        },
        usage: Some(Usage {
            input: 100,
            cached: 60,
            cache_written: 5,
            output: 20,
            reasoning: 7,
            total: 120,
        }),
        notes: vec![NoteCount { code: "image-dropped".into(), n: 3 }],
        attempts: vec![
            Attempt {
                provider: "lab".into(),
                model: "mock".into(),
                status: Some(429),
                fault: Some(fault::Kind::RateLimited),
                ms: 12,
            },
            Attempt {
                provider: "deepseek".into(),
                model: "deepseek-v4-pro".into(),
                status: None,
                fault: None,
                ms: 30,
            },
        ],
        request_bytes: 60_000,
        response_bytes: 9_000,
    }
}

/// Records and shuts down at once.
async fn record(
    store: &Store,
    limits: Limits,
    exchanges: impl IntoIterator<Item = Exchange>,
) -> Summary {
    let (recorder, writer) = Recorder::new(store, limits);
    for exchange in exchanges {
        recorder.record(exchange);
    }
    let stop = CancellationToken::new();
    stop.cancel();
    writer.run(stop).await
}

async fn everything(store: &Store) -> Vec<Logged> {
    store.logs().newest(&Filter::default(), 1_000_000).await.unwrap()
}

#[tokio::test]
async fn an_exchange_comes_back_as_it_was_recorded() {
    let fixture = Fixture::new().await;
    let sparse = exchange(5);
    let full = full();
    let summary = record(&fixture.store, Limits::default(), [sparse.clone(), full.clone()]).await;
    assert_eq!(summary, Summary { written: 2, lost: 0 });
    // The first one is from 1970, and out of date.
    let kept = fixture.store.logs().get(&full.id).await.unwrap();
    assert_eq!(kept.unwrap().exchange, full);
    assert_eq!(fixture.store.logs().get(&sparse.id).await.unwrap(), None);

    let keep = Limits { days: 100_000, ..Limits::default() };
    record(&fixture.store, keep, [sparse.clone()]).await;
    let kept = fixture.store.logs().get(&sparse.id).await.unwrap();
    assert_eq!(kept.unwrap().exchange, sparse);
}

#[tokio::test]
async fn batches_of_every_size_are_written_whole_and_in_order() {
    let fixture = Fixture::new().await;
    for count in [1, 7, 8, 63, 64, 65, 600] {
        let exchanges: Vec<Exchange> = (0..count).map(|_| exchange(now_ms())).collect();
        let before = everything(&fixture.store).await.first().map_or(0, |newest| newest.seq);
        let summary = record(&fixture.store, Limits::default(), exchanges.clone()).await;
        assert_eq!(summary, Summary { written: count, lost: 0 });
        let kept = fixture.store.logs().after(before, &Filter::default(), 10_000).await.unwrap();
        let kept: Vec<Exchange> = kept.into_iter().map(|logged| logged.exchange).collect();
        assert!(kept == exchanges, "{count} exchanges");
    }
}

#[tokio::test]
async fn a_running_writer_needs_no_shutdown_to_write() {
    let fixture = Fixture::new().await;
    let (recorder, writer) = Recorder::new(&fixture.store, Limits::default());
    let stop = CancellationToken::new();
    let task = tokio::spawn(writer.run(stop.clone()));
    recorder.record(full());
    let began = Instant::now();
    while recorder.summary().written == 0 && began.elapsed() < Duration::from_secs(20) {
        tokio::task::yield_now().await;
    }
    assert_eq!(everything(&fixture.store).await.len(), 1);
    stop.cancel();
    assert_eq!(task.await.unwrap(), Summary { written: 1, lost: 0 });
}

#[tokio::test]
async fn the_writer_ends_when_no_recorder_is_left() {
    let fixture = Fixture::new().await;
    let (recorder, writer) = Recorder::new(&fixture.store, Limits::default());
    recorder.record(full());
    drop(recorder);
    assert_eq!(writer.run(CancellationToken::new()).await, Summary { written: 1, lost: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_never_delays_the_sender_and_what_is_lost_is_counted() {
    let fixture = Fixture::new().await;
    let other = fixture.beside().await;
    let lock = other.writer.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let limits = Limits { queue: 100, flush: Duration::from_millis(50), ..Limits::default() };
    let (recorder, writer) = Recorder::new(&fixture.store, limits);
    let stop = CancellationToken::new();
    let task = tokio::spawn(writer.run(stop.clone()));
    let exchanges: Vec<Exchange> = (0..1000).map(|_| full()).collect();
    let began = Instant::now();
    for exchange in exchanges {
        recorder.record(exchange);
    }
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    let lost = recorder.summary().lost;
    assert!((500..=900).contains(&lost), "the queue holds 100, the writer some more: {lost}");

    let began = Instant::now();
    stop.cancel();
    let summary = task.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "shutting down has a deadline");
    assert_eq!(summary, Summary { written: 0, lost: 1000 });
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn what_waited_for_a_lock_is_written_when_it_is_gone() {
    let fixture = Fixture::new().await;
    let other = fixture.beside().await;
    let lock = other.writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let (recorder, writer) = Recorder::new(&fixture.store, Limits::default());
    for _ in 0..300 {
        recorder.record(full());
    }
    let stop = CancellationToken::new();
    stop.cancel();
    let unlock = async {
        tokio::task::yield_now().await;
        lock.rollback().await.unwrap();
    };
    let (summary, ()) = tokio::join!(writer.run(stop), unlock);
    assert_eq!(summary, Summary { written: 300, lost: 0 });
    assert_eq!(everything(&fixture.store).await.len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_in_the_middle_of_a_write_loses_and_doubles_nothing() {
    let fixture = Fixture::new().await;
    for round in 1..=5 {
        let (recorder, writer) = Recorder::new(&fixture.store, Limits::default());
        for _ in 0..3000 {
            recorder.record(full());
        }
        let stop = CancellationToken::new();
        let task = tokio::spawn(writer.run(stop.clone()));
        while recorder.summary().written == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        assert_eq!(task.await.unwrap(), Summary { written: 3000, lost: 0 });
        let kept = fixture.store.logs().totals(&Filter::default()).await.unwrap().exchanges;
        assert_eq!(kept, 3000 * round);
        assert_eq!(size(&fixture.store).await.0 as u64, kept);
    }
}

#[tokio::test]
async fn exchanges_that_come_after_the_end_are_counted_as_lost() {
    let fixture = Fixture::new().await;
    let (recorder, writer) = Recorder::new(&fixture.store, Limits::default());
    let stop = CancellationToken::new();
    stop.cancel();
    writer.run(stop).await;
    recorder.record(full());
    assert_eq!(recorder.summary(), Summary { written: 0, lost: 1 });
}

#[tokio::test]
async fn a_batch_that_is_written_twice_counts_once() {
    let fixture = Fixture::new().await;
    let exchanges = [full(), full(), full()];
    record(&fixture.store, Limits::default(), exchanges.clone()).await;
    let size = size(&fixture.store).await;
    let again = record(&fixture.store, Limits::default(), exchanges).await;
    assert_eq!(again, Summary { written: 3, lost: 0 });
    assert_eq!(everything(&fixture.store).await.len(), 3);
    assert_eq!(self::size(&fixture.store).await, size);
}

#[tokio::test]
async fn the_log_keeps_only_the_newest_rows() {
    let fixture = Fixture::new().await;
    let limits = Limits { rows: 300, ..Limits::default() };
    let exchanges: Vec<Exchange> = (0..1500).map(|_| full()).collect();
    record(&fixture.store, limits, exchanges.clone()).await;
    let mut kept: Vec<Exchange> =
        everything(&fixture.store).await.into_iter().map(|logged| logged.exchange).collect();
    kept.reverse();
    assert!(kept == exchanges[1200..], "{} rows are left", kept.len());
    assert_eq!(size(&fixture.store).await.0, 300);
}

#[tokio::test]
async fn the_log_keeps_to_its_size() {
    let fixture = Fixture::new().await;
    let limits = Limits { bytes: 50_000, ..Limits::default() };
    record(&fixture.store, limits, (0..1500).map(|_| full())).await;
    let (rows, bytes) = size(&fixture.store).await;
    assert!((25_000..=50_000).contains(&bytes), "{rows} rows, {bytes} bytes");
    assert_eq!(everything(&fixture.store).await.len() as i64, rows);
}

#[tokio::test]
async fn what_is_out_of_date_goes_in_small_steps() {
    let fixture = Fixture::new().await;
    let month = 31 * 24 * 60 * 60 * 1000;
    let keep = Limits { days: 1000, ..Limits::default() };
    let old = (0..1200).map(|_| exchange(now_ms() - month));
    record(&fixture.store, keep, old).await;
    assert_eq!(everything(&fixture.store).await.len(), 1200);

    record(&fixture.store, Limits::default(), [full()]).await;
    assert_eq!(everything(&fixture.store).await.len(), 1201 - 512, "one step takes 512");

    let (recorder, writer) = Recorder::new(&fixture.store, Limits::default());
    let stop = CancellationToken::new();
    let task = tokio::spawn(writer.run(stop.clone()));
    let began = Instant::now();
    while size(&fixture.store).await.0 > 1 && began.elapsed() < Duration::from_secs(20) {}
    assert_eq!(everything(&fixture.store).await.len(), 1, "without any traffic");
    stop.cancel();
    task.await.unwrap();
    drop(recorder);
}

#[tokio::test]
async fn space_that_was_freed_goes_back_to_the_file_system() {
    let fixture = Fixture::new().await;
    let big = || {
        let mut exchange = full();
        exchange.error_message = Some("x".repeat(500).into());
        exchange
    };
    record(&fixture.store, Limits::default(), (0..8000).map(|_| big())).await;
    let full = pages(&fixture.store).await;
    let tight = Limits { rows: 10, ..Limits::default() };
    for _ in 0..60 {
        record(&fixture.store, tight, [big()]).await;
    }
    let left = pages(&fixture.store).await;
    assert!(full > 1500, "{full} pages are enough to tell");
    assert!(left < 1024 + 256, "{full} pages, then {left}");
}

#[tokio::test]
async fn the_log_is_filtered_followed_and_added_up() {
    let fixture = Fixture::new().await;
    let mut fine = full();
    fine.outcome = Outcome::Completed;
    fine.provider = Some("zhipu".into());
    fine.model_asked = Some("zhipu/glm-5".into());
    fine.model_used = Some("glm-5".into());
    let broken = full();
    let mut gone = exchange(now_ms());
    gone.started_ms -= 60_000;
    record(&fixture.store, Limits::default(), [fine.clone(), broken.clone(), gone.clone()]).await;

    let logs = fixture.store.logs();
    let ids = |logged: Vec<Logged>| {
        logged.into_iter().map(|logged| logged.exchange.id).collect::<Vec<_>>()
    };
    let newest = async |filter: Filter| ids(logs.newest(&filter, 10).await.unwrap());
    let all = Filter::default();
    assert_eq!(newest(all.clone()).await, [&*gone.id, &broken.id, &fine.id]);
    let by_provider = Filter { provider: Some("zhipu".into()), ..all.clone() };
    assert_eq!(newest(by_provider).await, [&*fine.id]);
    for model in ["gpt-5.5", "deepseek-v4-pro"] {
        let by_model = Filter { model: Some(model.into()), ..all.clone() };
        assert_eq!(newest(by_model).await, [&*broken.id]);
    }
    let failures = Filter { only_failures: true, ..all.clone() };
    assert_eq!(newest(failures).await, [&*broken.id]);
    let recent = Filter { since_ms: Some(gone.started_ms + 1), ..all.clone() };
    assert_eq!(newest(recent).await, [&*broken.id, &fine.id]);

    // In the order in which they ended, although the last one began first.
    let first = logs.get(&fine.id).await.unwrap().unwrap().seq;
    let following = logs.after(first, &all, 10).await.unwrap();
    assert_eq!(ids(following), [&*broken.id, &gone.id]);
    assert_eq!(ids(logs.after(first, &all, 1).await.unwrap()), [&*broken.id]);

    let usage =
        Usage { input: 200, cached: 120, cache_written: 10, output: 40, reasoning: 14, total: 240 };
    let totals = logs.totals(&all).await.unwrap();
    assert_eq!(totals, Totals { exchanges: 3, failed: 1, cancelled: 1, usage });
    let nothing = Filter { provider: Some("nobody".into()), ..all };
    assert_eq!(logs.totals(&nothing).await.unwrap(), Totals::default());
}

#[tokio::test]
async fn the_json_of_an_exchange_uses_the_words_of_the_log() {
    let fixture = Fixture::new().await;
    record(&fixture.store, Limits::default(), [full()]).await;
    let logged = everything(&fixture.store).await.remove(0);
    let json = serde_json::to_value(&logged).unwrap();
    assert_eq!(json["seq"], logged.seq);
    assert_eq!(json["outcome"], "failed");
    assert_eq!(json["fault_kind"], "cut");
    assert_eq!(json["timings"]["first_event_us"], 300);
    assert_eq!(json["notes"], serde_json::json!([{"code": "image-dropped", "n": 3}]));
    assert_eq!(json["attempts"][0]["fault"], "rate-limited");
}

async fn size(store: &Store) -> (i64, i64) {
    use sqlx::Row as _;
    let row = sqlx::query("SELECT rows, bytes FROM exchanges_size").fetch_one(&store.reader).await;
    let row = row.unwrap();
    (row.get(0), row.get(1))
}

async fn pages(store: &Store) -> i64 {
    use sqlx::Row as _;
    sqlx::query("PRAGMA page_count").fetch_one(&store.writer).await.unwrap().get(0)
}
