// What is claimed of the executable itself: its bytes, its names, and that a stray environment does not steer it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deafen } from "../../scripts/base.ts";
import { compile, VERSION } from "../../scripts/compile.ts";
import { findHost } from "../../scripts/base.ts";
import { countBadPages, signMach } from "../../scripts/mach.ts";
import { BINARY, makeFolder, run, serve } from "./binary.ts";

let folder = "";
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("version", () => {
  test("says which build it is", async () => {
    const started = performance.now();
    const { code, out, err } = await run(["--version"]);
    // Printed for whoever reads the run; a busy machine must not fail it.
    console.log(`--version took ${(performance.now() - started).toFixed(1)} ms, from outside`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toStartWith(`tokligence ${VERSION} (`);
    expect(JSON.parse((await run(["version", "--json"])).out)).toMatchObject({ version: VERSION, bun: Bun.version });
  });
});

describe("names", () => {
  const place = (name: string, how: (from: string, to: string) => void): string => {
    const path = join(folder, name);
    rmSync(path, { force: true });
    how(BINARY, path);
    chmodSync(path, 0o755);
    return path;
  };
  const ways = { copy: copyFileSync, "hard link": linkOrCopy, "symbolic link": symlinkSync };

  test.each(Object.entries(ways))("gatewayd is the daemon, by %s", async (_, how) => {
    const { code, out } = await run(["--help"], { file: place("gatewayd", how) });
    expect(code).toBe(0);
    expect(out).toContain("USAGE gatewayd");
    expect(out).toContain("--http-address");
  });

  test.each(Object.entries(ways))("gateway is the command line, by %s", async (_, how) => {
    const { code, out } = await run(["admin", "--help"], { file: place("gateway", how) });
    expect(code).toBe(0);
    expect(out).toContain("USAGE gateway admin");
  });

  test("the name as invoked counts, not the file's", async () => {
    expect((await run(["--help"], { argv0: "gatewayd" })).out).toContain("USAGE gatewayd");
    expect((await run(["--help"], { argv0: "/opt/anything" })).out).toContain("USAGE tokligence");
  });

  test("gatewayd serves, and the words after it are serve's", async () => {
    const { code, err } = await run(["--http-adress", ":1"], { file: place("gatewayd", symlinkSync) });
    expect(code).toBe(2);
    expect(err).toContain("Did you mean --http-address?");
  });
});

describe("a stray environment changes nothing", () => {
  let stray = "";
  const evidence = (): Promise<boolean> => Bun.file(join(stray, "evidence")).exists();
  beforeAll(() => {
    stray = join(folder, "stray");
    mkdirSync(stray);
    const spy = `require("node:fs").writeFileSync(${JSON.stringify(join(stray, "evidence"))}, "ran");`;
    writeFileSync(join(stray, "spy.js"), spy);
    writeFileSync(join(stray, "spy.ts"), spy);
    writeFileSync(join(stray, "bunfig.toml"), 'preload = ["./spy.ts"]\n[define]\n"process.env.HOME" = "\'no\'"\n');
    writeFileSync(join(stray, ".env"), "TOKLIGENCE_HTTP_ADDRESS=not an address\nTOKLIGENCE_NONSENSE=1\n");
    writeFileSync(join(stray, "tsconfig.json"), "{ not json");
    writeFileSync(join(stray, "package.json"), "{ not json");
  });

  test("files in the working folder", async () => {
    const { code, out, err } = await run(["config", "validate"], { cwd: stray, env: { HOME: stray } });
    expect({ code, out, err }).toEqual({ code: 0, out: "configuration is valid\n", err: "" });
    expect(await evidence()).toBe(false);
  });

  test.each([
    ["BUN_OPTIONS", "--preload ./spy.js"],
    ["BUN_OPTIONS", "--inspect=127.0.0.1:0"],
    ["BUN_OPTIONS", "--no-such-flag"],
    ["BUN_INSPECT", "ws://127.0.0.1:0/spy?break=1"],
    ["BUN_INSPECT_CONNECT_TO", "127.0.0.1:1"],
    ["BUN_INSPECT_NOTIFY", "unix:///nowhere"],
    ["BUN_INSPECT_PRELOAD", "./spy.js"],
    ["NODE_OPTIONS", "--require ./spy.js"],
    ["BUN_BE_BUN", "1"],
  ])("%s=%s", async (name, value) => {
    const plain = await run(["--version"], { cwd: stray });
    expect(await run(["--version"], { cwd: stray, env: { [name]: value } })).toEqual(plain);
    expect(await evidence()).toBe(false);
  });

  test("nor does it turn the executable into the runtime", async () => {
    const { code, out, err } = await run(["-e", "console.log(6 * 7)"], { cwd: stray, env: { BUN_BE_BUN: "1" } });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toStartWith("error: There is no command");
  });

  test("nor what a server does", async () => {
    const served = await serve({ env: { BUN_OPTIONS: "--preload ./spy.js", BUN_INSPECT: "ws://127.0.0.1:0/spy" } });
    try {
      expect(await (await fetch(`${served.url}/version`)).json()).toMatchObject({ version: VERSION });
      expect(served.log()).not.toContain("Inspector");
    } finally {
      await served.stop();
    }
  });
});

describe("the build", () => {
  test("gives the same bytes twice", async () => {
    const [first, second] = [join(folder, "first/tokligence"), join(folder, "second/tokligence")];
    await compile(findHost(), first);
    await compile(findHost(), second);
    expect(await digest(second)).toBe(await digest(first));
  });

  test("refuses a runtime in which a name is not found", () => {
    const names = "BUN_BE_BUN\0BUN_INSPECT\0BUN_INSPECT_PRELOAD\0BUN_OPTIONS\0";
    const runtime = Buffer.from(names);
    deafen(runtime);
    expect(runtime.toString("latin1")).toBe(names.replaceAll("BUN_", "BUN\u0001"));
    expect(() => deafen(Buffer.from("BUN_OPTIONS\0BUN_BE_BUN"))).toThrow("BUN_INSPECT");
  });

  test("a macOS signature fits the bytes, and one changed byte spoils it", () => {
    const file = makeMach();
    const signed = signMach(file);
    expect(countBadPages(signed)).toBe(0);
    expect(signMach(signed).equals(signed)).toBe(true);
    signed[5000] = 1;
    expect(countBadPages(signed)).toBe(1);
    expect(countBadPages(signMach(signed))).toBe(0);
  });
});

/** The smallest file with a header, __TEXT, __LINKEDIT, a place for a signature, and three pages of bytes. */
function makeMach(): Buffer {
  const file = Buffer.alloc(3 * 4096 - 100);
  file.writeUInt32LE(0xfeed_facf, 0);
  file.writeUInt32LE(3, 16);
  for (const [index, name] of ["__TEXT", "__LINKEDIT"].entries()) {
    const at = 32 + index * 72;
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(72, at + 4);
    file.write(name, at + 8, "latin1");
    file.writeBigUInt64LE(BigInt(index * 8192), at + 40);
    file.writeBigUInt64LE(BigInt(index === 0 ? 8192 : file.length - 8192), at + 48);
  }
  file.writeUInt32LE(0x1d, 32 + 144);
  file.writeUInt32LE(16, 32 + 148);
  file.writeUInt32LE(file.length, 32 + 152);
  return file;
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

async function digest(path: string): Promise<string> {
  return createHash("sha256")
    .update(Buffer.from(await Bun.file(path).arrayBuffer()))
    .digest("hex");
}
