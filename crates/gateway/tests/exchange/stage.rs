//! A gateway in this process, and the real binary in another: how the exchange tests set the
//! stage. Both have a home of their own, listen on a free port of loopback and end with the test.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use gateway::config::Live;
use gateway::serve::{self, Running};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::client::{Client, Connection, Request, Response};
use testkit::judge::{self, Dialect};
use testkit::upstream::Upstream;
use testkit::{canary, sse};

/// How long a test waits for what must happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// How often the configuration is looked at.
const WATCH: Duration = Duration::from_millis(50);

/// A gateway in this process.
pub(crate) struct Quire {
    pub(crate) home: TempDir,
    pub(crate) address: SocketAddr,
    running: Option<Running>,
}

/// The configuration of a provider `lab` at this upstream.
pub(crate) fn lab(upstream: &Upstream) -> String {
    provider("lab", upstream)
}

/// The configuration of a provider at this upstream, in its dialect, with one model.
pub(crate) fn provider(id: &str, upstream: &Upstream) -> String {
    let (dialect, url, key) = (upstream.dialect().name(), upstream.base_url(), canary::API_KEY);
    format!(
        "[providers.{id}]\ndialect = \"{dialect}\"\nbase_url = \"{url}\"\napi_key = \"{key}\"\nmodels = [\"mock-model\"]\n"
    )
}

impl Quire {
    /// Starts a gateway with this configuration.
    pub(crate) async fn start(config: &str) -> Self {
        Self::with(config, &[]).await
    }

    /// A gateway in front of this upstream, which is the provider `lab`.
    pub(crate) async fn before(upstream: &Upstream) -> Self {
        Self::start(&lab(upstream)).await
    }

    /// Starts a gateway with this configuration and these variables.
    pub(crate) async fn with(config: &str, variables: &[(&str, &str)]) -> Self {
        let home = TempDir::new().expect("a folder for the test");
        // Most tests ask the same thing again and again.
        let config = match config.contains("[server]") {
            true => config.to_owned(),
            false => format!("{config}\n[server]\nrepeat_limit = 0\n"),
        };
        write_config(home.path(), &config);
        Self::at(home, variables).await
    }

    /// Starts a gateway on this home.
    pub(crate) async fn at(home: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut all: HashMap<String, String> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all.insert("QUIRE_HOME".to_owned(), home.path().display().to_string());
        let live = Live::start(None, Arc::new(move |name: &str| all.get(name).cloned()))
            .expect("the configuration of the test is right");
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = serve::start(live, Some(listen), 0, WATCH, |_| {}).await.expect("it starts");
        Self { home, address: running.app().address, running: Some(running) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    pub(crate) async fn connect(&self) -> Connection {
        self.client().connect().await.expect("it listens")
    }

    /// `GET path`, which must succeed.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let mut response = self.client().get(path).await.expect("it answers");
        assert_eq!(response.status(), 200, "GET {path}");
        response.json().await.expect("JSON")
    }

    /// The answer to a Responses request.
    pub(crate) async fn ask(&self, body: &Value) -> Response {
        self.send(&ask(body)).await
    }

    pub(crate) async fn send(&self, request: &Request) -> Response {
        self.client().send(request).await.expect("it answers")
    }

    /// The judged stream that answers this request.
    pub(crate) async fn stream(&self, body: &Value) -> Told {
        told(self.ask(body).await).await
    }

    /// The shared state of the gateway.
    pub(crate) fn app(&self) -> &Arc<serve::App> {
        self.running.as_ref().expect("it runs until it is ended").app()
    }

    /// Ends the gateway, so that its last rows are on the disk.
    pub(crate) async fn end(&mut self) {
        let running = self.running.take().expect("it is ended once");
        running.app().drain.start();
        running.finish(SOON).await;
    }

    /// The rows of the request log, newest first, once there are `count`.
    pub(crate) async fn rows(&self, count: usize) -> Vec<Value> {
        let token = std::fs::read_to_string(self.home.path().join("admin-token")).expect("a token");
        let request = Request::get("/api/requests?limit=500").bearer(token.trim());
        let found = async {
            loop {
                let body = self.send(&request).await.json().await.expect("JSON");
                let rows = body["requests"].as_array().expect("rows").clone();
                if rows.len() >= count {
                    return rows;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(SOON, found).await.expect("the rows are written soon")
    }

    /// Waits until the gateway answers as `done` says.
    pub(crate) async fn until(&self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let body = self.get(path).await;
                if done(&body) {
                    return body;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(SOON, found).await.expect("it becomes so soon")
    }

    /// Asserts that the gateway still answers.
    pub(crate) async fn assert_alive(&self) {
        let body = json!({"model": "quire/demo", "input": "hi", "stream": true});
        self.stream(&body).await.assert_ended("response.completed");
    }
}

/// A Responses request for `lab/mock-model`, streamed, with these members laid over it.
pub(crate) fn body(members: Value) -> Value {
    let mut body = json!({"model": "lab/mock-model", "input": "hi", "stream": true});
    for (name, value) in members.as_object().expect("members") {
        body[name] = value.clone();
    }
    body
}

pub(crate) fn plain() -> Value {
    body(json!({}))
}

pub(crate) fn whole() -> Value {
    body(json!({"stream": false}))
}

/// `POST /v1/responses` with this body.
pub(crate) fn ask(body: &Value) -> Request {
    Request::post("/v1/responses").json(body)
}

pub(crate) fn write_config(home: &Path, config: &str) {
    std::fs::write(home.join("config.toml"), config).expect("the configuration is written");
}

/// A whole stream, judged.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) events: Vec<Value>,
    pub(crate) notes: Option<String>,
}

/// Reads a stream to its end and judges it.
pub(crate) async fn told(mut response: Response) -> Told {
    if response.status() != 200 {
        panic!("{}: {}", response.status(), response.text().await.expect("a body"));
    }
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert!(response.header("x-quire-request-id").is_some());
    let notes = response.header("x-quire-notes").map(str::to_owned);
    let mut events = response.events();
    let (arrived, broken) = events.rest().await;
    assert!(broken.is_none(), "the stream ends well: {broken:?}");
    let frames: Vec<(String, String)> = arrived
        .into_iter()
        .map(|arrived| (arrived.event.name.unwrap_or_default(), arrived.event.data))
        .collect();
    if let Err(complaints) = judge::responses_stream(&frames) {
        let told: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        panic!("{}\n{}", told.join("\n"), String::from_utf8_lossy(events.raw()));
    }
    Told { events: sse::json(events.raw()), notes }
}

impl Told {
    pub(crate) fn last(&self) -> &Value {
        self.events.last().expect("a stream has events")
    }

    /// Asserts how the stream ended; the judge has seen that this is the one terminal event.
    #[track_caller]
    pub(crate) fn assert_ended(&self, name: &str) -> &Self {
        assert_eq!(self.last()["type"], name, "{:#}", self.last());
        self
    }

    #[track_caller]
    pub(crate) fn assert_failed(&self, code: &str) -> &Self {
        self.assert_ended("response.failed");
        assert_eq!(self.last()["response"]["error"]["code"], code, "{:#}", self.last());
        self
    }

    /// The text that was streamed.
    pub(crate) fn text(&self) -> String {
        let deltas =
            self.events.iter().filter(|event| event["type"] == "response.output_text.delta");
        deltas.filter_map(|event| event["delta"].as_str()).collect()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event["type"].as_str()).collect()
    }

    /// The member `quire` of the last event.
    pub(crate) fn quire(&self) -> &Value {
        &self.last()["response"]["quire"]
    }

    pub(crate) fn note_codes(&self) -> Vec<&str> {
        note_codes(self.quire())
    }
}

pub(crate) fn note_codes(quire: &Value) -> Vec<&str> {
    let notes = quire["notes"].as_array().map(Vec::as_slice).unwrap_or_default();
    notes.iter().filter_map(|note| note["code"].as_str()).collect()
}

/// Reads an answer that must be an error of this status in OpenAI's shape, judges its body and
/// returns the error.
#[track_caller]
pub(crate) fn refused(response: Response, status: u16) -> impl Future<Output = Value> {
    refused_in(Dialect::Responses, response, status)
}

/// Reads an answer that must be an error of this status in this dialect, judges its body and
/// returns the error.
#[track_caller]
pub(crate) fn refused_in(
    dialect: Dialect,
    mut response: Response,
    status: u16,
) -> impl Future<Output = Value> {
    let caller = std::panic::Location::caller();
    async move {
        let text = response.text().await.expect("a body");
        assert_eq!(response.status(), status, "{caller}: {} {text}", dialect.name());
        assert!(response.header("x-quire-request-id").is_some(), "{caller}: no id");
        let body: Value = serde_json::from_str(&text).expect("JSON");
        if let Err(complaints) = judge::error_body(dialect, status, &body) {
            panic!("{caller}: {complaints:?}\n{body:#}");
        }
        body["error"].clone()
    }
}

/// Runs all of these at the same time.
pub(crate) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|cx| {
        for (future, done) in running.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                *done = Some(value);
            }
        }
        match running.iter().all(|(_, done)| done.is_some()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}

/// The real binary as a gateway.
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    stderr: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

/// The real binary with this home and no other variables.
pub(crate) fn quire(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quire"));
    command.env_clear().env("QUIRE_HOME", home).env("HOME", home).stdin(Stdio::null());
    command
}

/// Runs a command of the binary to its end.
pub(crate) fn run(home: &Path, arguments: &[&str]) -> Output {
    quire(home).args(arguments).output().expect("the binary runs")
}

impl Process {
    /// Starts `quire serve` on a free port and waits until it says where it is.
    pub(crate) fn start(home: &Path, log: &str) -> Self {
        Self::start_as(quire(home).args(["serve", "--listen", "127.0.0.1:0"]), log)
    }

    /// As [`Process::start`], with a command of its own.
    pub(crate) fn start_as(command: &mut Command, log: &str) -> Self {
        let mut child = command
            .env("QUIRE_LOG", log)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let mut pipe = child.stderr.take().expect("its errors are piped");
        let written = Arc::clone(&stderr);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                written.lock().expect("nobody panics").extend_from_slice(&buffer[..count]);
            }
        });
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("its words are piped"));
        stdout.read_line(&mut line).expect("it says where it is");
        let address = line.trim().rsplit('/').next().and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            let told = String::from_utf8_lossy(&stderr.lock().expect("nobody panics")).into_owned();
            panic!("no address in `{line}`: {told}");
        };
        // The rest of the greeting must find a reader.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Self { address, child, stderr, reader: Some(reader) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Asks it to end, as a service manager does.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let done = Command::new("kill").args(["-TERM", &pid]).status().expect("`kill` runs");
        assert!(done.success());
    }

    /// Waits for its end and returns its exit code.
    pub(crate) async fn ended(&mut self) -> i32 {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("it is our child") {
                    return status.code().unwrap_or(-1);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let code = tokio::time::timeout(SOON, waiting).await.expect("it ends soon");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("its errors were read");
        }
        code
    }

    /// What it wrote to standard error so far.
    pub(crate) fn stderr(&self) -> Vec<u8> {
        self.stderr.lock().expect("nobody panics").clone()
    }

    /// Its resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every byte that the gateway wrote to its home, file by file; its own secrets left out.
pub(crate) fn files(home: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "config.toml") {
                found.push((path.clone(), std::fs::read(&path).expect("a file")));
            }
        }
    }
    found
}
