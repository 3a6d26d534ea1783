//! Whole configurations: what they mean, and where exactly they are wrong.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::catalog::Dialect;
use crate::secret::Secret;
use wire::target::Structured;

/// The configuration of the design, as users copy it.
const SAMPLE: &str = r#"alias_sets = ["codex-defaults"]

[server]
listen = "127.0.0.1:8484"

[store]
responses = "memory"

[default]
model = "deepseek/deepseek-v4-pro"

[providers.deepseek]
preset = "deepseek"
api_key = "${DEEPSEEK_API_KEY}"

[providers.lab]
dialect = "chat"
base_url = "http://127.0.0.1:9001/v1"
api_key = "test"
models = ["mock-model"]

[aliases]
"gpt-5.5" = "deepseek/deepseek-v4-pro"
"gpt-5.4-mini" = { to = ["lab/mock-model", "deepseek/deepseek-v4-pro"], purpose = "sub-agent tasks", effort = "low", fast = false, verbosity = "low", max_output_tokens = 32000 }

[fallback]
"deepseek/*" = ["lab/mock-model"]
"#;

fn env(name: &str) -> Option<String> {
    match name {
        "DEEPSEEK_API_KEY" => Some("sk-canary-deepseek".to_owned()),
        "CANARY" => Some("sk-canary-any".to_owned()),
        _ => None,
    }
}

fn read_with(
    text: &str,
    env: &Environment<'_>,
) -> Result<(Snapshot, Vec<Diagnostic>), Vec<Diagnostic>> {
    let files = files::Files {
        home: PathBuf::from("home"),
        config: Some((PathBuf::from("config.toml"), text.to_owned())),
        records: Vec::new(),
    };
    Snapshot::of(&files, env)
}

fn good(text: &str) -> (Snapshot, Vec<Diagnostic>) {
    read_with(text, &env).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// The complaints, as people see them.
fn complaints(text: &str) -> Vec<String> {
    let found = match read_with(text, &env) {
        Ok((_, found)) | Err(found) => found,
    };
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(!lines.iter().any(|line| line.contains("canary")), "{lines:#?}");
    lines
}

#[test]
fn the_configuration_of_the_design_is_understood() {
    let (snapshot, found) = good(SAMPLE);
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "warning: config.toml:1:15: alias_sets[0]: left out, for their provider is not configured: \
             `gpt-5.3-codex-spark` to `zhipu/glm-5.1`; hint: configure the provider, or give these \
             names aliases of your own",
            "warning: config.toml:19:11: providers.lab.api_key: the key stands in clear in this file; \
             hint: keep it in the environment and write `${MY_KEY}` here",
        ]
    );
    let names: Vec<&str> = snapshot.providers().iter().map(|p| p.id.as_str()).collect();
    assert_eq!(names, ["deepseek", "lab", "quire"]);
    let lab = snapshot.provider("lab").expect("configured");
    let url = lab.endpoint(Dialect::Chat).expect("it speaks chat").to_string();
    assert_eq!(url, "http://127.0.0.1:9001/v1/chat/completions");
    assert_eq!(lab.key, Some(Secret::new("test")));
    assert_eq!(lab.models().len(), 1);
    let deepseek = snapshot.provider("deepseek").expect("configured");
    assert_eq!(deepseek.key, Some(Secret::new("sk-canary-deepseek")));
    let aliases: Vec<&str> = snapshot.aliases().iter().map(|a| a.name.as_str()).collect();
    assert_eq!(aliases, ["gpt-5.5", "gpt-5.4-mini", "gpt-5.4", "gpt-5.3-codex"]);
    let mini = &snapshot.aliases()[1];
    assert_eq!(
        mini.settings,
        Settings {
            purpose: Some("sub-agent tasks".to_owned()),
            effort: Some(wire::turn::Effort::Low),
            fast: Some(false),
            verbosity: Some(Verbosity::Low),
            max_output_tokens: Some(32_000),
        }
    );
    assert_eq!(snapshot.default_model.as_deref(), Some("deepseek/deepseek-v4-pro"));
    assert_eq!(snapshot.fallbacks().len(), 1);
}

#[test]
fn without_a_file_only_the_demo_is_there() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().display().to_string();
    let env = move |name: &str| (name == "QUIRE_HOME").then(|| path.clone());
    let (snapshot, found) = Snapshot::load(None, &env).expect("defaults");
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(snapshot.file, None);
    assert_eq!(snapshot.home, home.path());
    assert_eq!(snapshot.providers().len(), 1);
    assert_eq!(snapshot.server, Server::default());
    assert_eq!(snapshot.server.listen.to_string(), "127.0.0.1:8484");
    assert_eq!(snapshot.server.max_body_bytes, 64 * 1024 * 1024);
    assert!(snapshot.log.enabled);
    let demo = snapshot.provider("quire").expect("always there");
    assert_eq!(demo.origin, Origin::BuiltIn);
    assert!(demo.model("demo").listed && !demo.model("else").listed);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let found = Snapshot::load(Some(Path::new("/nowhere/q.toml")), &|_| None).expect_err("missing");
    assert_eq!(found[0].to_string(), "error: /nowhere/q.toml: there is no such file");
}

/// Text, then each complaint that it must bring, in order and no other.
#[test]
fn every_mistake_is_named_with_its_place_and_a_hint() {
    let table: &[(&str, &[&str])] = &[
        (
            "[providers.lab]\nbase_ur = \"http://127.0.0.1:1/v1\"\n",
            &[
                "error: config.toml:1:12: providers.lab: `base_url` is missing; hint: add it, like \
                 `base_url = \"http://127.0.0.1:8000/v1\"`",
                "error: config.toml:2:1: providers.lab.base_ur: unknown key; hint: did you mean \
                 `base_url`?",
            ],
        ),
        (
            "[server]\nlisten = 8484\nmax_body_bytes = 0\nkeep_alive_seconds = -1\n",
            &[
                "error: config.toml:2:10: server.listen: expected a string, found a number",
                "error: config.toml:3:18: server.max_body_bytes: must be more than 0",
                "error: config.toml:4:22: server.keep_alive_seconds: expected a whole number of 0 \
                 or more, found a number",
            ],
        ),
        (
            "[server]\nlisten = \"everywhere\"\n",
            &[
                "error: config.toml:2:10: server.listen: `everywhere` is not an address; hint: write \
               an IP address and a port, like `127.0.0.1:8484`",
            ],
        ),
        (
            "[providers.x]\npreset = \"deepsek\"\napi_key = \"${CANARY}\"\n",
            &[
                "error: config.toml:2:10: providers.x.preset: there is no preset `deepsek`; hint: did \
               you mean `deepseek`?",
            ],
        ),
        (
            "[providers.deepseek]\napi_key = \"${CANARY}\"\n",
            &["error: config.toml:1:12: providers.deepseek: `base_url` is missing; hint: add \
               `preset = \"deepseek\"`"],
        ),
        (
            "[providers.z]\npreset = \"zhipu\"\n",
            &[
                "error: config.toml:1:12: providers.z: there is no key for this provider; hint: set \
               `ZHIPU_API_KEY`, or add `api_key = \"${ZHIPU_API_KEY}\"`; keys are made at \
               https://bigmodel.cn/console/usercenter/apikeys",
            ],
        ),
        (
            "[providers.z]\npreset = \"zhipu\"\napi_key = \"${NOT_SET}\"\n",
            &[
                "error: config.toml:3:11: providers.z.api_key: the environment variable `NOT_SET` is \
               not set; hint: set it where quire starts, as in `export NOT_SET=…`",
            ],
        ),
        (
            "[providers.z]\npreset = \"zhipu\"\napi_key = \"  \"\n",
            &[
                "error: config.toml:3:11: providers.z.api_key: the key is empty; hint: write the key, \
               or a variable like `${MY_KEY}`",
            ],
        ),
        (
            "[providers.z]\npreset = \"zhipu\"\napi_key = [\"sk-canary\"]\n",
            &[
                "error: config.toml:1:12: providers.z: there is no key for this provider; hint: set \
                 `ZHIPU_API_KEY`, or add `api_key = \"${ZHIPU_API_KEY}\"`; keys are made at \
                 https://bigmodel.cn/console/usercenter/apikeys",
                "error: config.toml:3:11: providers.z.api_key: expected a string, found a list",
            ],
        ),
        (
            "[providers.a]\nbase_url = \"http://169.254.169.254/v1\"\n\
             [providers.b]\nbase_url = \"localhost:8000\"\n\
             [providers.c]\nbase_url = \"http://u:canary@[::1\"\n",
            &[
                "error: config.toml:2:12: providers.a.base_url: link-local and metadata addresses \
                 are refused; hint: name the provider's own address",
                "error: config.toml:4:12: providers.b.base_url: only `http` and `https` are spoken; \
                 hint: start it with `https://`",
                "error: config.toml:6:12: providers.c.base_url: not a URL: invalid IPv6 address; \
                 hint: write it like `http://127.0.0.1:8000/v1`",
            ],
        ),
        (
            "[providers.a]\nbase_url = \"http://example.com/v1\"\napi_key = \"${CANARY}\"\n",
            &[
                "warning: config.toml:1:12: providers.a: the key is sent over `http`, where others can \
               read it; hint: use `https`, or a server on this machine",
            ],
        ),
        (
            "[providers.quire]\nbase_url = \"http://127.0.0.1:1\"\n\
             [providers.\"a/b\"]\nbase_url = \"http://127.0.0.1:1\"\n",
            &[
                "error: config.toml:1:12: providers.quire: `quire` is the name of the built-in \
                 provider",
                "error: config.toml:3:12: providers.\"a/b\": a provider's name holds no `/`, `*` or \
                 space",
            ],
        ),
        (
            "[providers.a]\nbase_url = \"http://127.0.0.1:1\"\ndialect = \"smoke\"\n",
            &[
                "error: config.toml:3:11: providers.a.dialect: `smoke` is not known here; hint: use \
               one of `chat`, `responses`, `messages`",
            ],
        ),
        (
            "[providers.a]\nbase_url = \"http://127.0.0.1:1\"\nheaders = { \"bad name\" = \"x\", ok = \"${CANARY}\\n\" }\n",
            &[
                "error: config.toml:3:13: providers.a.headers.\"bad name\": not a header name",
                "error: config.toml:3:36: providers.a.headers.ok: a header's value holds no control \
                 characters",
            ],
        ),
        (
            "[aliases]\n\"gpt-5.5\" = \"depseek/x\"\nfast = { to = \"lab/m\", effort = \"very\" }\n\
             none = { purpose = \"x\" }\nbare = \"m\"\n\
             mute = { to = \"lab/m\", max_output_tokens = 0 }\n\
             [providers.deepseek]\npreset = \"deepseek\"\n\
             [providers.lab]\nbase_url = \"http://127.0.0.1:1\"\nmodels = [\"m\"]\n",
            &[
                "error: config.toml:2:13: aliases.\"gpt-5.5\": there is no provider `depseek`; hint: \
                 did you mean `deepseek/x`?",
                "error: config.toml:3:33: aliases.fast.effort: `very` is not known here; hint: use \
                 one of `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`, `ultra`",
                "error: config.toml:4:1: aliases.none: the alias leads nowhere; hint: add \
                 `to = \"provider/model\"`",
                "error: config.toml:5:8: aliases.bare: `m` names no provider; hint: write `lab/m`",
                "error: config.toml:6:44: aliases.mute.max_output_tokens: no answer fits into 0 \
                 tokens; hint: leave it out for no limit",
            ],
        ),
        (
            "[aliases]\na = \"b\"\nb = { to = [\"c\"] }\nc = \"a\"\nself = \"self\"\n",
            &[
                "error: config.toml:4:5: aliases.c: the aliases lead in a circle: a -> b -> c -> a",
                "error: config.toml:5:8: aliases.self: `self` names no provider",
            ],
        ),
        (
            "[default]\nmodel = \"deepseek/deepseek-v4-pro\"\n",
            &[
                "error: config.toml:2:9: default.model: `deepseek` is not configured; only its key was \
               found in the environment; hint: add `[providers.deepseek]` with `preset = \
               \"deepseek\"`",
            ],
        ),
        (
            "[fallback]\n\"lab/*\" = [\"lab/mm\", \"gone/x\", \"quire/dem\"]\n\
             [providers.lab]\nbase_url = \"http://127.0.0.1:1\"\nmodels = [\"m\"]\n",
            &[
                "warning: config.toml:2:12: fallback.\"lab/*\"[0]: `lab` does not list `mm`; hint: \
                 did you mean `m`?",
                "error: config.toml:2:22: fallback.\"lab/*\"[1]: there is no provider `gone`; hint: \
                 configured providers: lab, quire",
                "error: config.toml:2:32: fallback.\"lab/*\"[2]: `quire` has no model `dem`; hint: \
                 did you mean `demo`?",
            ],
        ),
        (
            "alias_sets = [\"codex\"]\nprovider = 1\n",
            &[
                "error: config.toml:1:15: alias_sets[0]: there is no alias set `codex`; hint: known \
                 sets: codex-defaults",
                "error: config.toml:2:1: provider: unknown key; hint: did you mean `providers`?",
            ],
        ),
        ("[server\nlisten = 1\n", &["error: config.toml:1:8: "]),
        ("[providers.a]\napi_key = \"sk-canary\n", &["error: config.toml:"]),
    ];
    for (text, expected) in table {
        let found = complaints(text);
        for (line, start) in found.iter().zip(*expected) {
            assert!(line.starts_with(start), "\n  {line}\nshould be\n  {start}\nin\n{text}");
        }
        assert!(found.len() == expected.len(), "{found:#?}\nin\n{text}");
    }
}

#[test]
fn a_mistake_in_a_provider_is_not_reported_again_where_it_is_named() {
    let found = complaints(
        "[providers.deepseek]\npreset = \"deepsek\"\n[aliases]\na = \"deepseek/x\"\n\
         [fallback]\n\"*\" = \"deepseek/y\"\n[default]\nmodel = \"deepseek/z\"\n",
    );
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_shipped_set_finds_the_provider_under_the_users_name_for_it() {
    let (snapshot, _) =
        good("alias_sets = \"codex-defaults\"\n[providers.ds]\npreset = \"deepseek\"\n");
    assert_eq!(snapshot.aliases()[0].to[0].name(), "ds/deepseek-v4-pro");
}

#[test]
fn no_text_makes_the_reader_panic() {
    for (end, _) in SAMPLE.char_indices() {
        complaints(&SAMPLE[..end]);
        complaints(&SAMPLE[end..]);
    }
    for value in
        ["1", "-1", "1e9", "nan", "\"\"", "[]", "[[]]", "{}", "true", "1979-05-27", "\"é\\u0000\""]
    {
        for key in
            ["server", "default", "providers", "aliases", "fallback", "log", "codex", "alias_sets"]
        {
            complaints(&format!("{key} = {value}\n"));
            complaints(&format!("[{key}]\nx = {value}\n"));
        }
        for key in [
            "preset", "dialect", "dialects", "base_url", "api_key", "models", "auth", "headers",
            "defaults", "efforts", "errors", "sources", "env",
        ] {
            complaints(&format!("[providers.p]\n{key} = {value}\n"));
            complaints(&format!("[providers.p]\n{key} = [{value}]\n"));
            complaints(&format!("[providers.p.{key}]\nx = {value}\n"));
            complaints(&format!("[providers.p.{key}.low]\nacts_as = {value}\nsend = {value}\n"));
        }
    }
}

#[test]
fn the_auxiliary_section_is_left_alone() {
    assert_eq!(complaints("[auxiliary.vision]\nmodel = \"a/b\"\nany = [1]\n"), [""; 0]);
}

#[test]
fn every_field_of_a_record_can_be_overridden() {
    let (snapshot, _) = good(
        r#"
[providers.ds]
preset = "deepseek"
api_key = "${CANARY}"
base_url = "http://127.0.0.1:9001/${CANARY}/"
name = "Mine"
auth = { header = "X-Api-Key" }
headers = { x-team = "${CANARY}" }
defaults = { context = 5, efforts = "none", accepts = ["seed"] }
models = ["deepseek-v4-pro", { id = "extra", input = ["text", "image"], max_output = 7 }]
errors = [{ status = 418, kind = "overloaded" }]
models_closed = true
"#,
    );
    let provider = snapshot.provider("ds").expect("configured");
    assert_eq!(provider.preset.as_deref(), Some("deepseek"));
    assert_eq!(provider.record.name, "Mine");
    assert_eq!(provider.record.auth.scheme, crate::catalog::Scheme::Header("x-api-key".to_owned()));
    let models: Vec<&str> = provider.models().iter().map(|model| model.id.as_str()).collect();
    assert_eq!(models, ["deepseek-v4-pro", "extra"]);
    let extra = provider.model("extra");
    assert_eq!((extra.chat.images, extra.chat.max_output_tokens), (true, Some(7)));
    let pro = provider.model("deepseek-v4-pro");
    assert_eq!((pro.name.as_str(), pro.context), ("DeepSeek V4 Pro", Some(5)));
    assert_eq!(pro.chat.accepts, ["seed"]);
    assert!(provider.record.models_closed);
    assert_eq!(provider.record.errors[0].status, Some(418));
    // The Messages endpoint of the vendor is another host than the one that was named.
    assert_eq!(provider.dialects().collect::<Vec<_>>(), [Dialect::Chat]);
    let url = provider.endpoint(Dialect::Chat).expect("chat").expose().path().to_owned();
    assert_eq!(url, "/sk-canary-any/chat/completions");
}

#[test]
fn a_list_of_dialects_is_spoken_at_one_base() {
    let (snapshot, _) = good(
        "[providers.p]\nbase_url = \"http://127.0.0.1:1/v1\"\ndialect = [\"messages\", \"chat\"]\n",
    );
    let provider = snapshot.provider("p").expect("configured");
    assert_eq!(provider.dialects().collect::<Vec<_>>(), [Dialect::Messages, Dialect::Chat]);
    let url = |dialect| provider.endpoint(dialect).map(ToString::to_string);
    assert_eq!(url(Dialect::Messages).as_deref(), Some("http://127.0.0.1:1/v1/messages"));
    assert_eq!(url(Dialect::Chat).as_deref(), Some("http://127.0.0.1:1/v1/chat/completions"));
    assert_eq!(url(Dialect::Responses), None);
}

#[test]
fn a_preset_takes_its_key_from_the_usual_variable_but_not_to_another_address() {
    let (snapshot, _) = good("[providers.d]\npreset = \"deepseek\"\n");
    assert!(snapshot.provider("d").is_some_and(|provider| provider.key.is_some()));
    let elsewhere = "[providers.d]\npreset = \"deepseek\"\nbase_url = \"http://127.0.0.1:1\"\n";
    let (snapshot, _) = good(elsewhere);
    assert!(snapshot.provider("d").is_some_and(|provider| provider.key.is_none()));
}

#[test]
fn a_local_provider_needs_no_key() {
    for preset in ["ollama", "vllm", "lm-studio"] {
        let (snapshot, found) =
            good(&format!("[providers.l]\npreset = \"{preset}\"\napi_key = \"\"\n"));
        assert!(found.is_empty(), "{found:?}");
        assert!(snapshot.provider("l").is_some_and(|p| p.key.is_none() && p.record.local));
    }
}

#[test]
fn keys_in_the_environment_make_providers_that_are_marked() {
    let (snapshot, found) = good("");
    assert!(found.is_empty(), "{found:?}");
    let deepseek = snapshot.provider("deepseek").expect("found");
    assert_eq!(deepseek.origin, Origin::Environment);
    // A configured provider of the same preset takes its place.
    let (snapshot, _) = good("[providers.mine]\npreset = \"deepseek\"\n");
    assert!(snapshot.providers().iter().all(|provider| provider.origin != Origin::Environment));
    assert_eq!(snapshot.provider("deepseek").map(|p| p.id.as_str()), Some("mine"));
}

#[test]
fn settings_of_chained_aliases_add_up() {
    let (snapshot, _) = good(
        r#"
[providers.lab]
base_url = "http://127.0.0.1:1"
[aliases]
base = { to = "lab/m", effort = "low", purpose = "base" }
top = { to = "base", effort = "high" }
"#,
    );
    let top = snapshot.aliases().iter().find(|alias| alias.name == "top").expect("an alias");
    assert_eq!(top.settings.effort, Some(wire::turn::Effort::High));
    assert_eq!(top.settings.purpose.as_deref(), Some("base"));
    assert_eq!(top.to[0].name(), "lab/m");
}

#[test]
fn an_address_that_others_reach_needs_client_keys() {
    let (snapshot, _) = good("[server]\nlisten = \"0.0.0.0:8484\"\n");
    let exposed = snapshot.exposed(snapshot.server.listen, false).expect("exposed");
    assert_eq!(
        exposed.to_string(),
        "error: config.toml:2:10: server.listen: `0.0.0.0:8484` can be reached by others, and there \
         is no client key; hint: add one with `quire key add NAME`, or listen on `127.0.0.1:8484`"
    );
    assert_eq!(snapshot.exposed(snapshot.server.listen, true), None);
    for loopback in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(snapshot.exposed(loopback.parse().expect("an address"), false), None);
    }
    for open in ["192.168.1.2:1", "[::]:1", "[fe80::1]:1"] {
        assert!(snapshot.exposed(open.parse().expect("an address"), false).is_some(), "{open}");
    }
}

#[test]
fn no_secret_is_ever_printed() {
    let text = r#"
[providers.a]
base_url = "https://u:sk-canary-url@example.com/v1?key=sk-canary-query"
api_key = "sk-canary-literal"
headers = { authorization = "Bearer sk-canary-header", x = "${CANARY}" }
[providers.deepseek]
preset = "deepseek"
api_key = "${CANARY}"
"#;
    let (snapshot, found) = good(text);
    let printed = format!("{snapshot:?} {snapshot:#?} {found:?}");
    assert!(!printed.contains("canary"), "a secret was printed");
    assert!(printed.contains("<secret>"));
}

fn live(folder: &Path) -> Result<Arc<Live>, Vec<Diagnostic>> {
    let home = folder.display().to_string();
    Live::start(None, Arc::new(move |name: &str| (name == "QUIRE_HOME").then(|| home.clone())))
}

#[test]
fn a_bad_edit_keeps_the_old_configuration_and_is_remembered() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("config.toml");
    let write = |text: &str| fs::write(&file, text).expect("written");
    let lab = "[providers.lab]\nbase_url = \"http://127.0.0.1:1/v1\"\n";
    write(lab);
    let live = live(home.path()).expect("it is good");
    assert!(live.reload_if_changed().is_none(), "nothing changed");

    write(&format!("{lab}nonsense = true\n"));
    assert!(matches!(live.reload_if_changed(), Some(Reload::Kept(_))));
    assert!(live.snapshot().provider("lab").is_some());
    let standing = live.standing();
    assert!(standing.stale);
    assert_eq!(standing.diagnostics[0].line, 3);

    write(&format!("{lab}models = [\"m\"]\n[server]\nlisten = \"127.0.0.1:1\"\n"));
    let Some(Reload::Taken(found)) = live.reload_if_changed() else { panic!("not taken") };
    assert_eq!(found[0].path, "server.listen");
    assert!(!live.standing().stale);
    assert_eq!(live.snapshot().provider("lab").map(|lab| lab.models().len()), Some(1));

    // A file that disappears takes its providers with it.
    fs::remove_file(&file).expect("removed");
    assert!(matches!(live.reload_if_changed(), Some(Reload::Taken(_))));
    assert!(live.snapshot().provider("lab").is_none());
}

#[test]
fn the_users_own_records_are_part_of_the_configuration() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("providers");
    fs::create_dir(&folder).expect("a folder");
    let record = "id = \"mine\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodels = [\"m\"]\n";
    fs::write(folder.join("mine.toml"), record).expect("written");
    fs::write(home.path().join("config.toml"), "[providers.x]\npreset = \"mine\"\n")
        .expect("written");
    let live = live(home.path()).expect("it is good");
    assert_eq!(live.snapshot().provider("x").map(|x| x.models().len()), Some(1));
    fs::write(folder.join("mine.toml"), "id = 1\n").expect("written");
    let Some(Reload::Kept(found)) = live.reload_if_changed() else { panic!("taken") };
    assert!(found[0].file.ends_with("providers/mine.toml"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn the_watcher_tells_of_each_reload() {
    let home = tempfile::tempdir().expect("a folder");
    let live = live(home.path()).expect("defaults");
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let watch = Arc::clone(&live).watch(Duration::from_secs(1), move |reload| {
        let _ = told.send(matches!(reload, Reload::Taken(_)));
    });
    let text = "[providers.lab]\nbase_url = \"http://127.0.0.1:1/v1\"\n";
    fs::write(home.path().join("config.toml"), text).expect("written");
    let taken = tokio::select! {
        () = watch => None,
        taken = heard.recv() => taken,
    };
    assert_eq!(taken, Some(true));
    assert!(live.snapshot().provider("lab").is_some());
}

#[test]
fn what_is_said_of_a_provider_with_one_dialect_is_said_of_that_dialect() {
    let (snapshot, _) = good(
        "[providers.one]\ndialect = \"messages\"\nbase_url = \"http://127.0.0.1:1\"\n\
         defaults = { structured = \"schema\", accepts = [\"top_k\"] }\n\
         models = [\"a\", { id = \"b\", structured = \"none\" }]\n\
         [providers.two]\ndialect = [\"messages\", \"chat\"]\nbase_url = \"http://127.0.0.1:2\"\n\
         defaults = { structured = \"schema\" }\nmodels = [\"a\"]\n",
    );
    let model = |provider: &str, name: &str| {
        let found = snapshot.providers().iter().find(|one| one.id == provider);
        found.expect("it is configured").model(name)
    };
    assert_eq!(model("one", "a").messages.structured, Structured::Schema);
    assert_eq!(model("one", "a").messages.accepts, ["top_k"]);
    assert_eq!(model("one", "b").messages.structured, Structured::None);
    assert_ne!(model("two", "a").messages.structured, Structured::Schema);
    assert_eq!(model("two", "a").chat.structured, Structured::Schema);
}
