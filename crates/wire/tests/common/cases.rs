//! Cases of the corpus as files: what came, and what must go out. With `UPDATE` in the environment
//! what is gets written; read the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};
use wire::note::Notes;

/// The folders of the cases of a kind.
pub(crate) fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus").join(kind);
    let entries = fs::read_dir(folder).expect("the corpus is in the repository");
    let mut cases: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    cases.sort();
    cases
}

/// A file of a case, if it has one.
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
