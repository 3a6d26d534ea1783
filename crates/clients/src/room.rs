//! A fresh place for one run: a home, a configuration folder and a workspace that nobody else uses.
//! It is deleted when the test succeeds and kept, with its path printed, when the test panics.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::install;

#[derive(Debug)]
pub struct Room {
    folder: Option<TempDir>,
    path: PathBuf,
}

impl Room {
    /// An empty room; `name` helps to recognise it when it is kept.
    pub fn fresh(name: &str) -> Room {
        let base = base();
        fs::create_dir_all(&base).expect("the folder for test rooms can be created");
        let folder = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(base)
            .expect("a room can be created");
        // Clients print canonical paths.
        let path = folder.path().canonicalize().expect("the room was just created");
        for part in ["home", "codex", "quire", "temporary", "workspace"] {
            fs::create_dir(path.join(part)).expect("the room is empty");
        }
        Room { folder: Some(folder), path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    /// Codex's own folder, `CODEX_HOME`.
    pub fn codex_home(&self) -> PathBuf {
        self.path.join("codex")
    }

    /// quire's own folder, `QUIRE_HOME`.
    pub fn quire_home(&self) -> PathBuf {
        self.path.join("quire")
    }

    /// What a client is told to be the temporary folder.
    pub fn temporary(&self) -> PathBuf {
        self.path.join("temporary")
    }

    /// The folder in which the client works.
    pub fn workspace(&self) -> PathBuf {
        self.path.join("workspace")
    }

    /// Puts a file into the workspace.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.workspace().join(name);
        fs::write(&path, content).expect("the workspace is writable");
        path
    }

    /// A file of the workspace, or `None` if it is not there.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.workspace().join(name)).ok()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            let kept = folder.keep();
            #[expect(clippy::print_stderr, reason = "tells who reads the failure where to look")]
            {
                eprintln!("the room is kept at {}", kept.display());
            }
        }
    }
}

/// Codex treats a home below the temporary folder as a throw-away one: it skips its helpers and
/// warns. So rooms lie in the build folder, or elsewhere when the whole checkout is temporary.
fn base() -> PathBuf {
    let preferred = install::root().join("target/tmp/rooms");
    if preferred.starts_with(std::env::temp_dir()) {
        PathBuf::from("/var/tmp/quire-rooms")
    } else {
        preferred
    }
}
