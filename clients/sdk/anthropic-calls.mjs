// Calls of the official Anthropic SDK for JavaScript, each as its documentation shows it.
//
//     NODE_PATH=... node anthropic-calls.mjs BASE_URL KEY MODEL RETRIES CALL:MODE...
//
// The calls, modes and lines of output are those of anthropic_calls.py.

import { answer, main } from "./report.mjs";
import { any, be, integer, list, maybe, members, object, one, string, tagged } from "./shape.mjs";
import * as toys from "./toys.mjs";

const Anthropic = toys.sdk("@anthropic-ai/sdk").Anthropic;
const { jsonSchemaOutputFormat } = toys.sdk("@anthropic-ai/sdk/helpers/json-schema");

const LIMIT = 4096;

const make = (baseURL, apiKey, maxRetries, fetch) =>
  new Anthropic({ baseURL, apiKey, maxRetries, fetch, timeout: 30_000 });

const STOP = one(
  "end_turn",
  "max_tokens",
  "stop_sequence",
  "tool_use",
  "pause_turn",
  "refusal",
  "model_context_window_exceeded",
);
const BLOCK = tagged({
  text: members({ text: string }),
  thinking: members({ thinking: string, signature: string }),
  redacted_thinking: members({ data: string }),
  tool_use: members({ id: string, name: string, input: object }),
});
const CACHED = {
  cache_creation_input_tokens: maybe(integer),
  cache_read_input_tokens: maybe(integer),
};
const USAGE = members({ input_tokens: integer, output_tokens: integer, ...CACHED });
const HEAD = {
  id: string,
  type: one("message"),
  role: one("assistant"),
  model: string,
  content: list(BLOCK),
  stop_sequence: maybe(string),
  usage: USAGE,
};
const MESSAGE = members({ ...HEAD, stop_reason: STOP });
const DELTA = tagged({
  text_delta: members({ text: string }),
  thinking_delta: members({ thinking: string }),
  signature_delta: members({ signature: string }),
  input_json_delta: members({ partial_json: string }),
});
const EVENT = tagged({
  message_start: members({ message: members({ ...HEAD, stop_reason: maybe(STOP) }) }),
  content_block_start: members({ index: integer, content_block: BLOCK }),
  content_block_delta: members({ index: integer, delta: DELTA }),
  content_block_stop: members({ index: integer }),
  message_delta: members({
    delta: members({ stop_reason: maybe(STOP), stop_sequence: maybe(string) }),
    usage: members({ output_tokens: integer, input_tokens: maybe(integer), ...CACHED }),
  }),
  message_stop: any,
});

function ofMessage(message) {
  be(MESSAGE, message, "message");
  const blocks = (kind) => message.content.filter((block) => block.type === kind);
  return answer({
    id: message.id,
    model: message.model,
    text: blocks("text").map((block) => block.text).join(""),
    thinking: blocks("thinking").map((block) => block.thinking).join(""),
    sealed: blocks("thinking").map((block) => block.signature),
    calls: blocks("tool_use").map(({ id, name, input }) => ({ id, name, arguments: input })),
    finish: message.stop_reason,
    stop: message.stop_sequence ?? null,
    usage: message.usage,
    parsed: message.parsed_output ?? null,
    quire: message.quire ?? null,
  });
}

/** Puts the raw events together by hand. */
async function gather(events, told) {
  let message = null;
  const inputs = new Map();
  for await (const event of events) {
    be(EVENT, event, event.type);
    told.event(event.type);
    if (event.type === "message_start") message = event.message;
    if (event.type === "content_block_start") message.content.push({ ...event.content_block });
    if (event.type === "content_block_delta") {
      const block = message.content[event.index];
      const { delta } = event;
      if (delta.type === "text_delta") block.text += delta.text;
      if (delta.type === "thinking_delta") block.thinking += delta.thinking;
      if (delta.type === "signature_delta") block.signature = delta.signature;
      if (delta.type === "input_json_delta")
        inputs.set(event.index, (inputs.get(event.index) ?? "") + delta.partial_json);
    }
    if (event.type === "message_delta") {
      Object.assign(message, event.delta);
      Object.assign(message.usage, event.usage);
      message.quire = event.quire;
    }
  }
  for (const [index, text] of inputs) message.content[index].input = JSON.parse(text || "{}");
  return message;
}

/** Asks once; notes the answer and returns its blocks for the history. */
async function ask(client, model, mode, told, messages, more = {}, api = client.messages) {
  const request = { model, max_tokens: LIMIT, messages, ...more };
  let message = null;
  if (mode === "whole") {
    message = await api.create(request);
  } else if (mode === "stream") {
    message = await gather(await api.create({ ...request, stream: true }), told);
  } else {
    const stream = api.stream(request);
    stream.on("streamEvent", (event) => {
      be(EVENT, event, event.type);
      told.event(event.type);
    });
    message = await stream.finalMessage();
  }
  told.answers.push(ofMessage(message));
  return message.content;
}

const user = (content) => ({ role: "user", content });

const calls = {
  text: (client, model, mode, told) => ask(client, model, mode, told, [user(toys.PROMPT)]),

  settings: (client, model, mode, told) => {
    const text = { type: "text", text: toys.PROMPT };
    const messages = [user("One"), { role: "assistant", content: "Two" }, user([text])];
    const cached = { type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } };
    const metadata = { user_id: "someone" };
    const more = { system: [cached], stop_sequences: ["END"], metadata };
    return ask(client, model, mode, told, messages, more);
  },

  // The beta form: another path and a header, and a parameter that nobody knows.
  beta: (client, model, mode, told) => {
    const more = { betas: ["quire-test-2026-01-01"], frobnicate: true };
    return ask(client, model, mode, told, [user(toys.PROMPT)], more, client.beta.messages);
  },

  tools: async (client, model, mode, told, more = {}) => {
    const tools = Object.entries(toys.TOOLS).map(([name, { description, parameters }]) => ({
      name,
      description,
      input_schema: parameters,
    }));
    const messages = [user(toys.PROMPT)];
    for (let turn = 0; turn < toys.TURNS; turn += 1) {
      const content = await ask(client, model, mode, told, messages, { tools, ...more });
      const { calls: called } = told.answers.at(-1);
      if (called.length === 0) return;
      messages.push({ role: "assistant", content });
      const results = called.map((call) => ({
        type: "tool_result",
        tool_use_id: call.id,
        content: toys.use(call.name, call.arguments),
      }));
      messages.push(user(results));
    }
  },

  thinking: (client, model, mode, told) => {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    return calls.tools(client, model, mode, told, { thinking });
  },

  image: (client, model, mode, told) => {
    const source = { type: "base64", media_type: "image/png", data: toys.picture() };
    const parts = [{ type: "text", text: "Which colour?" }, { type: "image", source }];
    return ask(client, model, mode, told, [user(parts)]);
  },

  schema: async (client, model, mode, told) => {
    const messages = [user("Which colour?")];
    if (mode === "helper") {
      const output_config = { format: jsonSchemaOutputFormat(toys.COLOUR) };
      const request = { model, max_tokens: LIMIT, messages, output_config };
      told.answers.push(ofMessage(await client.messages.parse(request)));
      return;
    }
    const output_config = { format: { type: "json_schema", schema: toys.COLOUR } };
    await ask(client, model, mode, told, messages, { output_config });
  },

  count: async (client, model, mode, told) => {
    const counted = await client.messages.countTokens({ model, messages: [user(toys.PROMPT)] });
    told.more.counted = be(members({ input_tokens: integer }), counted, "count");
  },
};

const MODEL = members({
  id: string,
  type: one("model"),
  display_name: string,
  created_at: string,
  lifecycle: one("active", "deprecated", "retired"),
});

const models = {
  // Every model, by pages of two.
  list: async (client, model, mode, told) => {
    told.more.models = [];
    for await (const entry of client.models.list({ limit: 2 }))
      told.more.models.push(be(MODEL, entry, "model").id);
  },

  one: async (client, model, mode, told) => {
    told.more.model = be(MODEL, await client.models.retrieve(model), "model");
  },
};

const named = (prefix, table) =>
  Object.fromEntries(Object.entries(table).map(([name, call]) => [`${prefix}.${name}`, call]));

await main(make, { ...named("messages", calls), ...named("models", models) });
