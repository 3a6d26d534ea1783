//! Plays the scenes for one pair of dialects: the client, the gateway, the upstream, and what both
//! ends saw of each conversation. Every scene that fails is told, not the first alone.

use std::sync::Arc;

use serde_json::Value;
use testkit::script::Script;
use testkit::strict::Profile;
use testkit::upstream::Upstream;
use testkit::{Dialect, canary, judge};

use crate::client::{Client, Heard};
use crate::differences::{self, Way};
use crate::scene::{Answer, Format, Scene, heard, schema};
use crate::sent::{self, Atom};
use crate::stage::Quire;

/// A gateway between a client of one dialect and an upstream of another.
pub(crate) struct Pair {
    pub(crate) client: Dialect,
    pub(crate) quire: Quire,
    pub(crate) upstream: Upstream,
    /// The upstream of thinking models, where the other one cannot take reasoning back.
    thinker: Option<Upstream>,
}

/// The model that scenes ask for, and the one that those ask for that want it to think.
pub(crate) const MODEL: &str = "lab/mock-model";

fn config(dialect: Dialect, upstream: &Upstream) -> String {
    let key = canary::API_KEY;
    let able = "structured = \"schema\"";
    let facts = match dialect {
        Dialect::Chat => format!(
            "{able}, developer_role = true, max_tokens = \"max_completion_tokens\", \
             efforts = \"openai\", strict_tools = true, \
             accepts = [\"temperature\", \"top_p\", \"stop\", \"stream_options\", \"parallel_tool_calls\"]"
        ),
        Dialect::Messages => {
            format!("messages = {{ {able}, tool_images = true, late_system = true }}")
        }
        Dialect::Responses => {
            format!("responses = {{ {able}, tool_images = true, custom_tools = true }}")
        }
    };
    format!(
        "[providers.lab]\ndialect = \"{}\"\nbase_url = \"{}\"\napi_key = \"{key}\"\n\
         models = [\"mock-model\"]\n\
         defaults = {{ input = [\"text\", \"image\", \"file\"], max_output = 64000, {facts} }}\n",
        dialect.name(),
        upstream.base_url(),
    )
}

impl Pair {
    pub(crate) async fn set(client: Dialect, upstream: Dialect) -> Self {
        let profile = match upstream {
            Dialect::Chat => Profile::OpenAi,
            other => Profile::strictest(other),
        };
        let start = |profile| {
            Upstream::with().profile(profile).key(canary::API_KEY).start(Script::default())
        };
        let (lab, mut thinker) = (start(profile).await, None);
        let mut config = config(upstream, &lab);
        if upstream == Dialect::Chat {
            let deepseek = start(Profile::DeepSeek).await;
            config.push_str(&format!(
                "[providers.deepseek]\npreset = \"deepseek\"\nbase_url = \"{}\"\napi_key = \"{}\"\n",
                deepseek.base_url(),
                canary::API_KEY
            ));
            thinker = Some(deepseek);
        }
        let quire = Quire::start(&config).await;
        Self { client, quire, upstream: lab, thinker }
    }

    /// The upstream that answers this scene, and the model that it has.
    fn cast(&self, scene: &Scene) -> (&Upstream, &'static str) {
        match &self.thinker {
            Some(thinker) if scene.asks.effort.is_some() => (thinker, "deepseek/deepseek-v4-pro"),
            _ => (&self.upstream, MODEL),
        }
    }

    /// Plays a scene, streamed and whole, and compares the two.
    pub(crate) async fn play(&self, scene: &Scene) {
        let way = Way { client: self.client, upstream: self.upstream.dialect(), scene, round: 0 };
        if !differences::is_played(&way) {
            return;
        }
        let streamed = self.run(scene, true).await;
        let whole = self.run(scene, false).await;
        for (number, (streamed, whole)) in streamed.iter().zip(&whole).enumerate() {
            self.compare(streamed, whole, number);
        }
    }

    async fn run(&self, scene: &Scene, stream: bool) -> Vec<Heard> {
        let (upstream, model) = self.cast(scene);
        let dialect = upstream.dialect();
        let mut client = Client::new(self.client, &scene.asks, model);
        let (mut all, mut atoms, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for (number, round) in scene.rounds.iter().enumerate() {
            let way = Way { client: self.client, upstream: dialect, scene, round: number };
            let speech = Arc::new(round.says.clone());
            let says = Arc::clone(&speech);
            upstream.set_script(Script::choose(move |request| {
                says.says(&sent::offered(dialect, &request.json)).into()
            }));
            round.adds.iter().for_each(|add| client.add(add));
            let before = upstream.requests().len();
            let response = self.quire.send(&client.request(stream)).await;
            let place = format!("round {number}, {}", if stream { "streamed" } else { "whole" });
            let requests = upstream.requests().split_off(before);
            if let Some(refusal) = requests.iter().find_map(|request| request.refusal.as_ref()) {
                let body = requests.first().map(|request| request.json.to_string());
                panic!("{place}: rule `{}`: {}\n{body:.3000?}", refusal.rule, refusal.message);
            }
            assert_eq!(upstream.troubles(), Vec::<String>::new());
            let answer = client.hear(response, stream).await;
            assert_eq!(requests.len(), 1, "{place}");
            let body = &requests[0].json;
            let offered = sent::offered(dialect, body);
            assert_eq!(offered.len(), scene.asks.tools.len(), "{place}: {offered:?}");
            for add in &round.adds {
                atoms.extend(sent::added(add, &offered, &mut ids));
            }
            let told = in_order(sent::conversation(dialect, body));
            let (wanted, why) = differences::told(&way, atoms.clone());
            assert_same(
                &told,
                &in_order(wanted),
                &format!("{place}, what the upstream was told"),
                &why,
            );
            self.settings(&way, body, &place);
            let (wanted, why) = differences::heard(&way, heard(&speech, &scene.asks.tools, model));
            assert_heard(&answer.answer, &wanted, &place, &why);
            atoms.extend(sent::said(&speech, &offered, &mut ids));
            assert_eq!(answer.notes, differences::notes(&way), "{place}: notes");
            client.take(&answer);
            all.push(answer);
        }
        all
    }

    /// Asserts that the request asks for the form and the limits that the scene wants.
    fn settings(&self, way: &Way<'_>, body: &Value, place: &str) {
        let asks = &way.scene.asks;
        let (format, sent_schema) = sent::format(way.upstream, body);
        // Messages knows no form but a schema.
        let wanted = match (asks.format, way.upstream) {
            (Format::Object, Dialect::Messages) => Format::Text,
            (format, _) => format,
        };
        assert_eq!(format, wanted, "{place}: the form of the answer");
        if format == Format::Schema {
            assert_eq!(sent_schema, schema(), "{place}");
        }
        let (stop, limit) = sent::limits(way.upstream, body);
        let can_stop = ![way.client, way.upstream].contains(&Dialect::Responses);
        let wanted: Vec<String> =
            asks.stop.filter(|_| can_stop).map(str::to_owned).into_iter().collect();
        assert_eq!(stop, wanted, "{place}: stop sequences");
        if asks.limit.is_some() {
            assert_eq!(limit, asks.limit, "{place}: the limit");
        }
    }

    /// Asserts that a stream and a whole answer to the same request say the same.
    fn compare(&self, streamed: &Heard, whole: &Heard, number: usize) {
        assert_eq!(streamed.answer, whole.answer, "round {number}: streamed and whole");
        let stream = masked_stream(streamed.stream.as_deref().expect("it was streamed"));
        let object = masked(&whole.object);
        let verdict = match self.client {
            Dialect::Chat => judge::chat_same(&stream, &object),
            Dialect::Messages => judge::messages_same(&judge::frames(&stream), &object),
            Dialect::Responses => {
                let streamed = masked(&streamed.object);
                assert_eq!(streamed, object, "round {number}: streamed and whole");
                Ok(())
            }
        };
        if let Err(complaints) = verdict {
            let told: Vec<String> = complaints.iter().map(ToString::to_string).collect();
            panic!("round {number}: {}", told.join("\n"));
        }
    }
}

/// What may stand otherwise: results of parallel calls in any order among themselves, and several
/// instructions in one.
fn in_order(atoms: Vec<Atom>) -> Vec<Atom> {
    let mut ordered: Vec<Atom> = Vec::with_capacity(atoms.len());
    for atom in atoms {
        match (ordered.last_mut(), atom) {
            (Some(Atom::Instruction(before)), Atom::Instruction(text)) => {
                before.push_str("\n\n");
                before.push_str(&text);
            }
            (_, atom) => ordered.push(atom),
        }
    }
    let is_result = |atom: &Atom| matches!(atom, Atom::Result(..));
    for run in ordered.chunk_by_mut(|one, other| is_result(one) && is_result(other)) {
        run.sort_by_key(|atom| match atom {
            Atom::Result(id, _) => id.clone(),
            _ => String::new(),
        });
    }
    ordered
}

#[track_caller]
fn assert_same(found: &[Atom], wanted: &[Atom], what: &str, why: &[&str]) {
    let differs = (0..found.len().max(wanted.len())).find(|at| found.get(*at) != wanted.get(*at));
    if let Some(at) = differs {
        let before = at.checked_sub(1).map(|at| &found[at]);
        panic!(
            "{what}, at {at}:\n  found {}\n wanted {}\n  after {}\n(allowed: {why:#?})",
            short(&found.get(at)),
            short(&wanted.get(at)),
            short(&before),
        );
    }
}

#[track_caller]
fn assert_heard(found: &Answer, wanted: &Answer, place: &str, why: &[&str]) {
    assert!(
        found == wanted,
        "{place}, what the client heard:\n  found {}\n wanted {}\n(allowed: {why:#?})",
        short(found),
        short(wanted)
    );
}

fn short(what: &impl std::fmt::Debug) -> String {
    format!("{what:?}").chars().take(800).collect()
}

/// Members that are made anew for each answer.
const FRESH: [&str; 8] = [
    "id",
    "created",
    "created_at",
    "completed_at",
    "signature",
    "data",
    "encrypted_content",
    "request_id",
];

/// An answer without what is made anew each time.
fn masked(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(masked).collect(),
        Value::Object(members) => {
            // The id of a call is the model's and stays.
            let is_call = members.contains_key("function")
                || members.get("type") == Some(&Value::from("tool_use"));
            let mask = |(name, value): (&String, &Value)| {
                let is_fresh = FRESH.contains(&name.as_str()) && !(is_call && name == "id");
                let masked = match value {
                    Value::String(_) | Value::Number(_) if is_fresh => Value::from("fresh"),
                    value => masked(value),
                };
                (name.clone(), masked)
            };
            Value::Object(members.iter().map(mask).collect())
        }
        value => value.clone(),
    }
}

/// The same for each event of a stream.
fn masked_stream(stream: &str) -> String {
    let line = |line: &str| match line.strip_prefix("data: ").map(serde_json::from_str::<Value>) {
        Some(Ok(data)) => format!("data: {}\n", masked(&data)),
        _ => format!("{line}\n"),
    };
    stream.lines().map(line).collect()
}
