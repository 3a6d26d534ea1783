//! Live lists of models: what quire asks a provider, when it asks, and what becomes of the answer.
//! The providers are small servers on loopback that are told what to answer.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use gateway::config::{Live, Origin, Snapshot};
use gateway::discovery::{Discovery, Limits};
use gateway::route::{list, resolve};
use gateway::upstream::Client;
use tempfile::TempDir;
use testkit::canary;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;

/// What a provider answers: a status, headers and a body.
type Says = (u16, &'static str, String);

/// A provider that answers each request by its head.
struct Provider {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    says: Arc<Mutex<Option<Says>>>,
}

impl Provider {
    /// A provider that answers this, or whatever it is told later.
    async fn saying(body: &str) -> Self {
        Self::answering(200, "", body).await
    }

    async fn answering(status: u16, headers: &'static str, body: &str) -> Self {
        let says = Arc::new(Mutex::new(Some((status, headers, body.to_owned()))));
        let told = Arc::clone(&says);
        Self::with(says, move |_| told.lock().expect("nobody panics").clone()).await
    }

    /// A provider that takes every request and answers none.
    async fn silent() -> Self {
        Self::with(Arc::default(), |_| None).await
    }

    async fn with(
        says: Arc<Mutex<Option<Says>>>,
        answer: impl Fn(&str) -> Option<Says> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&heads), Arc::new(answer));
        // It ends with the runtime of its test.
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut head = String::new();
                    let mut byte = [0];
                    while !head.ends_with("\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok()
                    {
                        head.push(char::from(byte[0]));
                    }
                    seen.lock().expect("nobody panics").push(head.clone());
                    let Some((status, headers, body)) = answer(&head) else {
                        return std::future::pending().await;
                    };
                    let length = body.len();
                    let text = format!(
                        "HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                    );
                    let _ = stream.write_all(text.as_bytes()).await;
                });
            }
        });
        Self { port, heads, says }
    }

    fn says(&self, status: u16, body: &str) {
        *self.says.lock().expect("nobody panics") = Some((status, "", body.to_owned()));
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("nobody panics").clone()
    }

    fn asked(&self) -> usize {
        self.heads().len()
    }

    /// `[providers.NAME]` at this server, with these lines.
    fn section(&self, name: &str, lines: &str) -> String {
        let key = canary::API_KEY;
        format!(
            "[providers.{name}]\nbase_url = \"http://127.0.0.1:{}/v1\"\napi_key = \"{key}\"\n{lines}\n",
            self.port
        )
    }
}

const TWO: &str = r#"{"object":"list","data":[{"id":"qwen3:8b","object":"model"},{"id":"org/big","object":"model","max_model_len":65536},{"id":"nomic-embed-text"}]}"#;

/// A configuration in force, and who finds models for it.
struct Stage {
    home: TempDir,
    live: Arc<Live>,
    client: Client,
    discovery: Discovery,
    began: Instant,
}

impl Stage {
    fn of(config: &str) -> Self {
        Self::with(config, Limits::default(), &[])
    }

    fn with(config: &str, limits: Limits, variables: &[(&str, &str)]) -> Self {
        LazyLock::force(&LOG);
        let home = TempDir::new().expect("a folder");
        write(home.path(), config);
        let mut all: HashMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        all.insert("QUIRE_HOME".to_owned(), home.path().display().to_string());
        let live = Live::start(None, Arc::new(move |name: &str| all.get(name).cloned()))
            .expect("the configuration of the test is right");
        let discovery = Discovery::new(limits);
        Self { home, live, client: Client::default(), discovery, began: Instant::now() }
    }

    /// Asks for the list when so many seconds have passed.
    async fn at(&self, seconds: u64) -> Arc<Snapshot> {
        let now = self.began + Duration::from_secs(seconds);
        self.discovery.refresh(&self.live, &self.client, now).await
    }
}

fn write(home: &Path, config: &str) {
    std::fs::write(home.join("config.toml"), config).expect("the folder is writable");
}

/// The names of this provider's models.
fn names(snapshot: impl AsRef<Snapshot>, provider: &str) -> Vec<String> {
    let of = |slug: String| Some(slug.strip_prefix(provider)?.strip_prefix('/')?.to_owned());
    list(snapshot.as_ref()).into_iter().filter_map(|listed| of(listed.slug)).collect()
}

#[tokio::test]
async fn a_providers_own_list_adds_names_once_it_was_asked_for() {
    let server = Provider::saying(TWO).await;
    let stage = Stage::of(&server.section("home", "preset = \"ollama\""));
    assert!(names(stage.live.snapshot(), "home").is_empty());
    assert!(resolve(&stage.live.snapshot(), Some("qwen3:8b")).is_err(), "nobody was asked yet");
    assert_eq!(server.asked(), 0);

    let snapshot = stage.at(0).await;
    assert_eq!(names(&snapshot, "home"), ["qwen3:8b", "org/big"], "vectors are no conversation");
    for asked in ["qwen3:8b", "org/big", "home/qwen3:8b"] {
        let route = resolve(&snapshot, Some(asked)).expect(asked);
        assert_eq!(route.candidates[0].provider.id, "home");
        assert!(!route.candidates[0].unlisted, "{asked}");
    }
    // A name that is not on such a list is as good as before.
    let other = resolve(&snapshot, Some("home/other")).expect("it is passed on");
    assert!(!other.candidates[0].unlisted);
    let listed = list(&snapshot);
    let big = listed.iter().find(|listed| listed.slug == "home/org/big").expect("it is listed");
    assert_eq!(big.context_window, Some(65_536), "the server knows what fits");

    let heads = server.heads();
    assert_eq!(heads.len(), 1);
    let head = heads[0].to_lowercase();
    assert!(head.starts_with("get /v1/models http/1.1\r\n"), "{head}");
    assert!(head.contains("user-agent: quire/") && !head.contains("content-length"), "{head}");
    assert!(heads[0].contains(&format!("authorization: Bearer {}", canary::API_KEY)), "{head}");
}

#[tokio::test]
async fn anthropic_is_asked_in_its_own_way_page_by_page() {
    let page = |id: &str, more: bool| {
        format!(
            r#"{{"data":[{{"type":"model","id":"{id}","display_name":"The {id}","max_input_tokens":500000,"max_tokens":9000}}],"has_more":{more},"last_id":"{id}"}}"#
        )
    };
    let server = Provider::with(Arc::default(), move |head| {
        let body = match head {
            _ if head.contains("after_id=claude-b%26") => page("claude-haiku-4-5", false),
            _ if head.contains("after_id=claude-a") => page("claude-b&", true),
            _ => page("claude-a", true),
        };
        Some((200, "", body))
    })
    .await;
    let stage =
        Stage::of(&server.section("claude", "preset = \"anthropic\"\ndialect = \"messages\""));
    let snapshot = stage.at(0).await;
    let names = names(&snapshot, "claude");
    assert!(names.contains(&"claude-a".to_owned()) && names.contains(&"claude-b&".to_owned()));
    assert_eq!(names.iter().filter(|name| *name == "claude-haiku-4-5").count(), 1);
    let provider = snapshot.provider("claude").expect("it is configured");
    let new = provider.model("claude-a");
    assert_eq!((new.name.as_str(), new.context), ("The claude-a", Some(500_000)));
    assert_eq!(new.messages.max_output_tokens, Some(9_000));
    // What the record knows of a model goes before what the list says of it.
    let known = provider.model("claude-haiku-4-5");
    assert_eq!((known.name.as_str(), known.context), ("Claude Haiku 4.5", Some(200_000)));

    let heads = server.heads();
    assert_eq!(heads.len(), 3);
    assert!(heads[0].starts_with("GET /v1/models?limit=1000 HTTP/1.1\r\n"), "{}", heads[0]);
    for head in &heads {
        assert!(head.contains(&format!("x-api-key: {}\r\n", canary::API_KEY)), "{head}");
        assert!(head.contains("anthropic-version: 2023-06-01\r\n"), "{head}");
        assert!(!head.contains("authorization"), "{head}");
    }
}

#[tokio::test]
async fn what_was_only_found_in_the_environment_gets_full_names_only() {
    let server = Provider::saying(r#"{"data":[{"id":"fresh"}]}"#).await;
    let stage = Stage::with("", Limits::default(), &[("LIVE_KEY", canary::API_KEY)]);
    let folder = stage.home.path().join("providers");
    std::fs::create_dir(&folder).expect("a folder");
    let record = format!(
        "id = \"found\"\nenv = [\"LIVE_KEY\"]\nbase_url = \"http://127.0.0.1:{}\"\nlive_models = true\n",
        server.port
    );
    std::fs::write(folder.join("found.toml"), record).expect("the folder is writable");
    stage.live.reload();
    let snapshot = stage.at(0).await;
    assert_eq!(snapshot.provider("found").map(|found| found.origin), Some(Origin::Environment));
    assert_eq!(names(&snapshot, "found"), ["fresh"]);
    assert!(resolve(&snapshot, Some("found/fresh")).is_ok());
    assert!(resolve(&snapshot, Some("fresh")).is_err(), "nobody pays by accident");
}

#[tokio::test]
async fn a_found_name_never_changes_what_a_name_meant() {
    let server = Provider::saying(r#"{"data":[{"id":"mine"},{"id":"both"}]}"#).await;
    let other = Provider::saying(r#"{"data":[{"id":"both"}]}"#).await;
    let config = format!(
        "[providers.own]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"mine\"]\n[aliases]\nshort = \"a/mine\"\n{}{}",
        server.section("a", "live_models = true"),
        other.section("b", "live_models = true"),
    );
    let stage = Stage::of(&config);
    let snapshot = stage.at(0).await;
    let route = resolve(&snapshot, Some("mine")).expect("it is configured");
    assert_eq!(route.candidates[0].provider.id, "own");
    let both = resolve(&snapshot, Some("both")).expect_err("two have it");
    assert!(both.to_string().contains("`a/both`, `b/both`"), "{both}");
    let alias = resolve(&snapshot, Some("short")).expect("an alias");
    assert!(!alias.candidates[0].unlisted && alias.candidates[0].model.listed);
}

#[tokio::test]
async fn a_provider_is_asked_once_by_however_many_and_again_when_its_list_is_old() {
    let server = Provider::saying(TWO).await;
    let stage = Stage::of(&server.section("home", "live_models = true"));
    let all = tokio::join!(stage.at(0), stage.at(0), stage.at(0), stage.at(0));
    assert_eq!(server.asked(), 1);
    assert_eq!(names(&all.0, "home").len(), 3);
    assert_eq!(names(&all.3, "home").len(), 3);
    server.says(200, r#"{"data":[{"id":"newer"}]}"#);
    stage.at(599).await;
    assert_eq!(server.asked(), 1);
    assert_eq!(names(&stage.at(601).await, "home"), ["newer"], "what is gone is gone");
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn one_that_leaves_does_not_take_the_answer_with_it() {
    let server = Provider::saying(TWO).await;
    let stage = Stage::of(&server.section("home", "live_models = true"));
    let mut leaves = Box::pin(stage.at(0));
    // Polled once, so that the question is on its way, then dropped.
    std::future::poll_fn(|cx| {
        let _ = leaves.as_mut().poll(cx);
        std::task::Poll::Ready(())
    })
    .await;
    drop(leaves);
    assert_eq!(names(&stage.at(0).await, "home").len(), 3);
}

#[tokio::test]
async fn who_does_not_want_it_is_never_asked() {
    let server = Provider::saying(TWO).await;
    let config = format!(
        "{}{}{}{}",
        server.section("a", ""),
        server.section("b", "preset = \"deepseek\""),
        server.section("c", "preset = \"ollama\"\nlive_models = false"),
        server.section("d", "preset = \"ollama\"\nmodels = [\"only-this\"]"),
    );
    let stage = Stage::of(&config);
    let snapshot = stage.at(0).await;
    assert_eq!(server.asked(), 0);
    assert_eq!(names(&snapshot, "d"), ["only-this"], "who writes a list means this list");
}

#[tokio::test]
async fn a_failure_leaves_what_is_known_and_is_not_repeated_at_once() {
    let lines = "live_models = true\nmodels = [\"own\"]";
    let limits =
        Limits { time: Duration::from_millis(200), page_bytes: 2_000, ..Limits::default() };
    let long = format!(r#"{{"data":[{{"id":"{}"}}]}}"#, "x".repeat(3_000));
    let servers = [
        Provider::answering(500, "", "boom").await,
        Provider::answering(401, "", TWO).await,
        Provider::answering(302, "location: /v1/other\r\n", TWO).await,
        Provider::saying("<html>hello</html>").await,
        Provider::saying(r#"{"object":"list"}"#).await,
        Provider::saying(&long).await,
        Provider::silent().await,
    ];
    for server in servers {
        let stage = Stage::with(&server.section("home", lines), limits, &[]);
        assert_eq!(names(&stage.at(0).await, "home"), ["own"]);
        assert_eq!(server.asked(), 1, "a redirect is not followed");
        stage.at(59).await;
        assert_eq!(server.asked(), 1, "it is left alone for a minute");
        stage.at(61).await;
        assert_eq!(server.asked(), 2);
    }
}

#[tokio::test]
async fn a_list_that_came_outlives_a_failure() {
    let server = Provider::saying(TWO).await;
    let stage = Stage::of(&server.section("home", "live_models = true"));
    stage.at(0).await;
    server.says(500, "");
    assert_eq!(names(&stage.at(700).await, "home").len(), 3);
    assert_eq!(names(&stage.at(800).await, "home").len(), 3);
    assert_eq!(server.asked(), 3);
    server.says(200, r#"{"data":[{"id":"back"}]}"#);
    assert_eq!(names(&stage.at(900).await, "home"), ["back"]);
}

#[tokio::test]
async fn a_list_without_end_is_cut() {
    let endless = |head: &str| {
        let seen = head.split("after_id=m").nth(1).and_then(|rest| rest.split(' ').next());
        let next = seen.and_then(|text| text.parse::<u32>().ok()).map_or(0, |n| n + 1);
        let body =
            format!(r#"{{"data":[{{"id":"m{next}"}}],"has_more":true,"last_id":"m{next}"}}"#);
        Some((200, "", body))
    };
    let server = Provider::with(Arc::default(), endless).await;
    let limits = Limits { pages: 4, ..Limits::default() };
    let lines = "dialect = \"messages\"\nlive_models = true";
    let stage = Stage::with(&server.section("home", lines), limits, &[]);
    assert_eq!(names(&stage.at(0).await, "home").len(), 4);
    assert_eq!(server.asked(), 4);
    let few = Limits { models: 2, ..Limits::default() };
    let stage = Stage::with(&server.section("home", lines), few, &[]);
    assert_eq!(names(&stage.at(0).await, "home"), ["m0", "m1"]);

    // One that gives the same page again and again has said everything.
    let same = r#"{"data":[{"id":"m"}],"has_more":true,"last_id":"m"}"#;
    let server = Provider::saying(same).await;
    let stage = Stage::of(&server.section("home", lines));
    assert_eq!(names(&stage.at(0).await, "home"), ["m"]);
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_list_stays_through_reloads_while_the_address_is_the_same() {
    let server = Provider::saying(TWO).await;
    let config = server.section("home", "live_models = true");
    let stage = Stage::of(&config);
    stage.at(0).await;
    write(stage.home.path(), &format!("{config}[aliases]\nx = \"home/qwen3:8b\"\n"));
    stage.live.reload();
    assert_eq!(names(stage.live.snapshot(), "home").len(), 3);
    assert_eq!(server.asked(), 1);

    let other = Provider::saying(r#"{"data":[{"id":"elsewhere"}]}"#).await;
    write(stage.home.path(), &other.section("home", "live_models = true"));
    stage.live.reload();
    assert!(names(stage.live.snapshot(), "home").is_empty(), "another server has other models");
    assert_eq!(names(&stage.at(1).await, "home"), ["elsewhere"]);
    write(stage.home.path(), &other.section("home", ""));
    stage.live.reload();
    assert!(names(&stage.at(2).await, "home").is_empty(), "it is switched off");
}

/// What all tests of this file log: the callsites of a process have one subscriber.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).init();
    log
});

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_failure_is_logged_once_and_without_the_key() {
    let server = Provider::answering(401, "", "no").await;
    let stage = Stage::of(&server.section("logged", "live_models = true"));
    for minute in 0..4 {
        stage.at(minute * 61).await;
    }
    assert_eq!(server.asked(), 4);
    let text = String::from_utf8(LOG.0.lock().expect("nobody panics").clone()).expect("text");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("\"logged\"")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].contains("list of models could not be had: it answered 401"), "{lines:?}");
    canary::assert_no_secret("the log", &text);
}
