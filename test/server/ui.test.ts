// The built-in page as it is served: all that it asks for is there, comes from here alone, and takes nobody's words for markup.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

async function walk(gateway: Rig): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const waiting = ["/ui/"];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (found.has(path)) continue;
    const answer = await gateway.send(path, { token: null });
    const text = await answer.text();
    expect([path, answer.status]).toEqual([path, 200]);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    found.set(path, text);
    const named = [...text.matchAll(/(?:src|href)="(\/[^"]*)"|from "(\.[^"]*)"/gu)];
    waiting.push(...named.map(([, whole, beside]) => new URL(whole ?? beside ?? "", `http://x${path}`).pathname));
  }
  return found;
}

test("every file that it names is there, and no word of them leads elsewhere", async () => {
  const gateway = await makeRig();
  rig = gateway;
  const files = await walk(gateway);
  expect([...files.keys()].toSorted()).toEqual([
    "/ui/",
    "/ui/element.js",
    "/ui/icon.svg",
    "/ui/keys.js",
    "/ui/page.css",
    "/ui/page.js",
  ]);
  for (const [path, text] of files) {
    const addresses = text.match(/https?:\/\/[^\s"'`)]+/gu) ?? [];
    expect([path, addresses.filter((each) => !each.startsWith("http://www.w3.org/"))]).toEqual([path, []]);
    expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/u);
  }
});

test("each address that its scripts ask is one of the API's", async () => {
  const gateway = await makeRig();
  rig = gateway;
  const scripts = [...(await walk(gateway))].filter(([path]) => path.endsWith(".js")).map(([, text]) => text);
  const asked = scripts.flatMap((text) => text.match(/\/api\/v1\/[a-z/-]+/gu) ?? []);
  expect(asked.length).toBeGreaterThan(8);
  const known = gateway.app.routes.map(({ path }) => path);
  const isKnown = (address: string): boolean =>
    known.some((path) => path === address || path.startsWith(address.endsWith("/") ? address : `${address}/`));
  expect(asked.filter((address) => !isKnown(address))).toEqual([]);
});
