#!/usr/bin/env python3
"""Extract the closed world of promise 1 into `corpus/world/*.txt`.

The world is the union of the Open Responses schema, the request types of the `openai` and `anthropic`
releases pinned in `world.requirements.txt`, and every key of the recorded fixtures. Each line is one thing
that a client may send, and names who says so; the decisions about them live in the gateway, not here.

    scripts/world.py           write the lists
    scripts/world.py --check   fail when the lists differ from what the sources say now, or when the
                               extension schema of the judge differs from the SDK that it cites

Each line is `KIND NAME`, a tab, and the origins. `field`, `item`, `part`, `tool`, `role` and `block` lines are
the main request's members and tagged things, with the path of each member below them; arrays leave no trace
in a path. `value` lines are the words of fields whose values are decided one by one, and the tags of unions
below a tagged thing. `schema` lines are the keywords of recorded JSON Schemas, `compact` and `count` the
members of the requests beside the main one, `frame` and `event` those of WebSocket frames and of answers.

The three kinds of source are read as one: each becomes a list of `Alternative`s, and one walk turns those
into lines. Types are read by introspection, never from source text.
"""

import argparse
import collections.abc
import datetime
import difflib
import hashlib
import json
import os
import subprocess
import sys
import types
import typing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path(__file__).resolve().with_name("world.requirements.txt")
VENV = ROOT / ".cache" / "world"
WORLD = ROOT / "corpus" / "world"
SCHEMA = ROOT / "corpus" / "spec" / "openresponses-openapi.json"
EXTENSIONS = SCHEMA.with_name("responses-extensions.json")
CLIENTS = ROOT / "corpus" / "fixtures" / "clients"


# What a client was seen to send when its recording was not kept.
MEASURED = (("responses", "tool web_search.indexed_web_access", "measured:codex-0.169.0"),)

# Parameters of the SDKs that travel as headers, beside those whose alias is a header's name.
HEADERS = ("betas", "user_profile_id", "workspace_id")


# --- what every source becomes ---------------------------------------------------------------------------


class Alternative:
    """One thing that a value may be: a literal, an array, an object, an open map or a scalar."""

    def __init__(self, kind, *, value=None, members=None, elements=None, identity=None):
        self.kind = kind
        self.value = value
        self._members = members
        self._elements = elements
        self.identity = identity

    def members(self):
        """Name to alternatives. Read late: the types are recursive."""
        return self._members()

    def elements(self):
        return self._elements()

    def tags(self, member):
        if member not in self.members():
            return []
        return [each.value for each in self.members()[member] if each.kind == "literal"]


SCALAR = Alternative("scalar")
OPEN = Alternative("open")


def of_type(hint):
    """The alternatives of a Python type: `TypedDict`, pydantic model, union, literal, list or map."""
    import pydantic
    import typing_extensions

    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin is typing.Annotated or origin in (
        typing_extensions.Required,
        typing_extensions.NotRequired,
    ):
        return of_type(arguments[0])
    if origin is typing.Union or origin is types.UnionType:
        return [each for argument in arguments for each in of_type(argument)]
    if origin is typing.Literal:
        return [Alternative("literal", value=value) for value in arguments]
    if hint is type(None):
        return []
    if typing_extensions.is_typeddict(hint):
        return [Alternative("object", members=lambda: members_of_dict(hint), identity=hint)]
    if isinstance(hint, type) and issubclass(hint, pydantic.BaseModel):
        return [Alternative("object", members=lambda: members_of_model(hint), identity=hint)]
    if typing.IO in (hint, origin) or os.PathLike in (hint, origin):
        return [SCALAR]  # an upload: the SDK sends it as a string
    if origin is not None and isinstance(origin, type):
        if issubclass(origin, collections.abc.Mapping):
            return [OPEN]
        if issubclass(origin, collections.abc.Iterable) or origin.__name__ == "SequenceNotStr":
            return [Alternative("array", elements=lambda: of_type(arguments[0]))]
    if hint in (object, typing.Any, dict):
        return [OPEN]
    if hint in (str, int, float, bool, bytes, datetime.date, datetime.datetime):
        return [SCALAR]
    raise TypeError(f"no rule for the type {hint!r}")


def alias_of(hint):
    for datum in getattr(hint, "__metadata__", ()):
        if getattr(datum, "alias", None):
            return datum.alias
    for argument in typing.get_args(hint)[:1]:
        if hasattr(hint, "__origin__"):
            return alias_of(argument)
    return None


def members_of_dict(hint):
    import typing_extensions

    members = {}
    for name, member in typing_extensions.get_type_hints(hint, include_extras=True).items():
        name = alias_of(member) or name
        if "-" in name or name in HEADERS:
            continue
        members[name] = of_type(member)
    return members


def members_of_model(hint):
    return {
        field.alias or name: of_type(field.annotation)
        for name, field in hint.model_fields.items()
    }


def of_schema(schema, document):
    """The alternatives of a JSON Schema inside an OpenAPI document."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return of_schema(document["components"]["schemas"][name], document)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return [each for part in schema[word] for each in of_schema(part, document)]
    if "allOf" in schema:
        parts = [each for part in schema["allOf"] for each in of_schema(part, document)]
        whole = [each for each in parts if each.kind == "object"]
        if len(whole) < 2:
            return parts
        return [merged(whole)]
    if "enum" in schema:
        return [Alternative("literal", value=value) for value in schema["enum"]]
    kind = schema.get("type")
    if kind == "array":
        return [Alternative("array", elements=lambda: of_schema(schema["items"], document))]
    if "properties" in schema:
        members = {
            name: part
            for name, part in schema["properties"].items()
            if not part.get("x-openresponses-disallowed")
        }
        return [
            Alternative(
                "object",
                members=lambda: {
                    name: of_schema(part, document) for name, part in members.items()
                },
                identity=json.dumps(schema, sort_keys=True),
            )
        ]
    if kind == "object":
        return [OPEN]
    if kind == "null":
        return []
    return [SCALAR]


def merged(objects):
    def members():
        whole = {}
        for each in objects:
            for name, alternatives in each.members().items():
                whole.setdefault(name, []).extend(alternatives)
        return whole

    return Alternative("object", members=members, identity=tuple(o.identity for o in objects))


def of_value(value):
    """The alternatives of a recorded value: exactly one."""
    if isinstance(value, dict):
        return [
            Alternative(
                "object",
                members=lambda: {name: of_value(member) for name, member in value.items()},
                identity=id(value),
            )
        ]
    if isinstance(value, list):
        return [
            Alternative("array", elements=lambda: [one for each in value for one in of_value(each)])
        ]
    if isinstance(value, str):
        return [Alternative("literal", value=value)]
    return [] if value is None else [SCALAR]


# --- the three dialects ----------------------------------------------------------------------------------


class Dialect:
    """Where a dialect keeps its tagged things, and which fields have values that are decided one by one.

    `place(kind, path)` is (kind of the things there, member that holds their tag, tag when absent) or None.
    """

    def __init__(self, name, place, valued):
        self.name = name
        self.place = place
        self.valued = valued


def place_in_responses(kind, path):
    if kind == "field" and path == "input":
        return ("item", "type", "message")
    if path in ("tools", "namespace.tools", "tool_search_output.tools", "additional_tools.tools"):
        return ("tool", "type", None)
    if kind == "item" and path in (
        "message.content",
        "agent_message.content",
        "reasoning.content",
        "reasoning.summary",
        "function_call_output.output",
        "custom_tool_call_output.output",
    ):
        return ("part", "type", None)
    return None


def place_in_chat(kind, path):
    if kind == "field" and path == "messages":
        return ("role", "role", None)
    if kind == "field" and path == "tools":
        return ("tool", "type", "function")
    if (kind == "role" and path.endswith(".content")) or path == "prediction.content":
        return ("part", "type", None)
    return None


def place_in_messages(kind, path):
    if kind == "field" and path == "messages":
        return ("role", "role", None)
    if kind == "field" and path == "tools":
        return ("tool", "type", "custom")
    if kind == "field" and path == "system":
        return ("block", "type", "text")
    if kind in ("role", "block") and path.endswith(".content"):
        return ("block", "type", None)
    if kind == "block" and path == "compaction.tool_changes":
        return ("block", "type", None)
    if kind == "block" and path == "tool_addition.tool.definition":
        return ("tool", "type", "custom")
    return None


RESPONSES = Dialect(
    "responses",
    place_in_responses,
    ("include", "reasoning", "service_tier", "text", "tool_choice", "truncation"),
)
CHAT = Dialect(
    "chat",
    place_in_chat,
    ("modalities", "reasoning_effort", "response_format", "service_tier", "tool_choice", "verbosity"),
)
MESSAGES = Dialect(
    "messages",
    place_in_messages,
    ("output_config", "service_tier", "speed", "thinking", "tool_choice"),
)

SCHEMA_MEMBERS = ("parameters", "input_schema", "output_schema", "schema")


# Each line begins with one of these; the lists are in this order.
KINDS = (
    *("field", "value", "item", "role", "block", "part", "tool", "schema"),
    *("compact", "count", "frame", "event"),
)


class World:
    """The lines of one dialect, each with its origins."""

    def __init__(self, dialect):
        self.dialect = dialect
        self.lines = {}
        self.values = {}
        self.open = set()

    def add(self, line, origin):
        self.lines.setdefault(line, set()).add(origin)

    def read(self, alternatives, origin):
        """Read one request type or one recorded request body."""
        for each in alternatives:
            self._members(each, "field", "", origin, ())

    def _members(self, thing, kind, prefix, origin, above, skip=()):
        for name, alternatives in thing.members().items():
            path = f"{prefix}.{name}" if prefix else name
            self.add(f"{kind} {path}", origin)
            self._visit(alternatives, kind, path, origin, above, skip=name in skip)

    def _visit(self, alternatives, kind, path, origin, above, skip=False):
        entry = f"{kind} {path}"
        place = self.dialect.place(kind, path)
        recorded = origin.startswith("fixture:")
        if recorded and path.rsplit(".", 1)[-1] in SCHEMA_MEMBERS:
            for each in alternatives:
                self._schema(each, origin)
            return
        if recorded and entry in self.open:
            return
        objects = [each for each in alternatives if each.kind == "object"]
        for each in alternatives:
            if each.kind == "open" and not recorded and not objects:
                self.open.add(entry)
            elif each.kind == "literal" and not skip:
                self._value(kind, path, each.value, recorded, origin)
            elif each.kind == "array":
                self._visit(each.elements(), kind, path, origin, above)
            elif each.kind == "object":
                mark = (kind, path, each.identity)
                if mark in above:
                    continue
                if place is None:
                    self._members(each, kind, path, origin, (*above, mark))
                else:
                    self._tagged(each, place, origin, above)

    def _tagged(self, thing, place, origin, above):
        kind, member, default = place
        tags = thing.tags(member) or [default]
        for tag in tags:
            if tag is None:
                raise ValueError(f"a {kind} without `{member}` in {origin}: {thing.identity!r}")
            mark = (kind, tag, thing.identity)
            if mark in above:
                continue
            self.add(f"{kind} {tag}", origin)
            self._members(thing, kind, tag, origin, (*above, mark), skip=(member,))

    def _value(self, kind, path, value, recorded, origin):
        """A tag below the tagged things, or a word of a field whose values are decided one by one."""
        name = path.rsplit(".", 1)[-1]
        depth = path.count(".") - (0 if kind == "field" else 1)
        inner_tag = name == "type" and depth > 0
        valued = kind == "field" and path.split(".")[0] in self.dialect.valued
        if not isinstance(value, str) or name in ("model", "name") or not (inner_tag or valued):
            return
        where = path if kind == "field" else f"{kind} {path}"
        if recorded and where not in self.values:
            return  # free text: no type says that this is a word of a list
        self.values.setdefault(where, {}).setdefault(value, set()).add(origin)

    def _value_lines(self):
        """A tag that can have one value only says nothing: the line of its member is enough."""
        for where, values in self.values.items():
            if len(values) > 1 or "." not in where:
                for value, origins in values.items():
                    yield f"value {where}={value}", origins

    def _schema(self, each, origin):
        """The keywords of a recorded JSON Schema: clients put words of their own among them."""
        if each.kind == "array":
            for element in each.elements():
                self._schema(element, origin)
        if each.kind != "object":
            return
        for word, alternatives in each.members().items():
            self.add(f"schema {word}", origin)
            for inner in alternatives:
                if word in ("properties", "$defs", "definitions") and inner.kind == "object":
                    for named in inner.members().values():
                        for schema in named:
                            self._schema(schema, origin)
                elif word not in ("enum", "const", "default", "examples", "required"):
                    self._schema(inner, origin)

    def read_names(self, alternatives, origin, kind):
        """The names alone of a request beside the main one: what they hold is the same there."""
        for each in alternatives:
            for name in each.members():
                self.add(f"{kind} {name}", origin)

    def read_events(self, alternatives, origin, kind="event"):
        """The names of the events of an answer and their own members, not what these hold."""
        for each in alternatives:
            if each.kind != "object":
                continue
            for tag in each.tags("type"):
                self.add(f"{kind} {tag}", origin)
                for name in each.members():
                    self.add(f"{kind} {tag}:{name}", origin)

    def text(self):
        self.lines.update(self._value_lines())
        counts = collections.Counter(line.split(" ", 1)[0] for line in self.lines)
        said = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
        lines = [
            f"# The closed world of {self.dialect.name}: {len(self.lines)} lines ({said}).",
            "# Written by scripts/world.py; each line is followed by a tab and by who knows it.",
        ]
        for kind in KINDS:
            lines += [
                f"{line}\t{' '.join(sorted(origins))}"
                for line, origins in sorted(self.lines.items())
                if line.split(" ", 1)[0] == kind
            ]
        return "\n".join(lines) + "\n"


# --- the sources -----------------------------------------------------------------------------------------


def read_schema(worlds):
    document = json.loads(SCHEMA.read_text())
    schemas = document["components"]["schemas"]
    world, origin = worlds["responses"], "openresponses"
    world.read(of_schema(schemas["CreateResponseBody"], document), origin)
    compact = of_schema(schemas["CompactResponseMethodPublicBody"], document)
    world.read_names(compact, origin, "compact")
    world.read_events(of_schema(schemas["WebSocketResponseCreateEvent"], document), origin, "frame")
    answers = document["paths"]["/responses"]["post"]["responses"]["200"]["content"]
    world.read_events(of_schema(answers["text/event-stream"]["schema"], document), origin)


def read_sdks(worlds):
    from anthropic import __version__ as anthropic_version
    from anthropic.types import (
        MessageCountTokensParams,
        MessageCreateParams,
        RawMessageStreamEvent,
    )
    from anthropic.types.beta import BetaRawMessageStreamEvent
    from anthropic.types.beta.message_count_tokens_params import (
        MessageCountTokensParams as BetaCount,
    )
    from anthropic.types.beta.message_create_params import MessageCreateParams as BetaMessage
    from openai import __version__ as openai_version
    from openai.types.beta import BetaResponseStreamEvent
    from openai.types.beta.response_create_params import ResponseCreateParams as BetaResponse
    from openai.types.chat import CompletionCreateParams
    from openai.types.responses import ResponsesServerEvent
    from openai.types.responses import ResponseStreamEvent
    from openai.types.responses.input_token_count_params import InputTokenCountParams
    from openai.types.responses.response_compact_params import ResponseCompactParams
    from openai.types.responses.response_create_params import ResponseCreateParams
    from openai.types.responses.responses_client_event_param import ResponsesClientEventParam

    openai, anthropic = f"openai-{openai_version}", f"anthropic-{anthropic_version}"
    responses, chat, messages = (worlds[name] for name in ("responses", "chat", "messages"))
    responses.read(of_type(ResponseCreateParams), openai)
    responses.read(of_type(BetaResponse), f"{openai}:beta")
    responses.read_events(of_type(ResponsesClientEventParam), openai, "frame")
    responses.read_events(of_type(ResponseStreamEvent), openai)
    responses.read_events(of_type(ResponsesServerEvent), f"{openai}:websocket")
    responses.read_events(of_type(BetaResponseStreamEvent), f"{openai}:beta")
    responses.read_names(of_type(ResponseCompactParams), openai, "compact")
    responses.read_names(of_type(InputTokenCountParams), openai, "count")
    chat.read(of_type(CompletionCreateParams), openai)
    messages.read(of_type(MessageCreateParams), anthropic)
    messages.read(of_type(BetaMessage), f"{anthropic}:beta")
    messages.read_names(of_type(MessageCountTokensParams), anthropic, "count")
    messages.read_names(of_type(BetaCount), f"{anthropic}:beta", "count")
    messages.read_events(of_type(RawMessageStreamEvent), anthropic)
    messages.read_events(of_type(BetaRawMessageStreamEvent), f"{anthropic}:beta")


# What a recorded request is, by its path: the dialect and, beside the main request, the kind of its lines.
REQUESTS = {
    "/v1/responses": ("responses", None),
    "/v1/responses/compact": ("responses", "compact"),
    "/v1/responses/input_tokens": ("responses", "count"),
    "/v1/chat/completions": ("chat", None),
    "/v1/messages": ("messages", None),
    "/v1/messages/count_tokens": ("messages", "count"),
}


def read_fixtures(worlds):
    for file in sorted(CLIENTS.glob("*/*.request.json")):
        origin = f"fixture:{file.parent.name}"
        for request in json.loads(file.read_text())["requests"]:
            known = REQUESTS.get(request["path"].split("?")[0])
            if known is None or not isinstance(request.get("body"), dict):
                continue
            dialect, kind = known
            if kind is None:
                worlds[dialect].read(of_value(request["body"]), origin)
            else:
                worlds[dialect].read_names(of_value(request["body"]), origin, kind)
    for file in sorted(CLIENTS.glob("*/*.ws.jsonl")):
        origin = f"fixture:{file.parent.name}"
        for line in file.read_text().splitlines():
            frame = json.loads(line)
            if isinstance(frame.get("client"), dict):
                body = frame["client"]
                worlds["responses"].read_events(of_value(body), origin, "frame")
                only_frame = ("type", "generate")
                fields = {name: body[name] for name in body if name not in only_frame}
                worlds["responses"].read(of_value(fields), origin)
            if isinstance(frame.get("server"), dict):
                worlds["responses"].read_events(of_value(frame["server"]), origin)
    for file in sorted(CLIENTS.glob("*/*.response.sse")):
        origin = f"fixture:{file.parent.name}"
        for line in file.read_text().splitlines():
            if not line.startswith("data: {"):
                continue
            try:
                event = json.loads(line[6:])
            except json.JSONDecodeError:
                continue  # a recording that was cut in mid-event on purpose
            name = event.get("type")
            if isinstance(name, str):
                responses = name.startswith(("response.", "codex."))
                worlds["responses" if responses else "messages"].read_events(of_value(event), origin)


def extract():
    worlds = {each.name: World(each) for each in (RESPONSES, CHAT, MESSAGES)}
    read_schema(worlds)
    read_sdks(worlds)
    read_fixtures(worlds)  # last: the types say which members are open maps
    for dialect, line, origin in MEASURED:
        worlds[dialect].add(line, origin)
    return {name: world.text() for name, world in worlds.items()}


# --- the command -----------------------------------------------------------------------------------------


def enter_venv():
    """Run under a Python that has the pinned SDKs, building it on first use."""
    stamp = VENV / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    python = VENV / "bin" / "python"
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted)
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when the lists are stale")
    arguments = parser.parse_args()
    enter_venv()
    stale = []
    for name, text in extract().items():
        file = WORLD / f"{name}.txt"
        had = file.read_text() if file.exists() else ""
        if had == text:
            continue
        if arguments.check:
            stale.append(file)
            diff = difflib.unified_diff(
                had.splitlines(), text.splitlines(), "committed", "extracted", n=0, lineterm=""
            )
            print(f"{file.relative_to(ROOT)}:", *diff, sep="\n")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            print(f"wrote `{file.relative_to(ROOT)}`: {text.splitlines()[0][2:]}")
    if arguments.check:
        from citations import complaints
        from openai import __version__

        for complaint in complaints(EXTENSIONS, __version__):
            sys.exit(f"{EXTENSIONS.relative_to(ROOT)}: {complaint}")
    if stale:
        sys.exit("the world has changed: run `scripts/world.py`, then decide each new line")


if __name__ == "__main__":
    main()
