// Addresses that may hold a secret: lists of prices, and what was meant to be a database's.

import { describe, expect, test } from "bun:test";
import { maskSource } from "../../src/config/index.ts";
import { listSourceSecrets } from "../../src/config/source.ts";
import { database, parseText } from "../../src/config/syntax.ts";

describe("where a list lies", () => {
  test.each([
    ["/etc/prices.json?x=1", "/etc/prices.json?x=1"],
    ["https://example.com/list.json", "https://example.com/list.json"],
    ["https://ann:secret@example.com/a/list.json", "https://********@example.com/a/list.json"],
    ["https://token@example.com:8443", "https://********@example.com:8443"],
    ["HTTPS://a:b@c@example.com/l?sig=abc/def@x#top", "HTTPS://********@example.com/l?********#top"],
    ["https://example.com:port/l?sig=abc", "https://example.com:port/l?********"],
    ["https://example.com/a@b/l", "https://example.com/a@b/l"],
  ])("%s is shown as %s", (source, shown) => {
    expect(maskSource(source)).toBe(shown);
  });

  test("its user, password and query are secrets, each by itself too; a word in the query is none", () => {
    const secrets = listSourceSecrets("https://ann:pass%20word@example.com/l?format=json&sig=0123456789%2Babc");
    expect(secrets).toEqual([
      "ann:pass%20word",
      "ann",
      "pass%20word",
      "format=json&sig=0123456789%2Babc",
      "0123456789+abc",
    ]);
    expect(listSourceSecrets("/etc/prices.json")).toEqual([]);
  });
});

test.each([
  "postgres:/user:secret@example.com/db",
  "postgresql:user:secret@example.com/db",
  "user:secret@example.com/db",
  "mysql://user:secret@example.com/db",
])("%s is no database's file, and is not repeated", (text) => {
  const parsed = parseText(database, text);
  expect(parsed).toEqual({ message: expect.stringContaining("neither a file's path nor a postgres:// URL") });
  expect(JSON.stringify(parsed)).not.toContain("secret");
});

test.each(["/var/lib/a:b.db", "./a:b.db", "identity.db", String.raw`C:\data\identity.db`])("%s is one", (text) => {
  expect(parseText(database, text)).toEqual({ value: text });
});
