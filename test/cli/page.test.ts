// Lists that come a page at a time: each refuses what is no cursor of its own, and none goes on for ever.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { COMMANDS } from "../../src/cli/index.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
beforeAll(async () => {
  desk = makeDesk();
  await desk.read("admin users create --email ana@example.com");
});
afterAll(() => desk.close());

interface Loaded {
  args?: object;
  subCommands?: object;
}

/** Of all that there are. */
async function listPaged(commands: object, path: string[] = []): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      const { args = {}, subCommands } = (typeof load === "function" ? await load() : load) as Loaded;
      if (subCommands !== undefined) return listPaged(subCommands, [...path, name]);
      return "cursor" in args ? [[...path, name].join(" ")] : [];
    }),
  );
  return found.flat();
}

test("a cursor that is none is refused by every list", async () => {
  const lines = await listPaged(COMMANDS);
  expect(lines).toContain("admin api-keys list");
  for (const line of lines) {
    for (const cursor of ["zz", "aWQ6"]) {
      const { code, out, err } = await desk.run(`${line} --cursor ${cursor}`);
      expect([line, code, out]).toEqual([line, EXIT.usage, ""]);
      expect(err).toContain("give back a page's next cursor as it came");
    }
  }
});

test.each(["api_keys", "budgets", "limits", "users"])(
  "one that leads in a circle ends with an error: %s",
  async (name) => {
    const turns: (string | null)[] = ["a", "b", "a", "b", null];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json({ [name]: [], next_cursor: turns.shift() ?? null }),
    });
    try {
      const key = `tok_${"x".repeat(43)}`;
      const line = `admin ${name.replace("_", "-")} list --url http://127.0.0.1:${server.port} --key ${key}`;
      const { code, out, err } = await desk.run(line);
      expect([code, out, turns.length]).toEqual([EXIT.failed, "", 2]);
      expect(err).toContain(
        "The list does not end: the gateway's answer names a page as the next one that it named before",
      );
    } finally {
      await server.stop(true);
    }
  },
);
