//! The contract of the store, on a database in a temporary folder. Everything here goes through the
//! public door, so that a second engine can be held to the same tests.

mod files;
mod keys;
mod log;

use super::*;

/// A store in a folder of its own, which goes with it.
struct Fixture {
    home: tempfile::TempDir,
    store: Store,
}

impl Fixture {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("quire.db")).await.unwrap();
        Self { home, store }
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("quire.db")
    }

    /// The same database as another process sees it.
    async fn beside(&self) -> Store {
        Store::open(&self.path()).await.unwrap()
    }
}
