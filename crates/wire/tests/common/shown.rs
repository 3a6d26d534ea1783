//! A turn as lines that a person can compare: what a request came to, whoever asked it.

use std::fmt::Write as _;
use wire::json::Escaped;
use wire::turn::{
    Effort, Format, Grammar, Item, Part, Payload, Role, Settings, Summary, Tool, ToolChoice,
    ToolKind, ToolName, Turn,
};

/// One line for each item and tool, and for each setting that is not the usual one.
pub(crate) fn shown(turn: &Turn<'_>) -> Vec<String> {
    let mut lines: Vec<String> = turn.items.iter().map(item).collect();
    lines.extend(turn.tools.iter().map(tool));
    match &turn.tool_choice {
        ToolChoice::Auto => {}
        ToolChoice::None => lines.push("choose none".to_owned()),
        ToolChoice::Required => lines.push("choose any".to_owned()),
        ToolChoice::Named(one) => lines.push(format!("choose {}", name(one))),
        ToolChoice::Allowed { required, tools } => {
            let names: Vec<String> = tools.iter().map(name).collect();
            let word = if *required { "any" } else { "perhaps" };
            lines.push(format!("choose {word} of {}", names.join(", ")));
        }
    }
    settings(&turn.settings, &mut lines);
    lines
}

fn item(item: &Item<'_>) -> String {
    match item {
        Item::Message { role, parts } => {
            let role = match role {
                Role::System => "system",
                Role::Developer => "developer",
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            format!("{role}: {}", all(parts))
        }
        Item::Reasoning { sealed, text, summary } => {
            let mut line = "thought".to_owned();
            for (word, texts) in [("", text), (" in short", summary)] {
                if !texts.is_empty() {
                    let plain: Vec<String> = texts.iter().map(quoted).collect();
                    write!(line, "{word} {}", plain.join(" + ")).expect("a String takes it");
                }
            }
            if let Some(sealed) = sealed {
                write!(line, " sealed {}", quoted(sealed)).expect("a String takes it");
            }
            line
        }
        Item::Call(call) => {
            let (word, text) = match &call.payload {
                Payload::Arguments(text) => ("with", quoted(text)),
                Payload::Object(raw) => ("with", (*raw).to_owned()),
                Payload::Input(text) => ("given", quoted(text)),
            };
            format!("call {} of {} {word} {text}", call.id.text(), name(&call.name))
        }
        Item::Result { call_id, parts } => format!("result of {}: {}", call_id.text(), all(parts)),
        Item::Compaction { sealed } => format!("compaction {}", quoted(sealed)),
    }
}

fn all(parts: &[Part<'_>]) -> String {
    let part = |part: &Part<'_>| {
        let optional = |word: &str, text: &Option<Escaped<'_>>| {
            text.as_ref().map_or(String::new(), |text| format!(" {word} {}", text.text()))
        };
        match part {
            Part::Text(text) => quoted(text),
            Part::Refusal(text) => format!("refusal {}", quoted(text)),
            Part::Image { url, detail } => {
                format!("image {}{}", url.text(), optional("detail", detail))
            }
            Part::File { name, data, url } => format!(
                "file{}{}{}",
                optional("name", name),
                optional("data", data),
                optional("url", url)
            ),
            Part::Other { kind, code } => format!("{} as {}", kind.text(), code.name()),
        }
    };
    parts.iter().map(part).collect::<Vec<_>>().join(" + ")
}

fn tool(tool: &Tool<'_>) -> String {
    let mut line = format!("tool {}", name(&tool.name));
    match &tool.kind {
        ToolKind::Function { parameters, strict } => {
            if let Some(schema) = parameters {
                write!(line, " {}", schema.raw).expect("a String takes it");
            }
            if let Some(strict) = strict {
                write!(line, " strict {strict}").expect("a String takes it");
            }
        }
        ToolKind::Custom { grammar: None } => line.push_str(" freeform"),
        ToolKind::Custom { grammar: Some(Grammar { syntax, definition }) } => {
            write!(line, " freeform {} {}", syntax.text(), quoted(definition))
                .expect("a String takes it");
        }
        ToolKind::ToolSearch { .. } => line.push_str(" searches tools"),
        ToolKind::LocalShell => line.push_str(" is the shell"),
        ToolKind::WebSearch(search) => {
            line.push_str(" searches the web");
            let texts = [search.allowed, search.blocked, search.location];
            for text in texts.into_iter().flatten() {
                write!(line, " {text}").expect("a String takes it");
            }
            if let Some(size) = &search.context_size {
                write!(line, " {}", size.text()).expect("a String takes it");
            }
        }
    }
    if let Some(text) = &tool.description {
        write!(line, ": {}", quoted(text)).expect("a String takes it");
    }
    line
}

fn settings(settings: &Settings<'_>, lines: &mut Vec<String>) {
    let flags = [
        (settings.stream, "stream"),
        (settings.include_usage, "include usage"),
        (settings.seal_reasoning, "seal reasoning"),
        (settings.compact, "compact"),
        (settings.summary == Summary::None, "hide reasoning"),
        (settings.summary == Summary::Wanted, "summarize reasoning"),
    ];
    lines.extend(flags.iter().filter(|(is, _)| *is).map(|(_, name)| (*name).to_owned()));
    if let Some(effort) = settings.effort {
        lines.push(format!("effort {}", Effort::name(effort)));
    }
    match &settings.format {
        Format::Text => {}
        Format::JsonObject => lines.push("as any JSON object".to_owned()),
        Format::JsonSchema { name, description, schema, strict } => lines.push(format!(
            "as {} {schema} {:?} {strict:?}",
            name.text(),
            description.as_ref().map(Escaped::text)
        )),
    }
    if let Some(word) = &settings.verbosity {
        lines.push(format!("verbosity {}", word.text()));
    }
    if let Some(limit) = settings.max_output_tokens {
        lines.push(format!("at most {limit} tokens"));
    }
    if let Some(parallel) = settings.parallel_tool_calls {
        lines.push(format!("parallel calls {parallel}"));
    }
    lines.extend(settings.stop.iter().map(|text| format!("stop at {}", quoted(text))));
    lines.extend(settings.shared.iter().map(|(name, raw)| format!("{name} {raw}")));
}

fn name(name: &ToolName<'_>) -> String {
    match &name.namespace {
        Some(space) => format!("{}/{}", space.text(), name.name.text()),
        None => name.name.text().into_owned(),
    }
}

fn quoted(text: &Escaped<'_>) -> String {
    format!("\"{}\"", text.escaped())
}
