//! Cases as folders of files: what came and what must go out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use wire::note::Notes;

/// The folders of `corpus/<kind>`.
pub(crate) fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus").join(kind);
    let entries = fs::read_dir(folder).expect("the corpus is in the repository");
    let mut cases: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    cases.sort();
    cases
}

/// The text of a file, if it is there.
pub(crate) fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// JSON over several lines, member order and numbers kept; what is deep stays on one line.
pub(crate) fn laid_out(json: &str) -> String {
    const DEEP: usize = 3;
    let mut out = String::new();
    let (mut depth, mut in_string, mut after_slash) = (0_usize, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&" ".repeat(depth));
    };
    for c in json.chars() {
        if in_string {
            in_string = after_slash || c != '"';
            after_slash = c == '\\' && !after_slash;
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                depth += 1;
                if depth <= DEEP {
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                if depth < DEEP {
                    line(&mut out, depth);
                }
                out.push(c);
            }
            ',' => {
                out.push(c);
                if depth <= DEEP {
                    line(&mut out, depth);
                }
            }
            c => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out.push('\n');
    out
}

/// Notes, one on a line.
pub(crate) fn listed(notes: &Notes) -> String {
    let line = |note: &wire::note::Note| {
        let count = if note.count > 1 { format!(" n={}", note.count) } else { String::new() };
        format!("{} at {}{count}\n", note.code.name(), note.at)
    };
    notes.list().iter().map(line).collect()
}

/// Compares with the file, or writes it.
pub(crate) fn expect(case: &Path, name: &str, is: &str, wrong: &mut Vec<String>) {
    let path = case.join(name);
    if std::env::var_os("UPDATE").is_some() {
        if is.is_empty() {
            let _ = fs::remove_file(&path);
        } else {
            fs::write(&path, is).expect("the corpus can be written");
        }
        return;
    }
    let must = read(&path).unwrap_or_default();
    if must != is {
        wrong.push(format!("{}\n--- must be\n{must}\n--- is\n{is}", path.display()));
    }
}

/// The notes that the cases of translations with another dialect than Responses and Chat show.
pub(crate) fn shown_by_other_pairs() -> BTreeSet<String> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
    let folders = fs::read_dir(corpus).expect("the corpus is in the repository").flatten();
    let pairs = folders.map(|folder| folder.file_name().to_string_lossy().into_owned());
    let cases = pairs.filter(|name| name.contains("-to-")).flat_map(|pair| {
        ["requests", "streams"].into_iter().flat_map(move |kind| cases(&format!("{pair}/{kind}")))
    });
    let notes = cases.filter_map(|case| read(&case.join("expect.notes")));
    notes
        .flat_map(|notes| {
            notes
                .lines()
                .filter_map(|line| Some(line.split(' ').next()?.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect()
}
