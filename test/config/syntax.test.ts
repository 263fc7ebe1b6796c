// Every kind of value: what is taken, and what is refused in which words.

import { describe, expect, test } from "bun:test";
import type * as z from "zod";
import { CACHE_KEYS } from "../../src/config/cache-key.ts";
import * as syntax from "../../src/config/syntax.ts";

function read<T>(type: z.ZodType<T, string>, text: string): T | string {
  const parsed = syntax.parseText(type, text);
  return "value" in parsed ? parsed.value : `! ${parsed.message}`;
}

describe("booleans", () => {
  test.each(["1", "true", "YES", "on"])("%s is true", (text) => expect(read(syntax.boolean, text)).toBe(true));
  test.each(["0", "False", "no", "off"])("%s is false", (text) => expect(read(syntax.boolean, text)).toBe(false));
  test.each(["", "2", "enabled"])("%j is neither", (text) => expect(read(syntax.boolean, text)).toContain("neither"));
});

describe("durations", () => {
  test.each([
    ["0", 0],
    ["0s", 0],
    ["250ms", 250],
    ["5s", 5_000],
    ["1.5h", 5_400_000],
    ["1h30m", 5_400_000],
    ["1h0m30s", 3_630_000],
    ["10us", 1],
    ["1µs", 1],
    ["720h", syntax.LONGEST_MS],
  ])("%s is %d ms", (text, ms) => expect(read(syntax.defineDuration(), text)).toBe(ms));

  test.each(["", "h", "5", "-5s", "5 s", "5d", "1h30", "s5", "1..5s", "Infinity", "1e3s"])("%j is refused", (text) => {
    expect(read(syntax.defineDuration(), text)).toStartWith("! ");
  });

  test("a bare number names the unit that is missing", () => {
    expect(read(syntax.defineDuration(), "30")).toBe('! "30" needs a unit, such as "30s"');
  });

  test("a bare number and zero may have a meaning of their own", () => {
    expect(read(syntax.defineDuration({ bareMs: 60_000 }), "60")).toBe(3_600_000);
    expect(read(syntax.defineDuration({ zeroMs: 7 }), "0")).toBe(7);
  });
});

describe("sizes", () => {
  test.each([
    ["1048576", 1_048_576],
    ["16MB", 16_000_000],
    ["16MiB", 16_777_216],
    ["16 mib", 16_777_216],
    ["1.5KiB", 1_536],
    ["2GiB", 2_147_483_648],
    ["7b", 7],
  ])("%s is %d bytes", (text, bytes) => expect(read(syntax.size, text)).toBe(bytes));

  test.each(["", "0", "MB", "16M", "-1", "16 MBs", "1e9", "99999999999GiB"])("%j is refused", (text) => {
    expect(read(syntax.size, text)).toStartWith("! ");
  });
});

describe("addresses", () => {
  test.each([
    [":8081", null, 8081],
    ["8081", null, 8081],
    ["*:8081", null, 8081],
    ["127.0.0.1:9000", "127.0.0.1", 9000],
    ["[::1]:8081", "::1", 8081],
    ["[::]:8081", "::", 8081],
    ["localhost:0", "localhost", 0],
    ["gate-1.example.com:65535", "gate-1.example.com", 65_535],
  ])("%s", (text, hostname, port) => expect(read(syntax.address, text)).toEqual({ hostname, port }));

  test.each([
    "",
    ":",
    "localhost",
    "::1:8081",
    "http://localhost:8081",
    ":65536",
    ":-1",
    "a b:1",
    "[::1]8081",
    "u@h:1",
  ])("%j is refused", (text) => expect(read(syntax.address, text)).toStartWith("! "));
});

describe("base URLs", () => {
  test.each([
    ["https://api.example.com/v1/", "https://api.example.com/v1"],
    ["http://localhost:11434/v1", "http://localhost:11434/v1"],
    ["http://[::1]:8000", "http://[::1]:8000"],
  ])("%s", (text, url) => expect(read(syntax.baseUrl, text)).toBe(url));

  test.each([
    "",
    "example.com/v1",
    "ftp://h/",
    "https:/h",
    "https://u:hidden@h/v1",
    "https://hidden@h",
    "https://h/?a=hidden",
  ])("%j is refused and not repeated", (text) => {
    expect(read(syntax.baseUrl, text)).toStartWith("! ");
    expect(read(syntax.baseUrl, text)).not.toContain("hidden");
  });
});

describe("databases", () => {
  test.each([
    ["/data/identity.db", "/data/identity.db"],
    ["postgresql://u:p@h/db", "postgres://u:p@h/db"],
    ["POSTGRES://h/db?sslmode=require", "postgres://h/db?sslmode=require"],
    ["postgres://u:p,w@a:5432,b:5433/db", "postgres://u:p,w@a:5432,b:5433/db"],
  ])("%s", (text, database) => expect(read(syntax.database, text)).toBe(database));

  test.each(["mysql://u:hidden@h/db", "postgres://u:hidden@h:notaport/db"])(
    "%j is refused and not repeated",
    (text) => {
      expect(read(syntax.database, text)).toStartWith("! ");
      expect(read(syntax.database, text)).not.toContain("hidden");
    },
  );

  test.each([
    "postgres://u:hidden@/db?host=/run/postgresql",
    "postgres:///db?host=/run/postgresql",
    "postgres://u:hidden@/db",
  ])("%j names no host", (text) => {
    expect(read(syntax.database, text)).toStartWith("! this postgres:// URL names no host ");
    expect(read(syntax.database, text)).not.toContain("hidden");
  });
});

test("numbers, choices, names, e-mail addresses and headers", () => {
  expect(read(syntax.defineInteger(1, 9), "9")).toBe(9);
  expect(read(syntax.defineInteger(1, 9), "10")).toBe('! "10" is no whole number from 1 to 9');
  expect(read(syntax.defineInteger(1, 9), "1.5")).toStartWith("! ");
  const choice = syntax.defineChoice(["warn", "error"], { warning: "warn" });
  expect(read(choice, "WARNING")).toBe("warn");
  expect(read(choice, "constructor")).toBe('! "constructor" is not one of warn, error');
  expect(read(syntax.name, "eu-1")).toBe("eu-1");
  for (const name of ["../etc", "", "a/b", "Dev", "-x"]) expect(read(syntax.name, name)).toStartWith("! ");
  expect(read(syntax.email, "Root@Example.com")).toBe("root@example.com");
  expect(read(syntax.email, "root")).toStartWith("! ");
  expect(read(syntax.headerText, "sk-hidden\u0007")).toBe("! it holds characters that no HTTP header can carry");
});

test("a choice that is taken for a switch names what was meant", () => {
  const words = ["on", "yes", "true", "1", "no", "memry"];
  const said = words.map((word) => read(CACHE_KEYS.cache.type, word).split("— ")[1]);
  expect(said).toEqual([
    'did you mean "memory"?',
    'did you mean "memory"?',
    'did you mean "memory"?',
    'did you mean "memory"?',
    'did you mean "off"?',
    'did you mean "memory"?',
  ]);
});
