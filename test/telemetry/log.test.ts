// The log's lines, and its files: names by day and size, a link to the one in use, nothing lost between two of them.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRedactor } from "../../src/lib/redact.ts";
import { type LogLevel, createLog } from "../../src/telemetry/log.ts";
import { openLogFile } from "../../src/telemetry/log-file.ts";

const NOW = new Date("2026-05-06T07:08:09.010Z");

function makeLog(
  level: LogLevel,
  pretty = false,
): { log: ReturnType<typeof createLog>; lines: string[]; kept: string[] } {
  const lines: string[] = [];
  const kept: string[] = [];
  const log = createLog({
    level,
    pretty,
    write: (line) => void lines.push(line),
    keep: (line) => void kept.push(line),
    redact: createRedactor(["canary-value"]),
    now: () => NOW,
  });
  return { log, lines, kept };
}

describe("lines", () => {
  test("JSON, one a line, with fields, and errors with their causes", () => {
    const { log, lines } = makeLog("info");
    log.warn("It failed", { request_id: "r1", error: new Error("outer", { cause: new TypeError("inner") }) });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: NOW.toISOString(),
      level: "warn",
      message: "It failed",
      request_id: "r1",
      error: "Error: outer ← TypeError: inner",
    });
  });
  test("secrets are taken out wherever they stand", () => {
    const { log, lines, kept } = makeLog("info", true);
    log.error("canary-value in words", { field: "and canary-value", error: new Error("canary-value") });
    expect(`${lines.join("")}${kept.join("")}`).not.toContain("canary-value");
  });
  test("a level hides what is below it, and can be changed", () => {
    const { log, lines } = makeLog("warn");
    log.info("quiet");
    log.debug("quieter");
    expect(lines).toEqual([]);
    log.setLevel("debug");
    log.debug("now");
    expect(lines).toHaveLength(1);
  });
  test("nothing that a stranger wrote steers the terminal, or begins a line of its own", () => {
    const strange = "a\u001B[2J\u009B31m\u202E\nb";
    for (const pretty of [true, false]) {
      const { log, lines, kept } = makeLog("info", pretty);
      log.error(strange, { cause: strange, error: new Error(strange) });
      const all = [...lines, ...kept].map((line) => Bun.stripANSI(line));
      for (const line of all) expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u202E]/u);
      expect(all.every((line) => line.includes("a\\u001b[2J\\u009b31m\\u202e"))).toBe(true);
      expect(JSON.parse(kept[0] ?? "")).toMatchObject({ message: strange, cause: strange });
    }
  });
  test("pretty for people, JSON for the file", () => {
    const { log, lines, kept } = makeLog("info", true);
    log.info("Listening", { port: 1 });
    expect(Bun.stripANSI(lines[0] ?? "")).toBe("07:08:09.010 info  Listening port=1\n");
    expect(JSON.parse(kept[0] ?? "")).toMatchObject({ message: "Listening", port: 1 });
  });
});

describe("files", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tokligence-log-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const fail = (error: Error): never => {
    throw error;
  };

  test("named by UTC day, linked at the plain name, for this user alone, appended to", async () => {
    const path = join(folder, "logs/gateway.log");
    for (const word of ["one", "two"]) {
      const file = openLogFile({ path, now: () => new Date(), onError: fail });
      file.write(`${word}\n`);
      await file.close();
    }
    const day = new Date().toISOString().slice(0, 10);
    expect(readdirSync(join(folder, "logs")).toSorted()).toEqual([`gateway-${day}.log`, "gateway.log"]);
    expect(readlinkSync(path)).toBe(`gateway-${day}.log`);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.skipIf(!existsSync("/dev/full"))("a disk that was full is written to again when it has room", async () => {
    const path = join(folder, "gateway.log");
    const inUse = join(folder, `gateway-${new Date().toISOString().slice(0, 10)}.log`);
    symlinkSync("/dev/full", inUse);
    let atMs = Date.now();
    const { promise: failed, resolve } = Promise.withResolvers<Error>();
    const errors: Error[] = [];
    const onError = (error: Error): void => {
      errors.push(error);
      resolve(error);
    };
    const file = openLogFile({ path, now: () => new Date(atMs), onError });
    file.write("lost\n");
    await failed;
    rmSync(inUse);
    file.write("too early\n");
    atMs += 20_000;
    file.write("kept\n");
    file.write("kept, too\n");
    await file.close();
    expect(errors).toHaveLength(1);
    expect(readFileSync(path, "utf8")).toBe("\nkept\nkept, too\n");
  });

  test("a full file is followed by -2 and -3, and no line is lost", async () => {
    const path = join(folder, "gateway.log");
    const file = openLogFile({ path, now: () => new Date(), onError: fail, maxBytes: 100 });
    const lines = Array.from({ length: 12 }, (_, index) => `line ${index} ${"x".repeat(20)}\n`);
    for (const line of lines) {
      file.write(line);
      await new Promise(setImmediate);
    }
    await file.close();
    const day = new Date().toISOString().slice(0, 10);
    const files = readdirSync(folder)
      .filter((name) => name !== "gateway.log")
      .toSorted();
    expect(files.slice(0, 2)).toEqual([`gateway-${day}-2.log`, `gateway-${day}-3.log`]);
    expect(files).toContain(`gateway-${day}.log`);
    const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("");
    expect(text.split("\n").toSorted()).toEqual(lines.join("").split("\n").toSorted());
  });
});
