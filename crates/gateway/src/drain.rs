//! The end of the process: no new connections, time for what is under way, then the end.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Shared by all who must end.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    started: CancellationToken,
    forced: CancellationToken,
    ended: CancellationToken,
    tasks: TaskTracker,
}

impl Drain {
    /// Begins the end.
    pub fn start(&self) {
        self.started.cancel();
    }

    /// Whether the end has begun.
    pub fn is_draining(&self) -> bool {
        self.started.is_cancelled()
    }

    /// Waits for the end to begin.
    pub async fn started(&self) {
        self.started.cancelled().await;
    }

    /// Waits for the moment when patience is over.
    pub async fn forced(&self) {
        self.forced.cancelled().await;
    }

    /// Waits until nothing is under way any more.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Runs a task that the end waits for. Its owner is this drain; it stops by [`Drain::started`]
    /// and [`Drain::forced`].
    pub fn track(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits for all tasks, at most for `patience`; then they are ended.
    pub async fn finish(&self, patience: Duration) {
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            self.forced.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.wait()).await;
        }
        self.ended.cancel();
    }
}
