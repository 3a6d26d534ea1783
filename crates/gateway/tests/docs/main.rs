//! The documents that are made from code and data: `docs/compatibility.md` and its
//! pages from the tables of `wire`, `docs/providers.md` from the catalog. The tests fail when a document is stale;
//! `UPDATE=1 cargo test -p gateway --test docs` writes them anew.

mod compatibility;
mod providers;

use gateway::config::Snapshot;
use std::fs;
use std::path::Path;

/// Holds `text` against the document `name`, or writes it.
fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE").is_some() {
        let folder = path.parent().expect("a document lies in a folder");
        fs::create_dir_all(folder).expect("the folder can be made");
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

/// Every relative link of a document leads to a file.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut documents = vec![root.join("README.md"), root.join("ARCHITECTURE.md")];
    for folder in ["docs", "docs/compatibility"] {
        let files = fs::read_dir(root.join(folder)).expect("the folder is in the repository");
        let files = files.map(|file| file.expect("it can be read").path());
        documents.extend(files.filter(|file| file.extension().is_some_and(|name| name == "md")));
    }
    assert!(documents.len() >= 7, "{documents:?}");
    for document in documents {
        let text = fs::read_to_string(&document).expect("it can be read");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap_or(link);
            let at = document.parent().expect("a file has a folder").join(file);
            assert!(at.exists(), "`{}` links to `{link}`", document.display());
        }
    }
}

/// The configuration that the README shows must be one that quire takes.
#[test]
fn the_configuration_of_the_readme_is_right() {
    const README: &str = include_str!("../../../../README.md");
    let blocks = README.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let ours: Vec<&str> = blocks.filter(|block| block.contains("[providers.")).collect();
    assert_eq!(ours.len(), 1, "the README shows one configuration");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, ours[0]).expect("the folder is writable");
    let home = folder.path().to_string_lossy().into_owned();
    let env = |name: &str| match name {
        "QUIRE_HOME" => Some(home.clone()),
        "DEEPSEEK_API_KEY" | "LAB_API_KEY" => Some("a-key".to_owned()),
        _ => None,
    };
    let (snapshot, found) = Snapshot::load(Some(&file), &env).expect("it has no mistakes");
    let named: Vec<&str> =
        snapshot.providers().iter().map(|provider| provider.id.as_str()).collect();
    assert!(named.contains(&"deepseek") && named.contains(&"lab"), "{named:?}");
    // Its one warning: the set of aliases names a provider that the example does not have.
    assert!(
        found.len() <= 1 && found.iter().all(|one| one.to_string().contains("alias_sets")),
        "{found:#?}"
    );
}

#[test]
fn compatibility_is_up_to_date() {
    for (name, text) in compatibility::documents() {
        check(&name, &text);
    }
}

#[test]
fn providers_are_up_to_date() {
    check("providers.md", &providers::document());
}
