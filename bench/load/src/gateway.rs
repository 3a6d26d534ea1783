//! The programs that are compared: how each is started, when it is ready, and that none is left
//! behind. All run on processor 0; the mock and the load share processor 1.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::body::Speech;
use crate::process::{Memory, Usage};

/// A row of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// No gateway: the load asks the mock.
    Direct,
    Nginx,
    RelayPass,
    Relay,
    QuirePass,
    QuireNoLog,
    /// Responses in, Messages out.
    QuireToMessages,
    /// Messages in, Chat out.
    QuireFromMessages,
    Quire,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Direct,
        Self::Nginx,
        Self::RelayPass,
        Self::Relay,
        Self::QuirePass,
        Self::QuireNoLog,
        Self::QuireToMessages,
        Self::QuireFromMessages,
        Self::Quire,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx (pass)",
            Self::RelayPass => "relay (pass)",
            Self::Relay => "relay",
            Self::QuirePass => "quire (pass)",
            Self::QuireNoLog => "quire, log off",
            Self::QuireToMessages => "quire to Messages",
            Self::QuireFromMessages => "quire, Messages in",
            Self::Quire => "quire",
        }
    }

    /// The name that JSON results use.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx_pass",
            Self::RelayPass => "relay_pass",
            Self::Relay => "relay",
            Self::QuirePass => "quire_pass",
            Self::QuireNoLog => "quire_log_off",
            Self::QuireToMessages => "quire_to_messages",
            Self::QuireFromMessages => "quire_from_messages",
            Self::Quire => "quire",
        }
    }

    pub(crate) fn is_quire(self) -> bool {
        matches!(
            self,
            Self::QuirePass
                | Self::QuireNoLog
                | Self::QuireToMessages
                | Self::QuireFromMessages
                | Self::Quire
        )
    }

    /// What the load says to this gateway.
    pub(crate) fn speech(self) -> Speech {
        if self == Self::QuireFromMessages { Speech::Messages } else { Speech::Responses }
    }

    /// The model's name as this gateway wants it.
    pub(crate) fn model(self, bare: &str) -> String {
        if self.is_quire() { format!("bench/{bare}") } else { bare.to_owned() }
    }
}

/// Where programs and files are.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The folder of the built programs.
    pub(crate) programs: PathBuf,
    /// A folder for configurations and logs, emptied before and after.
    pub(crate) work: PathBuf,
    pub(crate) gateway_core: &'static str,
    pub(crate) load_core: &'static str,
}

/// A running program; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first good answer.
    pub(crate) ready_after: Duration,
    child: Option<Child>,
}

const READY_WITHIN: Duration = Duration::from_secs(10);
const STOP_WITHIN: Duration = Duration::from_secs(3);

impl Gateway {
    /// Starts the mock. It is a gateway to the rest of this program: something with an address.
    pub(crate) fn mock(place: &Place) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = pinned(place, place.load_core, &place.programs.join("bench-mock"));
        command.arg(address.to_string());
        Self::start(Kind::Direct, command, address, place, "mock")
    }

    /// Why a gateway cannot run here, if it cannot.
    pub(crate) fn missing(kind: Kind, place: &Place) -> Option<String> {
        match kind {
            Kind::Direct | Kind::Relay | Kind::RelayPass => None,
            Kind::Nginx if nginx().is_none() => Some(
                "no `nginx` found; on Debian and Ubuntu `apt-get install nginx-light` brings it"
                    .to_owned(),
            ),
            Kind::Nginx => None,
            _ if !place.programs.join("quire").exists() => Some(format!(
                "no `{}`; `cargo build --release` makes it",
                place.programs.join("quire").display()
            )),
            _ => None,
        }
    }

    pub(crate) fn new(kind: Kind, mock: SocketAddr, place: &Place) -> io::Result<Self> {
        if kind == Kind::Direct {
            let ready_after = Duration::ZERO;
            return Ok(Self { kind, address: mock, ready_after, child: None });
        }
        let address = free_address()?;
        let folder = place.work.join(kind.id());
        // What an earlier start left is kept, as it is for a user.
        fs::create_dir_all(&folder)?;
        let command = match kind {
            Kind::Nginx => {
                let config = folder.join("nginx.conf");
                fs::write(&config, nginx_config(&folder, address, mock))?;
                let program = nginx().ok_or(io::ErrorKind::NotFound)?;
                let mut command = pinned(place, place.gateway_core, &program);
                command.arg("-p").arg(&folder).arg("-c").arg(&config);
                command.arg("-e").arg(folder.join("error.log"));
                command
            }
            Kind::Relay | Kind::RelayPass => {
                let program = place.programs.join("bench-relay");
                let mut command = pinned(place, place.gateway_core, &program);
                command.arg(if kind == Kind::Relay { "translate" } else { "pass" });
                command.arg(address.to_string()).arg(mock.to_string());
                command
            }
            _ => {
                let config = folder.join("config.toml");
                fs::write(&config, quire_config(kind, address, mock))?;
                let program = place.programs.join("quire");
                let mut command = pinned(place, place.gateway_core, &program);
                command.env("QUIRE_HOME", &folder).arg("serve").arg("--config").arg(&config);
                command
            }
        };
        Self::start(kind, command, address, place, kind.id())
    }

    fn start(
        kind: Kind,
        mut command: Command,
        address: SocketAddr,
        place: &Place,
        name: &str,
    ) -> io::Result<Self> {
        let log = place.work.join(format!("{name}.log"));
        let output = fs::File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let begin = Instant::now();
        let child = command.spawn().map_err(|fault| {
            io::Error::other(format!(
                "cannot start `{}`: {fault}; `taskset` and `setpriv` come with util-linux",
                command.get_program().display()
            ))
        })?;
        // From here on dropping ends the process, whatever happens.
        let mut gateway = Self { kind, address, ready_after: Duration::ZERO, child: Some(child) };
        while !is_ready(kind, address) {
            let ended = match &mut gateway.child {
                Some(child) => child.try_wait()?,
                None => None,
            };
            if ended.is_some() || begin.elapsed() > READY_WITHIN {
                let why = fs::read_to_string(&log).unwrap_or_default();
                let why = why.lines().last().unwrap_or("it says nothing").to_owned();
                return Err(io::Error::other(format!("`{name}` does not get ready: {why}")));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        gateway.ready_after = begin.elapsed();
        Ok(gateway)
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub(crate) fn usage(&self) -> Usage {
        self.pid().map(Usage::of).unwrap_or_default()
    }

    pub(crate) fn memory(&self) -> Memory {
        self.pid().map(Memory::of).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            // An error means that it has ended already.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let begin = Instant::now();
        while begin.elapsed() < STOP_WITHIN {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A command that stays on one processor and ends when this program ends, even by a signal.
fn pinned(place: &Place, core: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "taskset", "-c", core]).arg(program);
    command.current_dir(&place.work);
    command
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn is_ready(kind: Kind, address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    if !kind.is_quire() {
        return true;
    }
    let request = format!("GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = [0; 12];
    stream.set_read_timeout(Some(Duration::from_secs(2))).is_ok()
        && stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer.ends_with(b" 200")
}

fn nginx() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian puts it where an ordinary user's path does not look.
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join("nginx"))
        .find(|program| program.is_file())
}

/// A plain reverse proxy, set up as one would for streams: kept connections, no buffering.
fn nginx_config(folder: &Path, address: SocketAddr, mock: SocketAddr) -> String {
    let folder = folder.display();
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    format!(
        "{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 8m;
    client_body_buffer_size 2m;
    keepalive_requests 1000000000;
    tcp_nodelay on;
    upstream mock {{
        server {mock};
        keepalive 1100;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {address} backlog=2048;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
        }}
    }}
}}
"
    )
}

fn quire_config(kind: Kind, address: SocketAddr, mock: SocketAddr) -> String {
    let dialect = match kind {
        Kind::QuirePass => "responses",
        Kind::QuireToMessages => "messages",
        _ => "chat",
    };
    let log = if kind == Kind::QuireNoLog { "\n[log]\nenabled = false\n" } else { "" };
    format!(
        "[server]
listen = \"{address}\"

[providers.bench]
dialect = \"{dialect}\"
base_url = \"http://{mock}/v1\"
api_key = \"test\"
models = [\"bench-a\", \"bench-b\", \"bench-c\", \"bench-d\", \"bench-p\"]
{log}"
    )
}
