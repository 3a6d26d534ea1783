"""Tells what the user of an SDK saw: one line of JSON for each call, with its answers, the types of
its events, its error, and the HTTP requests that the SDK made for it. It judges nothing.
"""

import json
import sys
import time

# Where each SDK keeps the words of an error.
ERROR_MEMBERS = ("code", "param", "type")

# What quire says about an answer in `x-quire-` headers.
TALES = ("request-id", "notes")


class Report:
    def __init__(self, call):
        self.call = call
        self.answers = []
        self.events = []
        self.error = None
        self.requests = []
        self.more = {}
        self.started = time.monotonic()
        self.first_event_ms = None

    def event(self, kind):
        """Notes the type of an event; equal ones in a row are told once."""
        if self.first_event_ms is None:
            self.first_event_ms = self.passed()
        if not self.events or self.events[-1] != kind:
            self.events.append(kind)

    def passed(self):
        return round((time.monotonic() - self.started) * 1000)

    def failed(self, error):
        """Notes an error as the SDK threw it."""
        body = getattr(error, "body", None)
        # OpenAI's SDK gives what is inside `error`, Anthropic's the whole body.
        inner = body.get("error", body) if isinstance(body, dict) else {}
        inner = inner if isinstance(inner, dict) else {}
        response = getattr(error, "response", None)
        headers = getattr(response, "headers", {})
        self.error = {
            "class": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "message": str(error),
            "words": inner.get("message"),
            **{name: inner.get(name, getattr(error, name, None)) for name in ERROR_MEMBERS},
            "retry_after": headers.get("retry-after"),
            "should_retry": headers.get("x-should-retry"),
            "request_id": headers.get("x-quire-request-id"),
        }

    def print(self):
        told = {
            "call": self.call,
            "answers": self.answers,
            "events": self.events,
            "error": self.error,
            "requests": self.requests,
            "first_event_ms": self.first_event_ms,
            "total_ms": self.passed(),
            **self.more,
        }
        print(json.dumps(told, ensure_ascii=False), flush=True)

    def hooks(self):
        """What an HTTP client calls, so that the requests of the SDK can be counted."""

        def note(response):
            request = response.request
            path = request.url.raw_path.decode()
            tale = {name: response.headers.get(f"x-quire-{name}") for name in TALES}
            self.requests.append([request.method, path, response.status_code, tale])

        return {"response": [note]}


def answer(**members):
    """One answer of the model; members that nobody set are told as what they are when unset."""
    unset = {
        "id": None,
        "model": None,
        "text": "",
        "refusal": None,
        "thinking": "",
        "calls": [],
        "finish": None,
        "usage": None,
        "parsed": None,
        "quire": None,
    }
    return {**unset, **members}


def main(make, calls):
    """Plays the calls named on the command line, one after the other.

    `make(base_url, key, retries, hooks)` makes a client, `calls` finds a function by name. A call
    is written `NAME:MODE`; the modes are `whole`, `stream` and `helper`.
    """
    base_url, key, model, retries, *names = sys.argv[1:]
    for call in names:
        name, _, mode = call.partition(":")
        report = Report(call)
        client = make(base_url, key, int(retries), report.hooks())
        try:
            calls[name](client, model, mode or "whole", report)
        except Exception as error:  # Whatever the user of the SDK would see.
            report.failed(error)
        report.print()
