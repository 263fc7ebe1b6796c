// Schemas of tools and answers as each provider takes them: drafts, unions at the top, strictness.

import { describe, expect, test } from "bun:test";
import type { JsonObject, Request, Tool } from "../../src/ir/index.ts";
import { anthropicMessages } from "../../src/wire/anthropic-messages/index.ts";
import { openaiChat } from "../../src/wire/openai-chat/index.ts";
import { FACTS } from "./sample.ts";

const BOTH = [anthropicMessages, openaiChat];
const REQUEST: Request = {
  model: "any",
  messages: [{ role: "user", parts: [{ type: "text", text: "q" }] }],
  tools: [],
  stream: false,
  extra: { "another-wire": {} },
};

/** The parameters as each of the two formats is sent them, which must be the same, and what was reported. */
function fit(
  parameters: JsonObject,
  more: Partial<Tool> = {},
): { schemas: JsonObject[]; strict: unknown[]; dropped: string[] } {
  const tools = [{ name: "look", description: null, parameters, strict: null, ...more }];
  const encoded = BOTH.map((wire) => wire.request.encode({ ...REQUEST, tools }, FACTS));
  const sent = encoded.map(({ body }) => {
    const [tool = {}] = body["tools"] as JsonObject[];
    return (tool["function"] ?? tool) as JsonObject;
  });
  return {
    schemas: sent.map((tool) => (tool["input_schema"] ?? tool["parameters"]) as JsonObject),
    strict: sent.map((tool) => tool["strict"]),
    dropped: encoded.flatMap(({ dropped }) => dropped),
  };
}

const WORD = { type: "string" };

describe("parameters of tools", () => {
  test("older drafts are told in the newest, at any depth", () => {
    const old = {
      type: "object",
      properties: {
        count: { type: "integer", minimum: 0, exclusiveMinimum: true, exclusiveMaximum: false },
        pair: { type: "array", items: [WORD, { type: "number", nullable: true }], additionalItems: false },
        // A property may bear a keyword's name.
        nullable: { type: "boolean" },
      },
    };
    const wanted = {
      type: "object",
      properties: {
        count: { type: "integer", exclusiveMinimum: 0 },
        pair: { type: "array", prefixItems: [WORD, { type: ["number", "null"] }], items: false },
        nullable: { type: "boolean" },
      },
    };
    expect(fit(old)).toEqual({ schemas: [wanted, wanted], strict: [undefined, undefined], dropped: [] });
  });

  test("a schema without a type or properties is one of an object", () => {
    const wanted = { type: "object", properties: {} };
    expect(fit({}).schemas).toEqual([wanted, wanted]);
    expect(fit({ type: "object" }).schemas).toEqual([wanted, wanted]);
  });

  test("alternatives at the top become one object that demands what all of them demand, and that is reported", () => {
    const union = {
      anyOf: [
        { type: "object", properties: { action: { const: "get" }, id: WORD }, required: ["action", "id"] },
        { $ref: "#/$defs/list" },
      ],
      $defs: { list: { type: "object", properties: { action: { const: "list" } }, required: ["action"] } },
    };
    const wanted = {
      type: "object",
      $defs: union.$defs,
      properties: { action: { anyOf: [{ const: "get" }, { const: "list" }] }, id: WORD },
      required: ["action"],
    };
    const dropped = ["tools[0].parameters.anyOf", "tools[0].parameters.anyOf"];
    expect(fit(union)).toEqual({ schemas: [wanted, wanted], strict: [undefined, undefined], dropped });
  });

  test("what all of must hold is all demanded", () => {
    const both = {
      type: "object",
      properties: { a: WORD },
      required: ["a"],
      allOf: [{ properties: { b: WORD }, required: ["b"] }, { required: ["c"] }],
    };
    const wanted = { type: "object", properties: { b: WORD, a: WORD }, required: ["a", "b", "c"] };
    expect(fit(both).schemas).toEqual([wanted, wanted]);
  });

  test("strictness stays where a grammar can hold the schema, and is reported where it cannot", () => {
    const closed = { type: "object", properties: { a: WORD }, required: ["a"], additionalProperties: false };
    expect(fit(closed, { strict: true })).toEqual({ schemas: [closed, closed], strict: [true, true], dropped: [] });
    const open = { type: "object", properties: {}, additionalProperties: WORD };
    const dropped = ["tools[0].strict", "tools[0].strict"];
    expect(fit(open, { strict: true })).toEqual({ schemas: [open, open], strict: [undefined, undefined], dropped });
  });
});

describe("schemas of answers", () => {
  const encode = (wire: typeof openaiChat, schema: JsonObject): { body: JsonObject; dropped: string[] } =>
    wire.request.encode(
      { ...REQUEST, responseFormat: { type: "json-schema", name: null, description: null, schema, strict: null } },
      FACTS,
    );

  test("are closed, and bounds that a grammar cannot hold are told in words", () => {
    const { body, dropped } = encode(anthropicMessages, {
      type: "object",
      properties: {
        age: { type: "integer", minimum: 0, description: "In years." },
        tags: { type: "array", items: { type: "string", format: "slug", maxLength: 9 }, minItems: 3 },
        kind: { oneOf: [WORD, { type: "null" }] },
      },
      required: ["age"],
    });
    expect(body["output_config"]).toEqual({
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: {
            age: { type: "integer", description: "In years.\n\n{minimum: 0}" },
            tags: {
              type: "array",
              items: { type: "string", description: '{maxLength: 9, format: "slug"}' },
              description: "{minItems: 3}",
            },
            kind: { anyOf: [WORD, { type: "null" }] },
          },
          required: ["age"],
          additionalProperties: false,
        },
      },
    });
    expect(dropped).toEqual([]);
  });

  test("an object that was open by wish is closed with a report", () => {
    const { dropped } = encode(anthropicMessages, { type: "object", properties: {}, additionalProperties: true });
    expect(dropped).toEqual(["response_format.json_schema.schema.additionalProperties"]);
  });

  test("are held to strictly where the schema allows it", () => {
    const strict = (schema: JsonObject): unknown =>
      (encode(openaiChat, schema).body["response_format"] as { json_schema: JsonObject }).json_schema["strict"];
    const closed = { type: "object", properties: { a: WORD }, required: ["a"], additionalProperties: false };
    expect(strict(closed)).toBe(true);
    expect(strict({ ...closed, required: [] })).toBeUndefined();
    expect(strict({ ...closed, properties: { a: { type: "object", properties: {} } } })).toBeUndefined();
    expect(strict({ type: "array", items: WORD })).toBeUndefined();
  });

  test("a model that cannot be held to one is not asked as if it could", () => {
    const asked = {
      ...REQUEST,
      responseFormat: { type: "json-schema", name: null, description: null, schema: {}, strict: null },
    } as const;
    for (const wire of BOTH) {
      expect(() => wire.request.encode(asked, { ...FACTS, refuses: ["responseSchema"] })).toThrow("JSON schema");
    }
  });
});
