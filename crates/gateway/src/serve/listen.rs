//! The listening socket and its connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::App;
use super::crew::Crew;
use super::worded::{Worded, refusal};
use crate::drain::Drain;

/// The most bytes of a request's head; a connection keeps a buffer of that size while its answer
/// streams. It has 100 headers at most: hyper's own limit, which costs an allocation a request
/// when it is set.
const MAX_HEAD: usize = 12 << 10;
/// How long to wait after the system refused a connection, for example for want of files.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a client that was refused may go on sending.
const LINGER: Duration = Duration::from_secs(2);

/// The address is in use.
#[derive(Debug, thiserror::Error)]
#[error(
    "{address} is taken{by}; choose another address with `--listen 127.0.0.1:PORT` or `listen` in `[server]`"
)]
pub struct PortTaken {
    pub address: SocketAddr,
    /// By whom, as far as can be told: empty, or ` by …`.
    pub by: String,
}

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// [`PortTaken`], or what the system says.
    pub async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        match TcpListener::bind(address).await {
            Ok(socket) => Ok(Self { socket }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(PortTaken { address, by: taken_by(address).await }.into())
            }
            Err(error) => Err(anyhow::anyhow!("cannot listen on {address}: {error}")),
        }
    }

    /// The address, with the port that the system chose where none was given.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Takes connections until the process drains.
    pub(super) async fn run(self, drain: Drain, mut crew: Crew) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.started() => break,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    if let Err(error) = crew.serve(stream) {
                        tracing::warn!(%error, "a connection could not be served");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Serves one connection. Its task is the only one: requests, their attempts and the reading of
/// answers all happen in it.
pub(super) async fn connection(app: Arc<App>, stream: TcpStream) {
    // Without this a small head waits for the acknowledgement of the one before it.
    let _ = stream.set_nodelay(true);
    let drain = app.drain.clone();
    let head_timeout = app.live.snapshot().server.head_timeout;
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        // In a box of its own, since it is large and over long before a streamed answer is.
        let answer = Box::pin(app.handle(request));
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(Worded::new(TokioIo::new(stream)), service);
    let served = tokio::select! {
        served = &mut connection => served,
        () = drain.started() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            tokio::select! {
                served = &mut connection => served,
                () = drain.forced() => return,
            }
        }
    };
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().into_inner();
    if let Err(error) = served {
        // Clients come and go; only their own side knows why.
        tracing::debug!(%error, "a connection ended early");
        // One that sent nothing is merely idle, and would take this for its next answer.
        if error.is_timeout() && !parts.read_buf.is_empty() {
            let text = format!("the request's head took longer than {} s", head_timeout.as_secs());
            let _ = stream.write_all(&refusal("408", &text)).await;
        }
    }
    if !drain.is_draining() {
        let _ = tokio::time::timeout(LINGER, let_go(stream)).await;
    }
}

/// Closes a connection, but reads what is still being sent: a socket that is closed over unread
/// bytes takes its last answer with it.
async fn let_go(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = vec![0; 16 << 10];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Who listens on a taken address.
async fn taken_by(address: SocketAddr) -> String {
    match another_quire(address).await {
        Some(what) => what,
        None => process_listening_on(address.port()).unwrap_or_default(),
    }
}

/// Asks whether it is quire that is there.
async fn another_quire(address: SocketAddr) -> Option<String> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request =
            format!("GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.take(64 << 10).read_to_end(&mut answer).await.ok()?;
        let text = String::from_utf8(answer).ok()?;
        let status: serde_json::Value =
            serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()?;
        let (version, pid) = (status.get("version")?.as_str()?, status.get("pid")?.as_u64()?);
        Some(format!(" by another quire ({version}, process {pid})"))
    };
    tokio::time::timeout(Duration::from_secs(1), ask).await.ok()?
}

/// The name of the process that listens on a port, where the system tells (Linux).
fn process_listening_on(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        std::fs::read_to_string(table).ok()?.lines().skip(1).find_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let local = u16::from_str_radix(fields.get(1)?.rsplit(':').next()?, 16).ok()?;
            // State 0A is LISTEN.
            (local == port && *fields.get(3)? == "0A")
                .then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
    })?;
    let wanted = format!("socket:[{inode}]");
    let owns = |pid: &std::path::Path| {
        std::fs::read_dir(pid.join("fd")).ok().is_some_and(|files| {
            files.flatten().any(|file| {
                std::fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str())
            })
        })
    };
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        if !owns(&entry.path()) {
            return None;
        }
        let name = std::fs::read_to_string(entry.path().join("comm")).ok()?;
        Some(format!(" by `{}` (process {pid})", name.trim()))
    })
}
