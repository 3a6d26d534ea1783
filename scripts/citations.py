"""Compare the extension schema of the judge with the SDK classes that its entries cite.

Run by `scripts/world.py --check`, under the Python that has the pinned SDK. It knows names and what is
required, not types: those are read by people, and by the tests of the judge.
"""

import importlib
import json
import pkgutil

# Where a bare class name is looked for, in this order: some names are used by more than one module.
MODULES = ("response_usage", "response", "response_text_config")


def classes():
    """Every model of the Responses API and of what it shares, by name."""
    import openai.types.responses
    import openai.types.shared
    import pydantic

    found = {}
    for package in (openai.types.shared, openai.types.responses):
        modules = [name for _, name, _ in pkgutil.iter_modules(package.__path__)]
        modules.sort(key=lambda name: MODULES.index(name) if name in MODULES else len(MODULES))
        for name in modules:
            module = importlib.import_module(f"{package.__name__}.{name}")
            for word, value in vars(module).items():
                if isinstance(value, type) and issubclass(value, pydantic.BaseModel):
                    found.setdefault(word, value)
    return found


def complaints(file, version):
    """What the entries of this file say otherwise than the SDK of this version."""
    known = classes()
    extensions = json.loads(file.read_text())
    for kind in ("events", "items", "tools", "members"):
        for name, entry in extensions[kind].items():
            for cite in entry["cites"]:
                source, _, rest = cite.partition(" ")
                if not source.startswith("openai-"):
                    continue
                if source != f"openai-{version}":
                    yield f"{name}: cites `{source}`, but `openai-{version}` is pinned"
                elif rest not in known:
                    yield f"{name}: the SDK has no class `{rest}`"
                elif kind == "members":
                    yield from member(name, entry, known[rest])
                else:
                    yield from whole(name, entry, known[rest])


def whole(name, entry, model):
    schema = entry["schema"]
    fields = {field.alias or word: field for word, field in model.model_fields.items()}
    if "differs" not in entry and "oneOf" not in schema:
        required = {word for word, field in fields.items() if field.is_required()}
        for word in sorted(required - set(schema["required"])):
            yield f"{name}: the SDK requires `{word}`"
    for word in sorted(set(schema["properties"]) - set(fields)):
        if len(entry["cites"]) == 1:
            yield f"{name}: the SDK has no `{word}`, and nobody else is cited"


def member(name, entry, model):
    word = name.rpartition(".")[2]
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    if word not in fields:
        yield f"{name}: `{model.__name__}` has no `{word}`"
    elif entry.get("required") and not fields[word].is_required():
        yield f"{name}: `{model.__name__}` does not require `{word}`"
