// Tells what the user of an SDK saw: one line of JSON for each call, with its answers, the types of
// its events, its error, and the HTTP requests that the SDK made for it. It judges nothing. The
// lines are the same as those of report.py.

// What quire says about an answer in `x-quire-` headers.
const TALES = ["request-id", "notes"];

export class Report {
  answers = [];
  events = [];
  error = null;
  requests = [];
  more = {};
  first = null;
  started = performance.now();

  constructor(call) {
    this.call = call;
  }

  /** Notes the type of an event; equal ones in a row are told once. */
  event(kind) {
    this.first ??= this.passed();
    if (this.events.at(-1) !== kind) this.events.push(kind);
  }

  passed() {
    return Math.round(performance.now() - this.started);
  }

  /** Notes an error as the SDK threw it. */
  failed(error) {
    // OpenAI's SDK gives what is inside `error`, Anthropic's the whole body.
    const inner = error.error?.error ?? error.error ?? {};
    const header = (name) => error.headers?.get?.(name) ?? null;
    this.error = {
      class: error.constructor.name,
      status: error.status ?? null,
      message: String(error.message),
      words: inner.message ?? null,
      code: inner.code ?? error.code ?? null,
      param: inner.param ?? error.param ?? null,
      type: inner.type ?? error.type ?? null,
      retry_after: header("retry-after"),
      should_retry: header("x-should-retry"),
      request_id: header("x-quire-request-id"),
    };
  }

  print() {
    const { call, answers, events, error, requests, more } = this;
    const times = { first_event_ms: this.first, total_ms: this.passed() };
    console.log(JSON.stringify({ call, answers, events, error, requests, ...times, ...more }));
  }

  /** What an SDK calls to fetch, so that its requests can be counted. */
  fetch = async (url, init) => {
    const response = await fetch(url, init);
    const { pathname, search } = new URL(url);
    const tale = {};
    for (const name of TALES) tale[name] = response.headers.get(`x-quire-${name}`);
    this.requests.push([init.method.toUpperCase(), pathname + search, response.status, tale]);
    return response;
  };
}

/** One answer of the model; members that nobody set are told as what they are when unset. */
export function answer(members) {
  const unset = {
    id: null,
    model: null,
    text: "",
    refusal: null,
    thinking: "",
    calls: [],
    finish: null,
    usage: null,
    parsed: null,
    quire: null,
  };
  return { ...unset, ...members };
}

/** Plays the calls named on the command line, one after the other; see report.py. */
export async function main(make, calls) {
  const [baseURL, key, model, retries, ...names] = process.argv.slice(2);
  for (const call of names) {
    const [name, mode = "whole"] = call.split(":");
    const report = new Report(call);
    const client = make(baseURL, key, Number(retries), report.fetch);
    try {
      await calls[name](client, model, mode, report);
    } catch (error) {
      report.failed(error);
    }
    report.print();
  }
}
