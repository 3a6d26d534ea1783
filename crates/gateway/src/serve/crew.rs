//! Who serves connections: a few threads, each with a runtime of its own, so that a connection, its
//! requests and what they ask of providers never leave their thread and wake no other.

use std::io;
use std::net::TcpStream as Socket;
use std::sync::Arc;
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

use super::App;
use super::listen::connection;

/// The threads that serve connections.
#[derive(Debug)]
pub(super) struct Crew {
    app: Arc<App>,
    threads: Vec<mpsc::UnboundedSender<Socket>>,
    next: usize,
}

impl Crew {
    /// Starts `size` threads; with none, connections are served where they are taken.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(super) fn start(app: &Arc<App>, size: usize) -> io::Result<Self> {
        let threads = (0..size).map(|number| worker(app, number)).collect::<io::Result<_>>()?;
        Ok(Self { app: Arc::clone(app), threads, next: 0 })
    }

    /// Hands a connection to the next thread.
    pub(super) fn serve(&mut self, stream: TcpStream) -> io::Result<()> {
        if self.threads.is_empty() {
            self.app.drain.track(connection(Arc::clone(&self.app), stream));
            return Ok(());
        }
        self.next = (self.next + 1) % self.threads.len();
        let gone = |_| io::Error::other("a serving thread has ended");
        self.threads[self.next].send(stream.into_std()?).map_err(gone)
    }
}

/// One thread. It ends when no more connections come and those it has are over.
fn worker(app: &Arc<App>, number: usize) -> io::Result<mpsc::UnboundedSender<Socket>> {
    // Bounded by the files that the system lets the process open.
    let (sender, mut sockets) = mpsc::unbounded_channel::<Socket>();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let app = Arc::clone(app);
    thread::Builder::new().name(format!("quire-serve-{number}")).spawn(move || {
        runtime.block_on(async {
            while let Some(socket) = sockets.recv().await {
                match TcpStream::from_std(socket) {
                    Ok(stream) => app.drain.track(connection(Arc::clone(&app), stream)),
                    Err(error) => tracing::warn!(%error, "a connection could not be served"),
                }
            }
            app.drain.ended().await;
        });
    })?;
    Ok(sender)
}
