"""What the calls are played with: prompts, two tools that compute locally, a picture, a schema."""

import base64
from pathlib import Path

PROMPT = "Grüße the harbour — 港 🙂"

TOOLS = {
    "add": {
        "description": "Adds two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
    "weather": {
        "description": "Tells the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}

COLOUR = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}

# A loop that does not end is a fault; no scene needs more turns.
TURNS = 5


def use(name, arguments):
    """What a tool answers."""
    if name == "add":
        return str(arguments["a"] + arguments["b"])
    if name == "weather":
        return f"{arguments['city']}: 21 °C, \"mild\""
    return f"there is no tool `{name}`"


def picture():
    """A small red PNG in base64."""
    root = Path(__file__).resolve().parents[2]
    return base64.b64encode((root / "crates/clients/assets/red.png").read_bytes()).decode()
