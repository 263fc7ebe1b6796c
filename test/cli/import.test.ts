// `admin users import` with lists that strangers wrote: what is good is taken, what is not is told of with its reason, and nothing runs.

import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { EXIT } from "../../src/cli/error.ts";
import { createCsvReader } from "../../src/lib/csv-reader.ts";
import { type Desk, makeDesk } from "./desk.ts";

interface Told {
  created: { email: string; display_name: string | null }[];
  skipped: { row: number; email: string; reason: string }[];
  refused: { row: number; email: string; reason: string }[];
  counts: { created: number; skipped: number; refused: number };
}

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

const emails = async (): Promise<string[]> =>
  (await desk.read<{ users: { email: string }[] }>("admin users list")).users.map(({ email }) => email);

function readRows(path: string): string[][] {
  const reader = createCsvReader();
  return [...reader.push(readFileSync(path, "utf8")), ...reader.end()].map(({ cells }) => cells);
}

const HOSTILE = [
  "\u{FEFF}email,role,name",
  "ana@example.com,,Ana",
  '=HYPERLINK("http://evil.test"),gateway_user,x',
  "bo@example.com,gateway_user,=cmd|' /C calc'!A0",
  "cy@example.com,emperor,Cy",
  "ANA@example.com,,twice",
  "dee@example.com,gateway_user,Dee, the second",
  '"eve@example.com","gateway_user","Eve ""E"", E."',
  "fay@example.com,gateway_user,F\u0000",
  ",gateway_user,nobody",
  'gil@example.com,"gateway_user,open',
  "hal@example.com,gateway_admin,Hal",
].join("\r\n");

describe("a list in which rows are bad", () => {
  test("is refused as a whole, with the reasons, and with what to do", async () => {
    const file = desk.write("a.csv", HOSTILE);
    const { code, out, err } = await desk.run(["admin", "users", "import", "--file", file]);
    expect({ code, out }).toEqual({ code: EXIT.usage, out: "" });
    expect(err).toStartWith("error: 8 rows cannot be taken, so nothing was written.\n");
    expect(err).toContain("Row 4: There is no role");
    expect(err).toContain("Row 5: ana@example.com: same e-mail as row 1.");
    expect(err).toContain("--errors FILE");
    expect(await emails()).toEqual(["admin@local"]);
  });

  test("is taken as far as it is good, the rest in a file that is safe to open and can be mended and given back", async () => {
    const file = desk.write("a.csv", HOSTILE);
    const errors = join(desk.folder, "errors.csv");
    const first = await desk.run(["admin", "users", "import", "--file", file, "--errors", errors]);
    expect(first.code).toBe(EXIT.failed);
    expect(first.out).toEndWith("import complete: created=3 skipped=0 refused=8\n");
    expect(first.err).toBe(`error: 8 rows cannot be taken; the reasons stand in ${errors}.\n`);
    expect((await emails()).toSorted()).toEqual([
      "admin@local",
      "ana@example.com",
      "eve@example.com",
      "hal@example.com",
    ]);
    expect(statSync(errors).mode & 0o777).toBe(0o600);
    const [head, ...rows] = readRows(errors);
    expect(head).toEqual(["email", "role", "display_name", "line", "reason"]);
    expect(rows.map(([, , , line]) => line)).toEqual(["3", "4", "5", "6", "7", "9", "10", "11"]);
    expect(rows.every((row) => row.every((cell) => !/^[=+\-@]/u.test(cell)) && row[4] !== "")).toBe(true);
    expect(rows[1]?.[2]).toBe("'=cmd|' /C calc'!A0");
    // Not mended, it says the same again; what was a repetition is now there.
    const again = join(desk.folder, "again.csv");
    // What could be read of two that were broken is taken now, whole.
    const second = await desk.run(["admin", "users", "import", "--file", errors, "--errors", again]);
    expect(second.out).toEndWith("import complete: created=2 skipped=0 refused=6\n");
    const shown = await desk.read<{ user: { display_name: string } }>("admin users show --id dee@example.com");
    expect(shown.user.display_name).toBe("Dee, the second");
    const reasons = (path: string): string[] =>
      readRows(path)
        .slice(1)
        .map((row) => `${row[0]}: ${row[4]}`);
    const changed = reasons(again).filter((reason) => !reasons(errors).includes(reason));
    expect(changed).toEqual(["ANA@example.com: ana@example.com: a user with this e-mail already exists."]);
  });

  test("is not overwritten by what is found wrong with it, nor is that by a list that is not there", async () => {
    const file = desk.write("a.csv", HOSTILE);
    const linked = join(desk.folder, "b.csv");
    symlinkSync(file, linked);
    const line = ["admin", "users", "import", "--file", file];
    const apart = [
      ["--errors", file],
      ["--errors", linked],
      ["--links", linked],
      ["--errors", join(desk.folder, "c.csv"), "--links", join(desk.folder, "sub", "..", "c.csv")],
    ];
    for (const flags of apart) {
      const { code, err } = await desk.run([...line, ...flags]);
      expect([flags, code, err.includes("name the same file"), readFileSync(file, "utf8") === HOSTILE]).toEqual([
        flags,
        EXIT.usage,
        true,
        true,
      ]);
    }
    const gone = ["admin", "users", "import", "--file", join(desk.folder, "gone.csv"), "--errors", file];
    expect((await desk.run(gone)).code).toBe(EXIT.notFound);
    expect(readFileSync(file, "utf8")).toBe(HOSTILE);
    expect(await emails()).toEqual(["admin@local"]);
  });

  test("is judged in a dry run, which writes no user", async () => {
    const file = desk.write("a.csv", HOSTILE);
    const errors = join(desk.folder, "errors.csv");
    const line = ["admin", "users", "import", "--file", file, "--errors", errors, "--dry-run"];
    const { code, out } = await desk.run(line);
    expect(code).toBe(EXIT.failed);
    expect(out).toEndWith("dry run complete, nothing written: created=3 skipped=0 refused=8\n");
    expect(readRows(errors)).toHaveLength(9);
    expect(await emails()).toEqual(["admin@local"]);
  });

  test("that is no UTF-8 says so, row by row or as a whole", async () => {
    const latin = join(desk.folder, "latin.csv");
    await Bun.write(latin, Buffer.from("ana@example.com,,Jos\u00E9\nbo@example.com\n", "latin1"));
    const told = await desk.run(["admin", "users", "import", "--file", latin]);
    expect(told.err).toContain("Row 1: It holds characters that are not UTF-8.");
    const wide = join(desk.folder, "wide.csv");
    await Bun.write(wide, Buffer.from("\u{FEFF}email\nana@example.com\n", "utf16le"));
    const refused = await desk.run(["admin", "users", "import", "--file", wide]);
    expect([refused.code, refused.err]).toEqual([EXIT.usage, `error: ${wide} is UTF-16.\nSave it as CSV in UTF-8.\n`]);
    for (const [mark, name] of [
      [";", "semicolons"],
      ["\t", "tabs"],
    ]) {
      const other = desk.write("other.csv", `Name${mark}E-Mail\nAnn${mark}ann@example.com\n`);
      const { code, err } = await desk.run(`admin users import --file ${other}`);
      expect([code, err]).toEqual([
        EXIT.usage,
        `error: ${other} has ${name} between its cells.\nSave it as CSV with commas.\n`,
      ]);
    }
    const spelled = desk.write(
      "spelled.csv",
      "Name,E-Mail Address\nAnn,spelled@example.com\nBob,spelled@example.com\n",
    );
    const tried = await desk.run(`admin users import --dry-run --file ${spelled}`);
    expect(tried.out).toContain("row 1 would create email=spelled@example.com");
    expect(tried.err).toContain("error: 1 row cannot be taken; the others could be.");
  });
});

test.each([
  ["email,Email", "Email"],
  ["e-mail,email address", "email address"],
])("of two columns for the same (%s) the first counts, and the other is named", async (header, named) => {
  const file = desk.write("a.csv", `${header}\nana@example.com,ann@home.example.com\n`);
  const { code, err } = await desk.run(["admin", "users", "import", "--file", file]);
  expect([code, err]).toEqual([EXIT.ok, `note: the column "${named}" is not used\n`]);
  expect(await emails()).toEqual(["admin@local", "ana@example.com"]);
});

test("links to hand out stand in a file of their own, and each signs its user in", async () => {
  const file = desk.write("a.csv", "ana@example.com\nbo@example.com\n");
  const links = join(desk.folder, "links.csv");
  const { code, out } = await desk.run(["admin", "users", "import", "--file", file, "--links", links]);
  expect(code).toBe(0);
  expect(out).not.toContain("/ui/login#");
  expect(statSync(links).mode & 0o777).toBe(0o600);
  const [head, ...rows] = readRows(links);
  expect(head).toEqual(["email", "link", "expires_at"]);
  expect(rows.map(([email]) => email)).toEqual(["ana@example.com", "bo@example.com"]);
  expect(rows.every(([, link]) => /^http:\/\/127\.0\.0\.1:\d+\/ui\/login#[\w-]{43}$/u.test(link ?? ""))).toBe(true);
});

test("whoever was changed before his link was made is named without one", async () => {
  await emails();
  const books = new Database(join(desk.folder, "identity.db"));
  books.run(
    "create trigger meanwhile after insert on users when new.email = 'bo@example.com' begin update users set status = 'suspended' where id = new.id; end",
  );
  books.close();
  const file = desk.write("a.csv", "ana@example.com\nbo@example.com\n");
  const links = join(desk.folder, "links.csv");
  const { code, err } = await desk.run(["admin", "users", "import", "--file", file, "--links", links]);
  expect(code).toBe(EXIT.ok);
  expect(err).toContain("note: 1 user got no link");
  const [ana, bo] = readRows(links).slice(1);
  expect(ana).toEqual(["ana@example.com", expect.stringContaining("/ui/login#"), expect.any(String)]);
  expect(bo).toEqual(["bo@example.com", "", ""]);
});

test("a list longer than one part is taken whole, and JSON tells of every user", async () => {
  const lines = Array.from({ length: 12_001 }, (_, index) => `user-${index}@example.com,,User ${index}`);
  const file = desk.write("a.csv", [...lines, lines[0]].join("\n"));
  const told = await desk.read<Told>(["admin", "users", "import", "--file", file, "--skip-existing"]);
  expect(told.counts).toEqual({ created: 12_001, skipped: 1, refused: 0 });
  expect(told.created).toHaveLength(12_001);
  expect(told.skipped).toEqual([{ row: 12_002, email: "user-0@example.com", reason: "same e-mail as row 1" }]);
  expect(await emails()).toHaveLength(12_002);
});

test("whatever stands in a list: each row is told of once, whoever is created is somebody, and the second time nobody is", async () => {
  const word = fc.string({
    unit: fc.constantFrom(
      "a",
      "b",
      "@",
      ".",
      "=",
      "+",
      "-",
      '"',
      ",",
      "\n",
      "\r\n",
      " ",
      "'",
      "\t",
      "\0",
      "ü",
      "\u{FFFD}",
    ),
    maxLength: 12,
  });
  const address = fc.stringMatching(/^[a-d]{1,2}@[a-c]\.[a-c]$/u);
  const row = fc
    .tuple(fc.oneof(address, word), fc.constantFrom("", "gateway_user", "king"), word)
    .map((cells) => cells.join(","));
  const errors = join(desk.folder, "errors.csv");
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
      const file = desk.write("a.csv", `email,role,name\n${rows.join("\n")}\n`);
      const line = ["admin", "users", "import", "--file", file, "--errors", errors, "--json"];
      const before = await emails();
      const first = await desk.run(line);
      expect([EXIT.ok, EXIT.failed]).toContain(first.code as 0);
      const told: Told = JSON.parse(first.out);
      const numbers = told.refused.map((each) => each.row);
      expect(new Set(numbers).size).toBe(numbers.length);
      const reader = createCsvReader();
      const data = [...reader.push(readFileSync(file, "utf8")), ...reader.end()].length - 1;
      expect(told.counts.created + told.counts.skipped + told.counts.refused).toBe(data);
      expect(readRows(errors)).toHaveLength(told.counts.refused + 1);
      for (const { email, display_name: name } of told.created) {
        expect(email).toMatch(/^[^\s@=+-][^\s@]*@[^\s@]+$/u);
        expect(name ?? "").not.toMatch(/^[=+\-@]|\p{Cc}/u);
      }
      expect((await emails()).toSorted()).toEqual([...before, ...told.created.map(({ email }) => email)].toSorted());
      expect(JSON.parse((await desk.run(line)).out).counts.created).toBe(0);
    }),
    { numRuns: 40 },
  );
});
