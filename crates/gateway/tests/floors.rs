//! Modules stand on floors, and a module uses only what stands below it. This reads every
//! `crate::` path of the gateway against one table; a new module needs one row here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Floor and module; within a floor a module uses only those that stand above it in this list.
/// Floor 0 is the crate `wire`.
const FLOORS: &[(u8, &str)] = &[
    (1, "document"),
    (1, "private_file"),
    (1, "secret"),
    (1, "catalog"),
    (1, "config"),
    (2, "admin_token"),
    (2, "seal"),
    (2, "codex"),
    (2, "store"),
    (2, "upstream"),
    (3, "login"),
    (3, "pool"),
    (3, "authorization"),
    (3, "discovery"),
    (4, "route"),
    (4, "attempt"),
    (5, "admin"),
    (5, "dashboard"),
    (5, "serve"),
    (6, "cli"),
    (6, "main"),
];

/// Usable from any floor; they use no floor themselves.
const BESIDE: &[&str] = &["telemetry", "drain", "buffers"];

/// Uses that break the rule, and why they stand.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "admin",
    "serve",
    "it answers through its listener: the same state, guard and form of answers",
)];

/// Crates that few modules may know.
const KNOWN_BY: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("toml", &["document"]),
    ("clap", &["cli"]),
    ("rustls", &["upstream"]),
    ("tokio_rustls", &["upstream"]),
    ("rustls_platform_verifier", &["upstream"]),
    ("hyper_util", &["upstream", "serve"]),
    ("hyper", &["upstream", "serve", "admin"]),
    ("ruzstd", &["serve"]),
    ("flate2", &["serve"]),
    ("etcetera", &["config"]),
];

fn gateway() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file beneath `folder`, with the name of its top module.
fn sources(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).expect("the sources can be read") {
            let path = entry.expect("the sources can be read").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(folder).expect("it was found there");
                let first = below.components().next().expect("a file has a name");
                let module = Path::new(&first).with_extension("").to_string_lossy().into_owned();
                found.push((module, path));
            }
        }
    }
    found
}

/// The source without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the sources can be read");
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that follow `root` in paths, as `root::name` or `root::{name, …}`.
fn used(code: &str, root: &str) -> BTreeSet<String> {
    let name = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit())
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(root) {
        let before = code[..at].chars().next_back();
        let after = &code[at + root.len()..];
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        match after.strip_prefix('{') {
            None => {
                found.insert(name(after));
            }
            Some(list) => {
                let (mut depth, mut start) = (0, true);
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            found.insert(name(&list[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    // Constants of the crate itself begin with a capital.
    found.retain(|name| !name.is_empty());
    found
}

fn place(module: &str) -> Option<usize> {
    FLOORS.iter().position(|(_, known)| *known == module)
}

#[test]
fn every_module_has_a_floor() {
    for (module, path) in sources(&gateway()) {
        let known =
            place(&module).is_some() || BESIDE.contains(&module.as_str()) || module == "lib";
        assert!(
            known,
            "`{module}` ({}) has no floor: add it to the table of this test",
            path.display()
        );
    }
    assert!(FLOORS.is_sorted_by_key(|(floor, _)| *floor));
}

#[test]
fn a_module_uses_only_what_stands_below_it() {
    let mut wrong = Vec::new();
    let mut excused = BTreeSet::new();
    let mut seen = 0;
    for (module, path) in sources(&gateway()) {
        let code = code(&path);
        for other in used(&code, "crate::").into_iter().chain(used(&code, "gateway::")) {
            seen += 1;
            let below = match (place(&module), place(&other)) {
                _ if other == module || BESIDE.contains(&other.as_str()) => true,
                (Some(here), Some(there)) => there < here,
                _ => false,
            };
            let excuse = EXCEPTIONS
                .iter()
                .find(|(from, to, _)| (*from, *to) == (module.as_str(), other.as_str()));
            match excuse {
                Some(excuse) => drop(excused.insert(excuse)),
                None if below => {}
                None => wrong.push(format!("{}: `{module}` uses `{other}`", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "these look upwards:\n{}", wrong.join("\n"));
    assert!(seen > 20, "only {seen} uses were found: the test no longer reads the sources");
    assert_eq!(excused.len(), EXCEPTIONS.len(), "an exception is no longer needed: delete it");
}

#[test]
fn what_few_modules_know_no_other_uses() {
    for (module, path) in sources(&gateway()) {
        let code = code(&path);
        for (name, modules) in KNOWN_BY {
            let uses = !used(&code, &format!("{name}::")).is_empty()
                || code.contains(&format!("use {name}::"));
            assert!(
                !uses || modules.contains(&module.as_str()),
                "{}: `{module}` knows `{name}`",
                path.display()
            );
        }
    }
}

#[test]
fn wire_is_pure() {
    let wire = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire");
    let manifest = fs::read_to_string(wire.join("Cargo.toml")).expect("the manifest of `wire`");
    let dependencies: Vec<&str> = manifest
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty()))
        .collect();
    assert!(!dependencies.is_empty(), "the manifest is read wrongly");
    for name in dependencies {
        assert!(
            ["itoa", "memchr", "wide"].contains(&name),
            "`wire` depends on `{name}`: is it free of I/O, clocks and async?"
        );
    }
    let impure = [
        "async fn",
        ".await",
        "std::net",
        "std::fs",
        "std::env",
        "std::thread",
        "Instant::",
        "SystemTime",
    ];
    for (_, path) in sources(&wire.join("src")) {
        let code = code(&path);
        for word in impure {
            assert!(
                !code.contains(word),
                "{}: `{word}` in a crate without effects",
                path.display()
            );
        }
    }
}

#[test]
fn paths_are_found_in_every_form() {
    let code = "use crate::store::Log;\nuse crate::{route, secret::{self, Secret}, VERSION};\nlet x = crate::drain::new(); mycrate::no();";
    let expected: BTreeSet<String> = ["store", "route", "secret", "drain"].map(String::from).into();
    assert_eq!(used(code, "crate::"), expected);
}
