//! The sections that stand alone: server, upstream, store, log, codex.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Codex, Log, Responses, Server, Store, Upstream};
use crate::document::{Severity, Spot, Table};

const DAY: u64 = 24 * 60 * 60;

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8484),
            max_body_bytes: 64 * 1024 * 1024,
            head_timeout: Duration::from_secs(120),
            keep_alive: Duration::from_secs(15),
            repeat_limit: 10,
            allowed_hosts: Vec::new(),
            listen_at: (0, 0),
        }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), idle_timeout: Duration::from_secs(300) }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { responses: Responses::Memory }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { enabled: true, retention: Duration::from_secs(30 * DAY), max_rows: 200_000 }
    }
}

pub(super) fn server(root: &mut Table<'_>) -> Server {
    let mut server = Server::default();
    let Some(mut table) = root.table("server") else { return server };
    if let Some(text) = table.text("listen") {
        match address(&text.value) {
            Some(listen) => {
                server.listen = listen;
                server.listen_at = table.reader().position(&text);
            }
            None => table.reader().report(
                Severity::Error,
                &text,
                format!("`{}` is not an address", text.value),
                Some("write an IP address and a port, like `127.0.0.1:8484`".to_owned()),
            ),
        }
    }
    if let Some(bytes) = table.number("max_body_bytes") {
        server.max_body_bytes = usize::try_from(bytes.value).unwrap_or(usize::MAX);
        positive(&table, &bytes);
    }
    seconds(&mut table, "head_timeout_seconds", &mut server.head_timeout);
    seconds(&mut table, "keep_alive_seconds", &mut server.keep_alive);
    if let Some(limit) = table.number("repeat_limit") {
        server.repeat_limit = usize::try_from(limit.value).unwrap_or(usize::MAX);
    }
    for host in table.texts("allowed_hosts").unwrap_or_default() {
        let name = host.value.trim().trim_end_matches('.').to_ascii_lowercase();
        if name.is_empty() || name.contains(['/', '*', ' ', '@']) {
            table.reader().report(
                Severity::Error,
                &host,
                "not a host name",
                Some("write a name alone, like `quire.example.com`".to_owned()),
            );
        } else {
            server.allowed_hosts.push(name);
        }
    }
    table.finish();
    server
}

pub(super) fn upstream(root: &mut Table<'_>) -> Upstream {
    let mut upstream = Upstream::default();
    let Some(mut table) = root.table("upstream") else { return upstream };
    seconds(&mut table, "connect_timeout_seconds", &mut upstream.connect_timeout);
    seconds(&mut table, "idle_timeout_seconds", &mut upstream.idle_timeout);
    table.finish();
    upstream
}

pub(super) fn store(root: &mut Table<'_>) -> Store {
    const WORDS: [(&str, Responses); 3] =
        [("memory", Responses::Memory), ("disk", Responses::Disk), ("off", Responses::Off)];
    let mut store = Store::default();
    let Some(mut table) = root.table("store") else { return store };
    if let Some(responses) = table.word("responses", &WORDS) {
        store.responses = responses.value;
    }
    table.finish();
    store
}

pub(super) fn log(root: &mut Table<'_>) -> Log {
    let mut log = Log::default();
    let Some(mut table) = root.table("log") else { return log };
    if let Some(enabled) = table.flag("enabled") {
        log.enabled = enabled.value;
    }
    if let Some(days) = table.number("retention_days") {
        log.retention = Duration::from_secs(days.value.saturating_mul(DAY));
        positive(&table, &days);
    }
    if let Some(rows) = table.number("max_rows") {
        log.max_rows = rows.value;
        positive(&table, &rows);
    }
    table.finish();
    log
}

pub(super) fn codex(root: &mut Table<'_>) -> Codex {
    let mut codex = Codex::default();
    let Some(mut table) = root.table("codex") else { return codex };
    codex.base_instructions = table.text("base_instructions").map(|text| text.value);
    table.finish();
    codex
}

/// `127.0.0.1:8484`, `[::1]:8484` or `localhost:8484`.
fn address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port.parse().ok()?)),
        None => text.parse().ok(),
    }
}

fn seconds(table: &mut Table<'_>, key: &'static str, setting: &mut Duration) {
    if let Some(number) = table.number(key) {
        *setting = Duration::from_secs(number.value);
        positive(table, &number);
    }
}

fn positive(table: &Table<'_>, number: &Spot<u64>) {
    if number.value == 0 {
        table.reader().error(number, "must be more than 0");
    }
}
