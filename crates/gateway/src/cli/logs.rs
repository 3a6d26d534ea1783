//! `quire logs`: the request log, newest last.

use std::process::ExitCode;
use std::time::Duration;

use super::{ConfigFile, configuration, open_store, printable, say};
use crate::store::{Filter, Logged};

/// How often a followed log is looked at.
const POLL: Duration = Duration::from_millis(500);
const PAGE: u32 = 500;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Go on as requests end
    #[arg(long, short)]
    follow: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// How many to show
    #[arg(long, short = 'n', default_value_t = 50)]
    lines: u32,
    /// Only what failed
    #[arg(long)]
    failed: bool,
    /// Only this provider
    #[arg(long, value_name = "ID")]
    provider: Option<String>,
    /// Only this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let snapshot = match configuration(&options.file) {
        Ok(snapshot) => snapshot,
        Err(code) => return Ok(code),
    };
    if !snapshot.home.join("quire.db").exists() {
        eprintln!("nothing was logged yet: start `quire serve` first");
        return Ok(ExitCode::SUCCESS);
    }
    let store = open_store(&snapshot).await?;
    let filter = Filter {
        provider: options.provider.clone(),
        model: options.model.clone(),
        only_failures: options.failed,
        since_ms: None,
    };
    let mut rows = store.logs().newest(&filter, options.lines.min(PAGE)).await?;
    rows.reverse();
    let mut last = rows.last().map_or(0, |row| row.seq);
    rows.iter().for_each(|row| print(row, options.json));
    if !options.follow {
        return Ok(ExitCode::SUCCESS);
    }
    // Until somebody ends the process.
    loop {
        tokio::time::sleep(POLL).await;
        let rows = store.logs().after(last, &filter, PAGE).await?;
        last = rows.last().map_or(last, |row| row.seq);
        rows.iter().for_each(|row| print(row, options.json));
    }
}

fn print(row: &Logged, json: bool) {
    if json {
        match serde_json::to_string(row) {
            Ok(line) => say(line),
            Err(error) => eprintln!("quire: a row cannot be shown: {error}"),
        }
        return;
    }
    let exchange = &row.exchange;
    let text = |value: &Option<crate::store::Text>| {
        value.as_deref().map_or_else(|| "-".to_owned(), printable)
    };
    let status = exchange.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let tokens = exchange
        .usage
        .map_or_else(|| "-".to_owned(), |usage| format!("{}+{}", usage.input, usage.output));
    let first = exchange
        .timings
        .first_event_us
        .map_or_else(|| "-".to_owned(), |us| format!("{} ms", us / 1000));
    say(format_args!(
        "{} {} {status} {} {} -> {}/{} tokens {tokens} first {first} total {} ms{}",
        time(exchange.started_ms),
        exchange.id,
        exchange.outcome.name(),
        text(&exchange.model_asked),
        text(&exchange.provider),
        text(&exchange.model_used),
        exchange.timings.total_us / 1000,
        exchange
            .error_message
            .as_deref()
            .map_or_else(String::new, |message| format!(": {}", printable(message)))
    ));
}

/// `2026-01-31 12:00:00`, in UTC.
fn time(ms: i64) -> String {
    let system =
        std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    // An HTTP date is UTC as well: `Sat, 31 Jan 2026 12:00:00 GMT`.
    let date = httpdate::fmt_http_date(system);
    date.get(5..25).unwrap_or(&date).to_owned()
}
