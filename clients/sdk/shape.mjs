// The types of the SDKs' declarations, checked at run time: unlike the Python SDKs, those for
// JavaScript believe whatever arrives. A member that may be null may also be absent, because
// providers leave such members out and a passed answer is theirs; every other must be there.

const check = (name, holds) => (value, at) => {
  if (!holds(value)) throw new TypeError(`${at} is no ${name}: ${JSON.stringify(value)}`);
};

export const string = check("string", (value) => typeof value === "string");
export const number = check("number", (value) => typeof value === "number");
export const integer = check("integer", Number.isInteger);
export const boolean = check("boolean", (value) => typeof value === "boolean");
export const object = check("object", (value) => value?.constructor === Object);
export const any = () => {};

export const one = (...values) =>
  check(`one of ${values.join(", ")}`, (value) => values.includes(value));

export const maybe = (type) => (value, at) => {
  if (value !== null && value !== undefined) type(value, at);
};

export const list = (type) => (value, at) => {
  if (!Array.isArray(value)) throw new TypeError(`${at} is no list: ${JSON.stringify(value)}`);
  value.forEach((entry, place) => type(entry, `${at}[${place}]`));
};

export const members = (types) => (value, at) => {
  object(value, at);
  for (const [name, type] of Object.entries(types)) type(value[name], `${at}.${name}`);
};

/** Objects told apart by `type`; those of another type are not looked into. */
export const tagged = (kinds) => (value, at) => {
  members({ type: string })(value, at);
  (kinds[value.type] ?? any)(value, at);
};

/** Checks a value and returns it. */
export function be(type, value, at) {
  type(value, at);
  return value;
}
