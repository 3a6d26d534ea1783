//! Plays recorded answers to a client, in order, and keeps what it asked. It guards the harness: a
//! recorded exchange must come out as it was recorded. It judges nothing; `testkit` does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::install;

/// A request as it came in; `body` is null when it was not JSON.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

/// A server on a free loopback port that answers `POST` requests from a list.
#[derive(Debug)]
pub struct Replay {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Replay {
    /// Serves the recorded answers of a Codex scenario.
    pub async fn codex(scenario: &str) -> Replay {
        Replay::codex_each(&[scenario]).await
    }

    /// Serves the recorded answers of several Codex scenarios, one after the other.
    pub async fn codex_each(scenarios: &[&str]) -> Replay {
        let folder = fixtures().join("codex");
        let answers = scenarios.iter().flat_map(|scenario| recorded(&folder, scenario)).collect();
        Replay::serve(answers).await
    }

    /// Serves these event streams, one per `POST`; every other request is a 404.
    pub async fn serve(answers: Vec<String>) -> Replay {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.into_iter()));
        let seen = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answers) = (Arc::clone(&seen), Arc::clone(&answers));
                tokio::spawn(async move {
                    let _ =
                        answer(stream, &seen, || answers.lock().expect("no holder panics").next())
                            .await;
                });
            }
        });
        Replay { address, asked, task }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every `POST` so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no holder panics").clone()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    next: impl FnOnce() -> Option<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let asked = read(&mut stream).await?;
    let is_post = asked.method == "POST";
    if is_post {
        seen.lock().expect("no holder panics").push(asked);
    }
    let Some(events) = is_post.then(next).flatten() else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    };
    let cut = events.contains("\n: connection aborted here");
    // Without a length the end of the connection is the end of the body; a cut one needs a
    // promise that is then broken.
    let length = if cut { "content-length: 999999999\r\n" } else { "" };
    let mut head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{length}");
    for line in events.lines().take_while(|line| line.starts_with(": header ")) {
        head.push_str(line.trim_start_matches(": header "));
        head.push_str("\r\n");
    }
    stream.write_all(format!("{head}connection: close\r\n\r\n{events}").as_bytes()).await?;
    stream.shutdown().await
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Asked { method, path, headers, body })
}

/// The recorded answers of a scenario: `NAME.response.sse`, or `NAME.1.response.sse` and so on.
fn recorded(folder: &Path, scenario: &str) -> Vec<String> {
    let one = folder.join(format!("{scenario}.response.sse"));
    let many = (1..).map(|n| folder.join(format!("{scenario}.{n}.response.sse")));
    let answers: Vec<String> = std::iter::once(one)
        .filter(|path| path.is_file())
        .chain(many.take_while(|path| path.is_file()))
        .map(|path| std::fs::read_to_string(path).expect("it is a file of UTF-8 text"))
        .collect();
    assert!(!answers.is_empty(), "no recording of `{scenario}` in {}", folder.display());
    answers
}

fn fixtures() -> PathBuf {
    install::root().join("corpus/fixtures/clients")
}
