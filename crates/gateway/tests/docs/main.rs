//! The documents that are made from code and data: `docs/compatibility.md` from the tables of
//! `wire`, `docs/providers.md` from the catalog. The tests fail when a document is stale;
//! `UPDATE=1 cargo test -p gateway --test docs` writes them anew.

mod compatibility;
mod providers;

use std::fs;
use std::path::Path;

/// Holds `text` against the document `name`, or writes it.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).expect("the document can be written");
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let stale = text.lines().zip(written.lines()).find(|(now, then)| now != then);
    assert!(
        written == text,
        "`docs/{name}` is stale (first at {stale:?}); `UPDATE=1 cargo test -p gateway --test docs` writes it anew"
    );
}

/// A Markdown table.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut out = line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    out.push_str(&"|---".repeat(head.len()));
    out.push_str("|\n");
    for row in rows {
        out.push_str(&line(&row));
    }
    out.push('\n');
    out
}

#[test]
fn compatibility_is_up_to_date() {
    check("compatibility.md", &compatibility::document());
}

#[test]
fn providers_are_up_to_date() {
    check("providers.md", &providers::document());
}
