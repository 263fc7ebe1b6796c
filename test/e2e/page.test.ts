// The built-in page in a real browser, at the executable: what people read, what they can reach, and what they are told where something fails.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Served, expectOk, serve, waitUntil } from "./binary.ts";
import { type Page, DESK, PHONE, SMALL_PHONE, hasBrowser, openPage, signIn } from "./browser.ts";

let provider: ReturnType<typeof Bun.serve>;
let gateway: Served;
let page: Page;

beforeAll(async () => {
  provider = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      Response.json({
        id: "c1",
        object: "chat.completion",
        created: 1,
        model: "gpt-4o",
        choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 },
      }),
  });
  const config = `[provider.acme]\ntype = compatible\nbase_url = http://127.0.0.1:${provider.port}/v1\nmodels = acme-*\n`;
  gateway = await serve({ config });
});
afterEach(() => page.close());
afterAll(async () => {
  await gateway.stop();
  await provider.stop(true);
});

async function addUser(name: string | null = null): Promise<string> {
  const email = `${Bun.randomUUIDv7()}@example.com`;
  await expectOk(
    gateway.run(["admin", "users", "create", "--email", email, ...(name === null ? [] : ["--name", name])]),
  );
  return email;
}
const addKey = async (email: string, name: string): Promise<string> =>
  JSON.parse(await expectOk(gateway.run(["admin", "api-keys", "create", "--user", email, "--name", name, "--json"])))
    .token;

/** In the page, from now on: what the gateway is asked is answered so, as by a proxy in front of it, or by nobody. */
const answerAll = (answer: string) =>
  page.find<void>(`void (window.reach ??= window.fetch, window.fetch = async () => { ${answer} })`);
/** And from now on it is reached again. */
const reachAgain = () => page.find<void>("void (window.fetch = window.reach)");
const NOBODY = 'throw new TypeError("Failed to fetch")';

describe.if(hasBrowser)("what is there", () => {
  test.each([SMALL_PHONE, PHONE, DESK])(
    "fits, however long names are, and every button is in sight: %j",
    async (size) => {
      const email = await addUser("Wolfeschlegelsteinhausenbergerdorff".repeat(3));
      await addKey(email, "k".repeat(200));
      page = await openPage(gateway, size);
      await signIn(page, gateway, email);
      await page.see("Revoke");
      expect(await page.find<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(size.width);
      // None of what it tells has to be looked for sideways.
      const wide = '[...document.querySelectorAll(".scroll")].map((each) => each.scrollWidth - each.clientWidth)';
      expect(await page.find<number[]>(wide)).toEqual([0, 0]);
      const beyond = `[...document.querySelectorAll("button")].map((each) => [each.innerText, each.getBoundingClientRect()])
      .filter(([, box]) => box.width > 0 && (box.left < 0 || box.right > ${size.width} - 20)).map(([words]) => words)`;
      expect(await page.find<string[]>(beyond)).toEqual([]);
    },
  );

  test("usage says which requests failed, and which are in no sum of money", async () => {
    const email = await addUser();
    const token = await addKey(email, "one");
    const send = (model: string) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
      });
    await waitUntil(async () => (await send("acme-unheard-of")).status === 200, "the key to be known");
    expect((await send("nowhere/none")).status).toBe(404);
    const said = JSON.parse(await expectOk(gateway.run(["usage", "summary", "--user", email, "--json"])));
    page = await openPage(gateway);
    await signIn(page, gateway, email);
    const text = await page.text();
    expect(text).toContain(`Requests\n${said.requests}\n`);
    expect(text).toContain(`Of these failed\n${said.errors}\n`);
    expect(text).toContain("1 request has no price, and is not in the cost.");
  });

  test("of many keys the newest come first, and all when they are asked for", async () => {
    page = await openPage(gateway);
    await signIn(page, gateway, await addUser());
    const make = `(async () => { for (let at = 1; at <= 60; at += 1)
      await fetch("/api/v1/api-keys", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name: "key " + at }) }); })()`;
    await page.find(make);
    await page.goTo(`${gateway.url}/ui/`);
    await page.see("Show all 60");
    expect(await page.text()).toContain("key 60");
    expect(await page.text()).not.toMatch(/\bkey 1\t/u);
    await page.click("Show all 60");
    await waitUntil(async () => /\bkey 1\t/u.test(await page.text()), "the first key");
  });
});

describe.if(hasBrowser)("keys", () => {
  test("a token that was not kept yet stays where another key is made", async () => {
    page = await openPage(gateway);
    await signIn(page, gateway, await addUser());
    for (const name of ["first", "second"]) {
      await page.type("key-name", name);
      await page.press("Enter");
      await waitUntil(() => page.find(`document.querySelector("tbody")?.innerText.includes("${name}")`), "the key");
    }
    const tokens = await page.find<string[]>('[...document.querySelectorAll(".token")].map((each) => each.innerText)');
    expect(tokens.map((each) => each.length > 40)).toEqual([true, true]);
    await page.click("I have kept it");
    expect(await page.find<number>('document.querySelectorAll(".token").length')).toBe(1);
  });

  test("a double click revokes nothing, nor does a key that is held", async () => {
    const email = await addUser();
    await addKey(email, "one");
    page = await openPage(gateway);
    await signIn(page, gateway, email);
    await page.doubleClick("Revoke");
    await page.see("Revoke for good?");
    // Whoever goes elsewhere has thought better of it.
    await page.find('document.querySelector("#key-name").focus()');
    await page.hold("Enter", "Revoke");
    await page.see("Revoke for good?");
    await page.click("Revoke for good?");
    await page.see("… is revoked.");
    expect(await page.text()).toContain("There is no API key yet.");
  });
});

describe.if(hasBrowser)("what fails", () => {
  test("an address that is none is not asked for", async () => {
    page = await openPage(gateway);
    await page.goTo(`${gateway.url}/ui/`);
    await page.click("Continue");
    await page.see("Type your e-mail address");
    await page.type("email", "ann");
    await page.press("Enter");
    await page.see("name@example.com");
    expect(await page.find<string>('document.querySelector("#email").value')).toBe("ann");
  });

  test("a session that is over elsewhere is said to be, and the way back in is there", async () => {
    page = await openPage(gateway);
    await signIn(page, gateway, await addUser());
    // As another tab of the same browser does it; there, the cookie goes too.
    await page.find('fetch("/api/v1/auth/logout", { method: "POST" }).then(() => null)');
    await page.type("key-name", "kept");
    await page.click("Create a key");
    await page.see("Your session is over.");
    expect(await page.text()).not.toContain("No API key was sent");
    expect(await page.find<string>('document.querySelector("#key-name").value')).toBe("kept");
    await page.click("To the sign-in page");
    await page.see("E-mail address");
  });

  test.each([
    ["nobody answers", NOBODY, "The gateway does not answer."],
    ["a proxy answers", 'return new Response("<html>Bad Gateway</html>", { status: 502 })', "HTTP 502"],
  ])("%s: it says what to do, and the same button works afterwards", async (_name, answer, words) => {
    const email = await addUser();
    page = await openPage(gateway);
    const made = JSON.parse(await expectOk(gateway.run(["admin", "login-link", "--email", email, "--json"])));
    await page.goTo(made.url);
    await answerAll(answer);
    await page.click("Sign in");
    await page.see(words);
    await reachAgain();
    await page.click("Sign in");
    await page.see("API keys");
  });

  test("a page that cannot be read is no sign-in page, and can be asked for again", async () => {
    page = await openPage(gateway);
    await signIn(page, gateway, await addUser());
    await answerAll('return Response.json({ error: { message: "The books are away." } }, { status: 503 })');
    await page.find('void dispatchEvent(new Event("hashchange"))');
    await page.see("The books are away.");
    expect(await page.text()).not.toContain("E-mail address");
    await reachAgain();
    await page.click("Try again");
    await page.see("API keys");
  });

  test("nobody is told to be signed out who is not", async () => {
    page = await openPage(gateway);
    await signIn(page, gateway, await addUser());
    await answerAll(NOBODY);
    await page.click("Sign out");
    await page.see("You are still signed in");
    await reachAgain();
    await page.click("Try again");
    await page.see("E-mail address");
    expect(await page.find<number>('fetch("/api/v1/profile").then(({ status }) => status)')).toBe(401);
  });
});

describe.if(hasBrowser)("the reference", () => {
  test("says where nothing is found, and bears with any address", async () => {
    page = await openPage(gateway);
    await page.goTo(`${gateway.url}/docs#%zz`);
    await page.see("Model calls");
    await page.type("find", "no such words");
    await page.see("Nothing here speaks of that.");
    await page.type("find", "chat/completions");
    await waitUntil(async () => !(await page.text()).includes("Nothing here speaks of that."), "something to be found");
  });

  test("fits on a phone, also where all is unfolded", async () => {
    page = await openPage(gateway, PHONE);
    await page.goTo(`${gateway.url}/docs`);
    await page.see("Model calls");
    const shut = '[...document.querySelectorAll("details:not([open])")]';
    await waitUntil(
      async () => (await page.find(`${shut}.map((each) => (each.open = true)).length`)) === 0,
      "all of it",
    );
    expect(await page.find<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(PHONE.width);
  });
});
