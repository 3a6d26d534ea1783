//! The schemas by which shapes are judged: Open Responses, changed and completed by the
//! extensions. Unions with a `type` are not left to the validator, which can only say that nothing
//! fits: the tag is read first, then the value is judged by the schema of that tag.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::{Findings, Rule};

const OPEN_RESPONSES: &str = include_str!("../../../../corpus/spec/openresponses-openapi.json");
const EXTENSIONS: &str = include_str!("../../../../corpus/spec/responses-extensions.json");

/// Every schema, compiled once.
pub(super) static BOOK: LazyLock<Book> = LazyLock::new(Book::compile);

pub(super) struct Book {
    response: Validator,
    events: BTreeMap<String, Validator>,
    items: BTreeMap<String, Validator>,
    parts: BTreeMap<String, Validator>,
    annotations: BTreeMap<String, Validator>,
    tools: BTreeMap<String, Validator>,
    /// Event names that Open Responses has and clients do not read, with the name to use.
    refused: BTreeMap<String, String>,
}

impl Book {
    /// Judges the data of one event by its type, then what it carries.
    pub(super) fn event(&self, event: &Value, findings: &mut Findings) {
        let name = event["type"].as_str().unwrap_or_default();
        if let Some(instead) = self.refused.get(name) {
            let message = format!("clients read `{instead}`, not `{name}`");
            return findings.say(Rule::UnknownType, message);
        }
        self.tagged(&self.events, "event", event, "", findings);
        if event["response"].is_object() {
            self.inside_response(&event["response"], "response.", findings);
        }
        if event["item"].is_object() {
            self.item(&event["item"], "item", findings);
        }
        if event["part"].is_object() {
            self.part(&event["part"], "part", findings);
        }
        if event["annotation"].is_object() {
            self.tagged(
                &self.annotations,
                "annotation",
                &event["annotation"],
                "annotation",
                findings,
            );
        }
    }

    pub(super) fn response(&self, response: &Value, path: &str, findings: &mut Findings) {
        validate(&self.response, response, path, findings);
        self.inside_response(response, path, findings);
    }

    /// The events, items and tools that are known, in the words of the closed world.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let kinds = [("event", &self.events), ("item", &self.items), ("tool", &self.tools)];
        kinds
            .into_iter()
            .flat_map(|(kind, known)| known.keys().map(move |tag| format!("{kind} {tag}")))
    }

    fn inside_response(&self, response: &Value, path: &str, findings: &mut Findings) {
        for (index, item) in entries(&response["output"]) {
            self.item(item, &format!("{path}output[{index}]"), findings);
        }
        for (index, tool) in entries(&response["tools"]) {
            // The echo of a tool that nobody knows is right when the client declared it so.
            if let Some(validator) = tool["type"].as_str().and_then(|name| self.tools.get(name)) {
                validate(validator, tool, &format!("{path}tools[{index}]"), findings);
            }
        }
    }

    fn item(&self, item: &Value, path: &str, findings: &mut Findings) {
        self.tagged(&self.items, "item", item, path, findings);
        for member in ["content", "summary"] {
            for (index, part) in entries(&item[member]) {
                self.part(part, &format!("{path}.{member}[{index}]"), findings);
            }
        }
    }

    fn part(&self, part: &Value, path: &str, findings: &mut Findings) {
        self.tagged(&self.parts, "part", part, path, findings);
        for (index, annotation) in entries(&part["annotations"]) {
            let path = format!("{path}.annotations[{index}]");
            self.tagged(&self.annotations, "annotation", annotation, &path, findings);
        }
    }

    fn tagged(
        &self,
        known: &BTreeMap<String, Validator>,
        what: &str,
        value: &Value,
        path: &str,
        findings: &mut Findings,
    ) {
        let Some(tag) = value["type"].as_str() else {
            return findings.say_in(path, Rule::Missing, format!("the {what} has no `type`"));
        };
        match known.get(tag) {
            Some(validator) => validate(validator, value, path, findings),
            None => findings.say_in(
                path,
                Rule::UnknownType,
                format!("neither the schema nor the extensions know the {what} `{tag}`"),
            ),
        }
    }

    fn compile() -> Self {
        let open = parse(OPEN_RESPONSES);
        let extensions = parse(EXTENSIONS);
        let mut schemas = Schemas { definitions: Map::new() };
        for (name, schema) in members(&open["components"]["schemas"]) {
            schemas.definitions.insert(name.clone(), schema.clone());
        }
        for (place, entry) in members(&extensions["members"]) {
            schemas.change(place, entry);
        }

        let union = |place: &str| tags_of(&open, place);
        let mut named = BTreeMap::from([
            ("items", union("/ItemField")),
            ("parts", union("/Message/properties/content/items")),
            ("annotations", union("/Annotation")),
            ("tools", union("/Tool")),
            ("events", streaming_events(&open)),
        ]);
        for (kind, known) in &mut named {
            for (tag, entry) in members(&extensions[*kind]) {
                let name = format!("{kind}_{}", tag.replace('.', "_"));
                schemas.definitions.insert(name.clone(), entry["schema"].clone());
                known.insert(tag.clone(), name);
            }
        }
        let tools = named["tools"].values().cloned().collect();
        let definitions = schemas.finished(&tools);

        let compile = |name: &String| compile(name, &definitions);
        let mut compiled = |kind: &str| -> BTreeMap<String, Validator> {
            let known = named.remove(kind).expect("each kind is taken once");
            known.iter().map(|(tag, name)| (tag.clone(), compile(name))).collect()
        };
        Self {
            events: compiled("events"),
            items: compiled("items"),
            parts: compiled("parts"),
            annotations: compiled("annotations"),
            tools: compiled("tools"),
            response: compile(&"ResponseResource".to_owned()),
            refused: members(&extensions["refused"])
                .map(|(name, entry)| {
                    (name.clone(), entry["instead"].as_str().expect("a name").into())
                })
                .collect(),
        }
    }
}

/// The definitions while they are put together.
struct Schemas {
    definitions: Map<String, Value>,
}

impl Schemas {
    /// Applies one entry of `members`: `Definition.member` gets another schema, or appears.
    fn change(&mut self, place: &str, entry: &Value) {
        let (definition, member) = place.split_once('.').expect("an entry is `Definition.member`");
        let schema = self.definitions.get_mut(definition).expect("an entry changes a definition");
        schema["properties"][member] = entry["schema"].clone();
        if entry["required"] == true {
            let required = schema["required"].as_array_mut().expect("it has required members");
            if !required.contains(&json!(member)) {
                required.push(json!(member));
            }
        }
    }

    /// Points the references here, opens the tagged unions and closes every object but the tools.
    fn finished(mut self, tools: &BTreeSet<String>) -> Map<String, Value> {
        for (name, schema) in &mut self.definitions {
            rewrite(schema, !tools.contains(name));
        }
        self.definitions
    }
}

fn rewrite(schema: &mut Value, closed: bool) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(|part| rewrite(part, closed)),
        Value::Object(object) => {
            if object.contains_key("discriminator") {
                *schema = json!({"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]});
                return;
            }
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                *reference = reference.replace("#/components/schemas/", "#/$defs/");
            }
            let has_members = object.get("properties").is_some_and(Value::is_object);
            if closed && has_members && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".into(), json!(false));
            }
            object.values_mut().for_each(|part| rewrite(part, closed));
        }
        _ => {}
    }
}

fn compile(name: &str, definitions: &Map<String, Value>) -> Validator {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/$defs/{name}"),
        "$defs": definitions,
    });
    jsonschema::validator_for(&schema).unwrap_or_else(|error| {
        unreachable!("the committed schema `{name}` does not compile: {error}")
    })
}

/// The tags of a union of Open Responses, each with the definition that it names.
fn tags_of(open: &Value, place: &str) -> BTreeMap<String, String> {
    let schemas = &open["components"]["schemas"];
    let union = schemas.pointer(place).expect("the union is in the schema");
    let parts = union["oneOf"].as_array().expect("a union lists its parts");
    let names = parts.iter().map(|part| {
        let reference = part["$ref"].as_str().expect("a part is a reference");
        reference.rsplit('/').next().expect("a reference has a name").to_owned()
    });
    names.map(|name| (tag_of(&schemas[&name]), name)).collect()
}

fn streaming_events(open: &Value) -> BTreeMap<String, String> {
    members(&open["components"]["schemas"])
        .filter(|(name, _)| name.ends_with("StreamingEvent"))
        .map(|(name, schema)| (tag_of(schema), name.clone()))
        .collect()
}

fn tag_of(schema: &Value) -> String {
    schema["properties"]["type"]["enum"][0].as_str().expect("a tagged schema has a tag").to_owned()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("the committed schema is JSON")
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().into_iter().flatten().enumerate()
}

fn validate(validator: &Validator, value: &Value, path: &str, findings: &mut Findings) {
    for error in validator.iter_errors(value) {
        explain(&error, path, findings);
    }
}

/// Says what is wrong in the fitting branch of a union rather than that no branch fits.
fn explain(error: &ValidationError<'_>, path: &str, findings: &mut Findings) {
    let here = joined(path, error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let depth = |branch: &Vec<ValidationError<'_>>| {
                branch.iter().map(|error| error.instance_path().as_str().len()).max()
            };
            let fitting = context.iter().filter(|branch| !is_of_another_type(branch, error));
            match fitting.max_by_key(|branch| depth(branch)) {
                Some(branch) => branch.iter().for_each(|error| explain(error, path, findings)),
                None => findings.say_in(&here, Rule::Shape, error.to_string()),
            }
        }
        ValidationErrorKind::Required { property } => {
            let member = property.as_str().unwrap_or_default();
            findings.say_in(&here, Rule::Missing, format!("`{member}` is required"));
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for member in unexpected {
                let message = format!("`{member}` is known to neither schema nor extensions");
                findings.say_in(&here, Rule::UnknownMember, message);
            }
        }
        _ => findings.say_in(&here, Rule::Shape, error.to_string()),
    }
}

/// Whether a branch of a union fails at the value itself: it wants another type or another tag.
fn is_of_another_type(branch: &[ValidationError<'_>], union: &ValidationError<'_>) -> bool {
    let place = union.instance_path().as_str();
    branch.iter().any(|error| {
        let at = error.instance_path().as_str();
        let itself = at == place
            && !matches!(
                error.kind(),
                ValidationErrorKind::Required { .. }
                    | ValidationErrorKind::AdditionalProperties { .. }
            );
        itself || at.strip_prefix(place) == Some("/type")
    })
}

/// `response` and `/output/0/id` are `response.output[0].id`.
fn joined(path: &str, pointer: &str) -> String {
    let mut joined = path.trim_end_matches('.').to_owned();
    for step in pointer.split('/').skip(1) {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            joined.push_str(&format!("[{step}]"));
        } else {
            if !joined.is_empty() {
                joined.push('.');
            }
            joined.push_str(step);
        }
    }
    joined
}
