//! The base instructions that a Codex catalog carries for foreign models: those of the user's own
//! Codex, read once by `quire codex sync` and kept under `$QUIRE_HOME`. They are OpenAI's text, so
//! they are never part of quire; without them a short text of our own stands in.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::config::Snapshot;
use crate::private_file;

/// For a Codex whose own instructions are not known. It only says what the tools need.
const NEUTRAL: &str = "You are a coding agent that works in the user's workspace through the tools \
you are given. Read before you change, keep changes small and to the point, follow the style of \
the code around you, and check your work by running it. Edit files with `apply_patch` where you \
have it. Tell the user briefly what you did and what you could not do.";

/// The model whose instructions fit foreign models: it uses plain tools and no code mode.
const PREFERRED: &str = "gpt-5.5";
const FOLDER: &str = "codex";

/// A text and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instructions {
    pub text: String,
    pub source: Source,
}

/// Where instructions came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `[codex] base_instructions`
    Configured,
    /// The installed Codex of this version.
    Codex(String),
    /// quire's own short text.
    Neutral,
}

impl Instructions {
    /// For `/health`.
    pub fn json(&self) -> Value {
        match &self.source {
            Source::Configured => json!({"base_instructions": "configured"}),
            Source::Codex(version) => json!({"base_instructions": "codex", "version": version}),
            Source::Neutral => json!({
                "base_instructions": "neutral",
                "hint": "run `quire codex sync` to use those of your own Codex",
            }),
        }
    }
}

/// The instructions for a Codex of this version, or of any.
pub fn instructions(snapshot: &Snapshot, version: Option<&str>) -> Instructions {
    if let Some(text) = &snapshot.codex.base_instructions {
        return Instructions { text: text.clone(), source: Source::Configured };
    }
    let folder = snapshot.home.join(FOLDER);
    let found = version
        .filter(|version| is_version(version))
        .and_then(|version| read(&folder, version))
        .or_else(|| newest(&folder).and_then(|version| read(&folder, &version)));
    found.unwrap_or_else(|| Instructions { text: NEUTRAL.to_owned(), source: Source::Neutral })
}

/// Versions become file names, so they hold nothing else.
fn is_version(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
}

fn file(folder: &Path, version: &str) -> PathBuf {
    folder.join(format!("{version}.txt"))
}

fn read(folder: &Path, version: &str) -> Option<Instructions> {
    let text = std::fs::read_to_string(file(folder, version)).ok()?;
    Some(Instructions { text, source: Source::Codex(version.to_owned()) })
}

/// The version that was read last.
fn newest(folder: &Path) -> Option<String> {
    std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version =
                name.strip_suffix(".txt").filter(|version| is_version(version))?.to_owned();
            Some((entry.metadata().ok()?.modified().ok()?, version))
        })
        .max()
        .map(|(_, version)| version)
}

/// What a sync brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    pub version: String,
    pub characters: usize,
}

/// Reads the instructions of the installed Codex.
///
/// # Errors
/// No Codex, one that does not answer, or one whose answer has no instructions.
pub async fn sync(home: &Path, program: &str) -> anyhow::Result<Synced> {
    let version = run(program, &["--version"]).await?;
    let version = version
        .split_whitespace()
        .find(|word| is_version(word))
        .with_context(|| format!("`{program} --version` names no version"))?
        .to_owned();
    // Without `--bundled` Codex prints the catalog it fetched, which may be quire's own.
    let models = run(program, &["debug", "models", "--bundled"]).await?;
    let models: Value = serde_json::from_str(&models)
        .with_context(|| format!("`{program} debug models` did not print JSON"))?;
    let text = pick(&models).with_context(|| format!("Codex {version} lists no instructions"))?;
    let folder = home.join(FOLDER);
    private_file::create_dir(&folder)
        .with_context(|| format!("cannot make `{}`", folder.display()))?;
    let path = file(&folder, &version);
    std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(Synced { version, characters: text.chars().count() })
}

fn pick(models: &Value) -> Option<&str> {
    let models = models.get("models")?.as_array()?;
    let instructions =
        |model: &Value| model["base_instructions"].as_str().is_some_and(|text| !text.is_empty());
    let preferred = models.iter().find(|model| model["slug"] == PREFERRED && instructions(model));
    // Models in code mode are told to write programs instead of calling tools.
    let plain =
        models.iter().find(|model| instructions(model) && model["use_responses_lite"] != true);
    preferred.or(plain)?.get("base_instructions")?.as_str()
}

async fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let command = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(Duration::from_secs(20), command).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => bail!(
            "cannot run `{program}`: {error}; is Codex installed and on the PATH? `--codex FILE` names it"
        ),
        Err(_) => bail!("`{program} {}` did not answer within 20 s", arguments.join(" ")),
    };
    if !output.status.success() {
        bail!("`{program} {}` failed: {}", arguments.join(" "), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_model_is_picked_and_code_mode_is_not() {
        let lite =
            json!({"slug": "gpt-6", "base_instructions": "code", "use_responses_lite": true});
        let plain = json!({"slug": "other", "base_instructions": "plain"});
        let preferred = json!({"slug": PREFERRED, "base_instructions": "right"});
        assert_eq!(pick(&json!({"models": [lite, plain, preferred]})), Some("right"));
        assert_eq!(pick(&json!({"models": [lite, plain]})), Some("plain"));
        assert_eq!(pick(&json!({"models": [lite]})), None);
    }

    #[test]
    fn a_version_can_be_no_path() {
        assert!(is_version("0.169.0") && is_version("1.2.3-alpha.1"));
        for text in ["", "../x", "1/2", ".", "x"] {
            assert!(!is_version(text), "{text}");
        }
    }
}
