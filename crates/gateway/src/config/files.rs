//! Which files make up the configuration, and their text. The only place here that touches the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use etcetera::BaseStrategy;

use super::{Diagnostic, Severity};
use crate::catalog::Environment;

/// The files of one reading.
#[derive(Debug)]
pub(super) struct Files {
    pub home: PathBuf,
    /// The configuration, if there is one.
    pub config: Option<(PathBuf, String)>,
    /// The user's provider records, sorted by name.
    pub records: Vec<(PathBuf, String)>,
}

/// What a file looked like; enough to see that it changed.
pub(super) type Fingerprint = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

/// `$QUIRE_HOME`, or `quire` in the platform's configuration folder.
pub fn home(env: &Environment<'_>) -> PathBuf {
    if let Some(home) = env("QUIRE_HOME").filter(|home| !home.is_empty()) {
        return PathBuf::from(home);
    }
    etcetera::choose_base_strategy()
        .map_or_else(|_| PathBuf::from(".quire"), |base| base.config_dir().join("quire"))
}

impl Files {
    /// A file that was named must be there; the usual one may be missing.
    pub(super) fn read(
        path: Option<&Path>,
        env: &Environment<'_>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let home = home(env);
        let file = path.map_or_else(|| home.join("config.toml"), Path::to_owned);
        let mut problems = Vec::new();
        let config = match fs::read_to_string(&file) {
            Ok(text) => Some((file, text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_none() => None,
            Err(error) => {
                problems.push(unreadable(&file, &error));
                None
            }
        };
        let mut records = Vec::new();
        for file in record_files(&home) {
            match fs::read_to_string(&file) {
                Ok(text) => records.push((file, text)),
                Err(error) => problems.push(unreadable(&file, &error)),
            }
        }
        if problems.is_empty() { Ok(Self { home, config, records }) } else { Err(problems) }
    }
}

/// How the files look now.
pub(super) fn fingerprint(path: Option<&Path>, env: &Environment<'_>) -> Fingerprint {
    let home = home(env);
    let config = path.map_or_else(|| home.join("config.toml"), Path::to_owned);
    std::iter::once(config)
        .chain(record_files(&home))
        .map(|file| {
            let look =
                fs::metadata(&file).ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
            (file, look)
        })
        .collect()
}

fn record_files(home: &Path) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(home.join("providers")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn unreadable(file: &Path, error: &io::Error) -> Diagnostic {
    let message = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::InvalidData => "the file is not UTF-8 text".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    };
    Diagnostic::of_file(Severity::Error, file, message)
}
