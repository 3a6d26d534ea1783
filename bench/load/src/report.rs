//! The tables for people and the file for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::figures::{Figures, Metric, Spread};
use crate::gateway::Kind;
use crate::target::Verdict;
use crate::workload::Workload;

/// The rows of one workload.
pub(crate) fn workload_table(figures: &Figures, workload: &Workload) -> String {
    let mut columns = vec![("req/s", Metric::PerSecond), ("cpu ms", Metric::CpuMs)];
    columns.extend(match workload.id {
        "A" => vec![("answer p50 ms", Metric::WholeP50Ms), ("answer p99 ms", Metric::WholeP99Ms)],
        "D" => vec![
            ("rss MB", Metric::RssMb),
            ("pss MB", Metric::PssMb),
            ("first p50 ms", Metric::FirstP50Ms),
        ],
        "C" => vec![("answer p50 ms", Metric::WholeP50Ms), ("first p50 ms", Metric::FirstP50Ms)],
        _ => vec![
            ("first p50 ms", Metric::FirstP50Ms),
            ("first p99 ms", Metric::FirstP99Ms),
            ("delay p50 ms", Metric::DelayP50Ms),
            ("delay p99 ms", Metric::DelayP99Ms),
        ],
    });
    let title = format!("{}: {}", workload.id, workload.title);
    table(&title, figures, workload.id, &columns, Metric::CpuMs)
}

/// Idle processes.
pub(crate) fn process_table(figures: &Figures) -> String {
    let columns = [
        ("ready ms", Metric::ReadyMs),
        ("rss MB", Metric::RssMb),
        ("pss MB", Metric::PssMb),
        ("binary MB", Metric::BinaryMb),
    ];
    table("S: idle processes", figures, "S", &columns, Metric::PssMb)
}

/// System calls of one turn.
pub(crate) fn call_table(figures: &Figures) -> String {
    let columns = [
        ("receive", Metric::Receives),
        ("send", Metric::Sends),
        ("wait", Metric::Waits),
        ("other", Metric::Others),
    ];
    table("B-sys: system calls of one turn of B", figures, "sys", &columns, Metric::Sends)
}

fn table(
    title: &str,
    figures: &Figures,
    id: &str,
    columns: &[(&str, Metric)],
    compared: Metric,
) -> String {
    let mut text = format!("\n{title}\n");
    let mut lines = vec![vec![String::new()]];
    lines[0].extend(columns.iter().map(|(name, _)| (*name).to_owned()));
    lines[0].extend(["x relay".to_owned(), "x nginx".to_owned()]);
    for row in figures.rows(id) {
        let mut line = vec![row.name().to_owned()];
        line.extend(columns.iter().map(|(_, metric)| show(figures.spread(id, row, *metric))));
        for other in [Kind::Relay, Kind::Nginx] {
            let ratio = figures.against(id, (row, other), compared, |ours, theirs| ours / theirs);
            let ratio = ratio.filter(|ratio| ratio.median.is_finite());
            line.push(ratio.map_or("-".to_owned(), |ratio| number(ratio.median)));
        }
        lines.push(line);
    }
    align(&lines, &mut text);
    text
}

/// The targets and whether they are met.
pub(crate) fn target_table(verdicts: &[Verdict]) -> String {
    let mut text = "\nquire's targets\n".to_owned();
    let mut lines = vec![["", "found", "at most", "unit", ""].map(str::to_owned).to_vec()];
    for verdict in verdicts {
        let word = match verdict.is_met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "not measured",
        };
        lines.push(vec![
            verdict.name.to_owned(),
            show(verdict.found),
            number(verdict.limit),
            verdict.unit.to_owned(),
            word.to_owned(),
        ]);
    }
    align(&lines, &mut text);
    text
}

pub(crate) fn targets_json(verdicts: &[Verdict]) -> Value {
    let one = |verdict: &Verdict| {
        json!({
            "name": verdict.name,
            "limit": verdict.limit,
            "unit": verdict.unit,
            "median": verdict.found.map(|found| found.median),
            "min": verdict.found.map(|found| found.min),
            "max": verdict.found.map(|found| found.max),
            "met": verdict.is_met(),
        })
    };
    verdicts.iter().map(one).collect()
}

/// First column to the left, the others to the right.
fn align(lines: &[Vec<String>], text: &mut String) {
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for line in lines {
        let mut row = String::new();
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let written = if column == 0 {
                write!(row, "  {cell:<width$}")
            } else {
                write!(row, "  {cell:>width$}")
            };
            written.expect("a string takes all that is written");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
}

fn show(spread: Option<Spread>) -> String {
    match spread {
        None => "-".to_owned(),
        Some(Spread { median, min, max }) if (max - min).abs() < f64::EPSILON => number(median),
        Some(Spread { median, min, max }) => {
            format!("{} [{}-{}]", number(median), number(min), number(max))
        }
    }
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{number, target_table};
    use crate::target::Verdict;

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [81_234.5, 12.34, 1.234, 0.1234, 0.012_34].map(number);
        assert_eq!(shown, ["81234", "12.3", "1.23", "0.123", "0.0123"]);
    }

    #[test]
    fn a_target_without_figures_says_so() {
        let table =
            target_table(&[Verdict { name: "X", limit: 2.0, unit: "x relay", found: None }]);
        assert!(table.contains("not measured"));
        assert!(!table.contains("NOT MET"));
    }
}
