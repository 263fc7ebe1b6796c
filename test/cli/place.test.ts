// Every command that a gateway elsewhere answers prints there what it prints on the database here, in tables and as JSON, and ends with the same code.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/index.ts";
import { type Desk, type Printed, makeDesk } from "./desk.ts";
import { type GatewayProcess, serveDesk } from "./gateway-process.ts";
import { MACHINE_ONLY, READS, SCRIPTS, SETTINGS, type Step } from "./place-scene.ts";

let desk: Desk;
let gateway: GatewayProcess;
let key: string;

beforeAll(async () => {
  desk = makeDesk();
  gateway = await serveDesk(desk, SETTINGS);
  const { token } = await desk.read<{ token: string }>("admin api-keys create --user admin@local --name remote");
  key = token;
  for (const line of [
    "admin users create --email ana@example.com --name Ana",
    "admin users create --email bo@example.com",
  ])
    await desk.run(line.split(" "));
  const made = await desk.read<{ token: string; api_key: { id: string } }>(
    "admin api-keys create --user ana@example.com --name ci --tags team=a --budget-usd 5",
  );
  vars.key = made.api_key.id;
  await desk.run("admin users invite --email cy@example.com");
  vars.folder = desk.folder;
  desk.write("key", "sk-canary-0123456789abcdef");
  desk.write("other-key", "sk-canary-fedcba9876543210");
  for (const side of ["hither", "yonder"]) {
    const rows = Array.from(
      { length: 100 },
      (_none, index) => `n${index}-${side}@example.com,gateway_user,Name ${index}`,
    );
    desk.write(`${side}-good.csv`, `email,role,display_name\n${rows.join("\n")}\n`);
    const bad = [
      `new-${side}@example.com,,`,
      "nonsense,,",
      `n1-${side}@example.com,,`,
      `new-${side}@example.com,,twin`,
    ];
    desk.write(`${side}-bad.csv`, `email,role,display_name\n${[...bad, "=x@example.com,king,"].join("\n")}\n`);
  }
  for (const text of ["Hi", "Hello"]) await chat(made.token, text);
  await untilBooked(2);
  await desk.run("admin cache clear");
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  desk.close();
});

const vars: Record<string, string> = {};
const there = (): string[] => ["--url", gateway.url, "--key", key];

async function chat(token: string, content: string): Promise<void> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "loopback", messages: [{ role: "user", content }] }),
  });
  expect(response.status).toBe(200);
  await response.text();
}

async function untilBooked(rows: number): Promise<void> {
  for (;;) {
    const { requests } = await desk.read<{ requests: number }>("usage summary");
    const { total } = await desk.read<{ total: { rows: number } }>("audit tokens");
    if (requests >= rows && total.rows >= rows) return;
  }
}

/** What differs between two doings of the same thing, and nothing else. */
function level({ code, out, err }: Printed, side: string): Printed {
  const plain = (text: string): string =>
    text
      .replaceAll(side, "SIDE")
      .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu, "ID")
      .replaceAll(/tok_[\w-]{43}/gu, "TOKEN")
      .replaceAll(/tok_[\w-]{8}/gu, "PREFIX")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/gu, "TIME")
      .replaceAll(/#[\w-]{43}/gu, "#LINK")
      .replaceAll(/\b[0-9a-f]{16}\b/gu, "KEY")
      .replaceAll(/\boperator\b|\badmin@local\b/gu, "WHO")
      .replaceAll(/"version":\d+,"files"/gu, '"version":N,"files"')
      .replaceAll(/"latency_ms":\d+/gu, '"latency_ms":MS')
      // The gateway writes down when a key was used, some seconds later.
      .replaceAll(/"last_used_at":(?:null|"[^"]*")/gu, '"last_used_at":WHEN')
      // Columns are as wide as what stands in them.
      .replaceAll(/ {2,}/gu, "  ");
  return { code, out: plain(out), err: plain(err) };
}

function fill(words: readonly string[], side: string, known: Readonly<Record<string, string>>): string[] {
  return words.map((word) =>
    word.replaceAll("SIDE", side).replaceAll(/\{(\w+)\}/gu, (_all, name: string) => known[name] ?? `no ${name}`),
  );
}

async function play(steps: readonly Step[], side: "hither" | "yonder"): Promise<Printed[]> {
  const known = { ...vars };
  const printed: Printed[] = [];
  for (const { line, keep = {}, isWordy = false } of steps) {
    const words = fill(line.split(" "), side, known);
    const one = await desk.run(side === "hither" ? words : [...words, ...there()]);
    const leveled = level(one, side);
    printed.push(isWordy ? { ...leveled, err: "" } : leveled);
    for (const [name, path] of Object.entries(keep)) known[name] = dig(one, path);
  }
  return printed;
}

function dig({ out, err }: Printed, path: string): string {
  try {
    return String(path.split(".").reduce((value, part) => (value as Record<string, unknown>)[part], JSON.parse(out)));
  } catch {
    throw new Error(`${path} does not stand in ${out}${err}`);
  }
}

describe("reads the same", () => {
  for (const line of READS) {
    test(
      line,
      async () => {
        for (const form of [[], ["--json"]]) {
          const words = [...fill(line.split(" "), "", vars), ...form];
          const here = await desk.run(words);
          expect(await desk.run([...words, ...there()])).toEqual(here);
          expect([here.code, here.err.includes("This should not have happened")]).toEqual([
            line.includes("nobody") ? 3 : 0,
            false,
          ]);
        }
      },
      30_000,
    );
  }
});

describe("does the same", () => {
  for (const [name, steps] of Object.entries(SCRIPTS)) {
    test(
      name,
      async () => {
        const here = await play(steps, "hither");
        expect(await play(steps, "yonder")).toEqual(here);
        for (const [index, { code, err }] of here.entries())
          expect([steps[index]?.line, code, err]).toEqual([steps[index]?.line, steps[index]?.code ?? 0, err]);
      },
      60_000,
    );
  }
});

test("files hold the same", async () => {
  for (const name of ["errors.csv", "good.csv", "links.csv"]) {
    const [here, there] = await Promise.all(
      ["hither", "yonder"].map(async (side) => {
        const out = await Bun.file(join(desk.folder, `${side}-${name}`)).text();
        return level({ code: 0, out, err: "" }, side).out;
      }),
    );
    expect([name, there]).toEqual([name, here ?? ""]);
    expect(here?.split("\n").length).toBeGreaterThan(4);
  }
});

describe("whoever the key speaks for", () => {
  const issue = async (flags: string): Promise<string[]> => {
    const { token } = await desk.read<{ token: string }>(`admin api-keys create ${flags}`);
    return ["--url", gateway.url, "--key", token];
  };

  test("reads his own usage where he may not read everybody's", async () => {
    const own = await issue("--user ana@example.com");
    for (const line of ["usage summary --json", "usage logs --json", "usage export"]) {
      const [all, mine] = [
        await desk.run(`${line} --user ana@example.com`),
        await desk.run([...line.split(" "), ...own]),
      ];
      expect([mine.code, mine.out]).toEqual([0, all.out]);
      expect(mine.err).toContain("note: this is the usage of the API key's owner");
    }
    const others = await desk.run(["usage", "summary", "--user", "bo@example.com", ...own]);
    expect([others.code, others.out]).toEqual([4, ""]);
    const refused = await desk.run(["admin", "users", "list", ...own]);
    expect(refused.code).toBe(4);
    expect(refused.err).toContain("it takes a user of the role gateway_admin");
  });

  test("makes no more of others by a list than he may, and none of it then", async () => {
    await desk.run("admin users create --email boss@example.com --role gateway_admin");
    const boss = await issue("--user boss@example.com");
    const file = desk.write("roots.csv", "fine@example.com,gateway_user,\nroot@example.com,root_admin,\n");
    const { code, err } = await desk.run(["admin", "users", "import", "--file", file, ...boss]);
    expect(code).toBe(2);
    expect(err).toContain("Row 2: an import cannot make root admins.");
    expect((await desk.run("admin users show --id fine@example.com")).code).toBe(3);
    // One whose key does not say who he is hears it at the end, and of that row alone.
    const narrow = await issue("--user boss@example.com --scopes users:manage");
    const admins = desk.write("admins.csv", "also@example.com,gateway_admin,\n");
    const refused = await desk.run(["admin", "users", "import", "--file", admins, ...narrow]);
    expect([refused.code, refused.out]).toEqual([4, ""]);
    expect((await desk.run("admin users show --id also@example.com")).code).toBe(3);
  });

  test("is given no link that goes by mail, nor one for the root", async () => {
    const none = await desk.run(["admin", "login-link", ...there()]);
    expect([none.code, none.out]).toEqual([2, ""]);
    expect(none.err).toContain("own machine alone");
  });
});

describe("every command", () => {
  test("is among these, or says that it works at the machine alone", async () => {
    const lines = [...READS, ...Object.values(SCRIPTS).flatMap((steps) => steps.map(({ line }) => line))];
    const leaves = await listCommands(COMMANDS);
    const shown = leaves.filter((leaf) => lines.some((line) => `${line} `.startsWith(`${leaf} `)));
    expect([...shown, ...Object.keys(MACHINE_ONLY)].toSorted()).toEqual(leaves.toSorted());
    for (const leaf of Object.keys(MACHINE_ONLY).filter((name) => name !== "connect")) {
      const { code, err } = await desk.run([...leaf.split(" "), "--url", gateway.url]);
      expect([leaf, code]).toEqual([leaf, 2]);
      expect(err).toContain(`${leaf} works at the gateway's own machine alone`);
    }
  });
});

async function listCommands(table: object, path: string[] = []): Promise<string[]> {
  const lists = await Promise.all(
    Object.entries(table).map(async ([name, load]) => {
      const { subCommands } = (typeof load === "function" ? await load() : load) as { subCommands?: object };
      return subCommands === undefined ? [[...path, name].join(" ")] : listCommands(subCommands, [...path, name]);
    }),
  );
  return lists.flat();
}
