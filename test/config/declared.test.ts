// Providers that are declared while the gateway runs: the same fields and checks as in a file, without this machine's files, accounts and neighbours.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isCredential, readDeclaredProvider } from "../../src/config/index.ts";

const read = (name: string, fields: Record<string, string>, reach: "private" | "public" = "public") =>
  readDeclaredProvider(name, { fields: new Map(Object.entries(fields)), origin: "runtime, version 1", reach });
const faultsOf = (name: string, fields: Record<string, string>, reach?: "private" | "public") =>
  read(name, fields, reach).faults.map(({ field, message }) => `${field}: ${message}`);

describe("a declared provider", () => {
  test("is what a section of the configuration says", () => {
    const { settings, routes, origins, secrets, faults } = read("acme", {
      type: "compatible",
      base_url: "https://llm.example.com:8443/v1/",
      "api_key.eu": "key-of-europe-1",
      "api_key.us": "key-of-america",
      "api_key.us.weight": "3",
      "header.x-secret": "Bearer hush-hush",
      "header.x-team": "red",
      models: "acme-*, other",
      max_concurrent: "7",
      total_timeout: "5s",
      discount: "10",
    });
    expect(faults).toEqual([]);
    expect(settings).toMatchObject({
      name: "acme",
      kind: "compatible",
      baseUrl: "https://llm.example.com:8443/v1",
      reach: "public",
      isRemote: true,
      apiKey: "key-of-europe-1",
      keys: [
        { label: "eu", weight: 1 },
        { label: "us", weight: 3 },
      ],
      headers: { "x-secret": "Bearer hush-hush", "x-team": "red" },
      cap: { atOnce: 7 },
      deadlines: { total: 5_000 },
      discount: "10",
    });
    expect(routes).toMatchObject([
      { pattern: "acme-*", targets: [{ provider: "acme" }], origin: "runtime, version 1" },
      { pattern: "other" },
    ]);
    expect(origins).toEqual(["https://llm.example.com:8443"]);
    expect(secrets.toSorted()).toEqual(["Bearer hush-hush", "hush-hush", "key-of-america", "key-of-europe-1"]);
  });

  test("named like its kind needs no more than a key; so do those that are built in", () => {
    expect(read("groq", { api_key: "gsk-1234567890" }).settings).toMatchObject({
      kind: "groq",
      apiKey: "gsk-1234567890",
    });
    expect(read("openai", { api_key: "sk-1", organization: "org" }).settings).toMatchObject({
      kind: "openai",
      baseUrl: "https://api.openai.com/v1",
      options: { organization: "org" },
    });
    expect(read("anthropic", { api_key: "sk-1", beta: "x" }).origins).toEqual(["https://api.anthropic.com"]);
  });

  test.each([
    ["acme", {}, "base_url: the provider acme lacks a base_url, which type=compatible needs"],
    ["acme", { base_ur: "https://a.test" }, 'base_ur: unknown field "base_ur" — did you mean "base_url"?'],
    ["acme", { type: "groc" }, 'did you mean "groq"?'],
    ["groq", { region: "x" }, "region: type=groq has no such setting (it has formats)"],
    ["openai", { base_url: "ftp://x" }, "base_url: this is no http:// or https:// URL"],
    ["openai", { base_url: "https://user:pass@x.test" }, "the URL must not hold credentials"],
    ["openai", { type: "groq" }, "type: the type of the built-in provider openai cannot be changed"],
    ["loopback", { models: "x" }, "name: loopback is there already"],
    ["cache", { type: "groq" }, "is what the books call answers that were given again"],
    ["groq", { max_concurrent: "many" }, "max_concurrent: "],
    ["groq", { "header.host": "x" }, "header.host: this header is the gateway's own to set"],
    ["groq", { api_key: "line\nbreak" }, "api_key: it holds characters that no HTTP header can carry"],
    ["groq", { "api_key.eu.weight": "2" }, "api_key.eu.weight: there is no key of that name"],
    ["groq", { api_key_file: "/etc/passwd" }, "api_key_file: files of this machine are the configuration's alone"],
    ["vertex", { project: "p", credentials_file: "/etc/passwd" }, "credentials_file: files of this machine"],
    [
      "bedrock",
      { region: "evil.test/x?" },
      'region: "evil.test/x?" cannot be part of an address: write it like us-east-1',
    ],
    [
      "vertex",
      { location: "evil.test/x?" },
      'location: "evil.test/x?" cannot be part of an address: write it like europe',
    ],
    ["vertex", { project: ".." }, 'project: ".." cannot be part of an address: write it like my-project'],
    ["azure", { tenant_id: ".." }, 'tenant_id: ".." cannot be part of an address'],
    ["groq", { allow_private: "yes" }, "allow_private: only the configuration may say so"],
  ])("%s with %j is refused: %s", (name, fields, message) => {
    expect(faultsOf(name, fields).join("\n")).toContain(message);
    expect(read(name, fields)).toMatchObject({ settings: null, routes: [], origins: [] });
  });

  test("never uses this machine's own accounts and files, nor another place to sign in at", () => {
    const project = { project: "p" };
    const account = (over: object) => JSON.stringify({ type: "service_account", private_key: "x", ...over });
    for (const fields of [
      project,
      { ...project, credentials: account({ token_uri: "https://evil.example.com" }) },
      { ...project, credentials: account({ type: "external_account", credential_source: { file: "/etc/passwd" } }) },
      { ...project, credentials: "not json" },
    ]) {
      expect(faultsOf("vertex", fields)[0]).toStartWith("credentials: ");
    }
    expect(faultsOf("vertex", { ...project, credentials: account({}) })).toEqual([]);
    expect(faultsOf("bedrock", { region: "eu-west-1" })[0]).toStartWith("access_key_id: ");
    expect(faultsOf("bedrock", { region: "eu-west-1", profile: "root" })[0]).toStartWith("profile: ");
    const keys = { access_key_id: "AKIA", secret_access_key: "hush" };
    expect(read("bedrock", { region: "eu-west-1", ...keys }).origins).toEqual([
      "https://bedrock-runtime.eu-west-1.amazonaws.com",
      "https://bedrock.eu-west-1.amazonaws.com",
    ]);
    // The host follows from options, too, and is judged like one that is written.
    expect(faultsOf("bedrock", { region: "@127.0.0.1/", ...keys })).not.toEqual([]);
    expect(faultsOf("vertex", { location: "169.254.169.254/", api_key: "k" })).not.toEqual([]);
    const azure = { type: "azure", base_url: "https://r.openai.azure.com", client_secret: "hush" };
    expect(faultsOf("az", { ...azure, authority: "http://169.254.169.254" })[0]).toStartWith("authority: ");
    expect(read("az", { ...azure, authority: "https://login.example.com" }).origins).toEqual([
      "https://login.example.com",
      "https://r.openai.azure.com",
    ]);
  });

  test("tells credentials from what may be shown", () => {
    for (const field of ["api_key", "api_key.eu", "client_secret", "header.authorization", "header.X-Api-Key"]) {
      expect([field, isCredential(field)]).toEqual([field, true]);
    }
    for (const field of ["type", "base_url", "api_key.eu.weight", "header.x-team", "access_key_id", "api_key_file"]) {
      expect([field, isCredential(field)]).toEqual([field, false]);
    }
  });
});

const byte = fc.integer({ min: 0, max: 255 });
const inside = (...first: number[]) => fc.tuple(byte, byte, byte, byte).map((rest) => [...first, ...rest].slice(0, 4));
const between = (a: number, low: number, high: number) =>
  fc.tuple(fc.integer({ min: low, max: high }), byte, byte).map((rest) => [a, ...rest]);
/** Everything in IPv4 that is nobody's public address. */
const insideV4 = fc.oneof(
  inside(0),
  inside(10),
  inside(127),
  inside(169, 254),
  inside(192, 168),
  inside(198, 18),
  inside(198, 19),
  between(100, 64, 127),
  between(172, 16, 31),
  fc.integer({ min: 224, max: 255 }).chain((first) => inside(first)),
  fc.constantFrom([100, 100, 100, 200], [168, 63, 129, 16], [169, 254, 169, 254]),
);

const number = (bytes: readonly number[]): number => bytes.reduce((sum, each) => sum * 256 + each, 0);
const hexWord = (high = 0, low = 0): string => (high * 256 + low).toString(16);
const tail = ([a, b, c, d]: readonly number[]): string => `${hexWord(a, b)}:${hexWord(c, d)}`;
/** Every way in which a URL may write an IPv4 address, and every IPv6 address that carries one. */
const WRITINGS: readonly ((bytes: readonly number[]) => string)[] = [
  (bytes) => bytes.join("."),
  (bytes) => `${bytes.join(".")}.`,
  (bytes) => String(number(bytes)),
  (bytes) => `0x${number(bytes).toString(16)}`,
  (bytes) => `0${number(bytes).toString(8)}`,
  (bytes) => bytes.map((each) => `0${each.toString(8)}`).join("."),
  (bytes) => bytes.map((each) => `0x${each.toString(16)}`).join("."),
  ([a = 0, b = 0, c = 0, d = 0]) => `${a}.${b}.${c * 256 + d}`,
  ([a = 0, ...rest]) => `${a}.${number(rest)}`,
  (bytes) => bytes.join("%2e"),
  (bytes) => bytes.join(".").replaceAll(/\d/gu, (digit) => String.fromCodePoint(0xff_10 + Number(digit))),
  (bytes) => `[::ffff:${bytes.join(".")}]`,
  (bytes) => `[::ffff:${tail(bytes)}]`,
  (bytes) => `[0:0:0:0:0:FFFF:${tail(bytes)}]`,
  (bytes) => `[::${tail(bytes)}]`,
  (bytes) => `[::ffff:0:${tail(bytes)}]`,
  (bytes) => `[64:ff9b::${tail(bytes)}]`,
  (bytes) => `[64:ff9b:1::${tail(bytes)}]`,
  (bytes) => `[2002:${tail(bytes)}::1]`,
];

const word = fc.integer({ min: 0, max: 0xff_ff }).map((each) => each.toString(16));
const v6 = (first: fc.Arbitrary<string>) =>
  fc.tuple(first, ...Array.from({ length: 7 }, () => word)).map((words) => `[${words.join(":")}]`);
const inRange = (low: number, high: number) => fc.integer({ min: low, max: high }).map((each) => each.toString(16));
/** Unique local, link-local, site-local, multicast, and all that is not given out at all. */
const insideV6 = fc.oneof(
  v6(inRange(0xfc_00, 0xfd_ff)),
  v6(inRange(0xfe_80, 0xfe_bf)),
  v6(inRange(0xfe_c0, 0xfe_ff)),
  v6(inRange(0xff_00, 0xff_ff)),
  v6(inRange(0x40_00, 0xfb_ff)),
  fc.constantFrom("[::1]", "[::]", "[0:0::1]", "[fd00:ec2::254]", "[2001:db8::1]", "[100::1]"),
);

const NAMES = ["localhost", "LOCALHOST.", "api.localhost", "metadata.google.internal", "metadata", "metadata.goog."];
const isRefused = (host: string, scheme = "https"): boolean =>
  faultsOf("acme", { base_url: `${scheme}://${host}/v1` }).some((fault) => fault.startsWith("base_url: "));

describe("an address of one", () => {
  test("is refused wherever it leads inside, however it is written", () => {
    fc.assert(
      fc.property(insideV4, fc.constantFrom(...WRITINGS), fc.constantFrom("", ":8443"), (bytes, write, port) => {
        expect([write(bytes), isRefused(write(bytes) + port)]).toEqual([write(bytes), true]);
      }),
      { numRuns: 5_000 },
    );
    fc.assert(
      fc.property(fc.oneof(insideV6, fc.constantFrom(...NAMES)), (host) => {
        expect([host, isRefused(host)]).toEqual([host, true]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("that is public is taken, over https:// alone", () => {
    for (const host of ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]", "[64:ff9b::808:808]"]) {
      expect([host, isRefused(host), isRefused(host, "http")]).toEqual([host, false, true]);
    }
    expect(faultsOf("acme", { base_url: "http://llm.example.com/v1" })).toEqual([
      "base_url: it must begin with https://, for prompts and keys would go in the clear",
    ]);
  });

  test("may be inside where the configuration allows it, without https:// on this machine alone, and a cloud's own never", () => {
    const allowed = (url: string) => faultsOf("acme", { base_url: url }, "private");
    for (const url of [
      "https://10.0.0.7/v1",
      "http://localhost:11434/v1",
      "http://127.0.0.1:1/v1",
      "http://[::1]:1/v1",
    ]) {
      expect([url, allowed(url)]).toEqual([url, []]);
    }
    for (const url of [
      "http://10.0.0.7/v1",
      "http://llm.corp/v1",
      "http://0.0.0.0:1/v1",
      "https://169.254.169.254/v1",
    ]) {
      expect([url, allowed(url).length]).toEqual([url, 1]);
    }
    for (const reach of ["private", "public"] as const) {
      expect(faultsOf("acme", { base_url: "https://169.254.169.254/v1" }, reach)).toEqual([
        "base_url: this is a link-local or reserved address, where clouds keep their machines' credentials: no provider is there",
      ]);
    }
    expect(read("ollama", {}, "private").settings).toMatchObject({ reach: "private", isRemote: true });
    expect(faultsOf("ollama", {})[0]).toContain("set allow_private_providers=yes in the configuration");
  });
});
