// What the calls are played with: prompts, two tools that compute locally, a picture, a schema.
// The same as in toys.py.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The SDKs lie where NODE_PATH says, which `import` does not read.
export const sdk = createRequire(import.meta.url);

export const PROMPT = "Grüße the harbour — 港 🙂";

export const TOOLS = {
  add: {
    description: "Adds two numbers.",
    parameters: {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "integer" } },
      required: ["a", "b"],
      additionalProperties: false,
    },
  },
  weather: {
    description: "Tells the weather of a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

export const COLOUR = {
  type: "object",
  properties: { colour: { type: "string" } },
  required: ["colour"],
  additionalProperties: false,
};

// A loop that does not end is a fault; no scene needs more turns.
export const TURNS = 5;

/** What a tool answers. */
export function use(name, given) {
  if (name === "add") return String(given.a + given.b);
  if (name === "weather") return `${given.city}: 21 °C, "mild"`;
  return `there is no tool \`${name}\``;
}

/** A small red PNG in base64. */
export function picture() {
  const file = new URL("../../crates/clients/assets/red.png", import.meta.url);
  return readFileSync(file).toString("base64");
}
