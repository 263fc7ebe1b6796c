// A real browser in front of the executable, which reads, types and clicks as a person does. Knows no test.

import { type Served, expectOk, waitUntil } from "./binary.ts";

const NAMES = ["google-chrome-stable", "google-chrome", "chromium-browser", "chromium"];
/** Where there is none, nobody can look at a page. */
export const hasBrowser =
  process.env["BUN_CHROME_PATH"] !== undefined || NAMES.some((name) => Bun.which(name) !== null);

/** What pages are asked to fit at least. https://www.w3.org/TR/WCAG21/#reflow */
export const SMALL_PHONE = { width: 320, height: 568 };
export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1440, height: 900 };

/** Root has to do without the browser's own sandbox; nobody is asked but the page's gateway. */
const BACKEND: Bun.WebView.Backend = {
  type: "chrome",
  url: false,
  argv: ["--no-sandbox", "--disable-quic", "--disable-component-update", "--disable-sync"],
};

export interface Page {
  goTo(url: string): Promise<void>;
  /** What can be read of it. */
  text(): Promise<string>;
  /** Until these words can be read. */
  see(words: string): Promise<void>;
  /** The button or link with these words, once it is there and alive. */
  click(words: string): Promise<void>;
  doubleClick(words: string): Promise<void>;
  /** Into the field with this id, in place of what is there. */
  type(id: string, words: string): Promise<void>;
  press(key: "Enter"): Promise<void>;
  /** For so long that the keyboard repeats it, on the button with these words. */
  hold(key: "Enter", words: string): Promise<void>;
  /** Of an expression in the page. */
  find<Answer>(expression: string): Promise<Answer>;
  close(): void;
}

/** A page of its own that is signed in nowhere. */
export async function openPage({ url }: Pick<Served, "url">, size: typeof PHONE = DESK): Promise<Page> {
  const view = new Bun.WebView({ ...size, backend: BACKEND });
  // Sessions of other tests are of the same host.
  await view.navigate(`${url}/ui/icon.svg`);
  await view.cdp("Network.clearBrowserCookies");
  const find = async <Answer>(expression: string): Promise<Answer> => (await view.evaluate(expression)) as Answer;
  const text = () => find<string>('document.body?.innerText ?? ""');
  const see = (words: string) =>
    waitUntil(async () => (await text()).includes(words), `"${words}" to be read`).catch(async (error: Error) => {
      throw new Error(`${error.message} Instead: ${await text()}`);
    });
  const placeOf = async (words: string): Promise<[number, number]> => {
    const first = `[...document.querySelectorAll("a, button")].find((each) => each.innerText === ${JSON.stringify(words)} && !each.disabled)`;
    await waitUntil(() => find(`${first} !== undefined`), `"${words}" to be there to click`);
    return find(`((it) => {
      it.scrollIntoView({ block: "center" });
      const { left, top, width, height } = it.getBoundingClientRect();
      return [left + width / 2, top + height / 2];
    })(${first})`);
  };
  return {
    async goTo(target) {
      await view.navigate(target);
    },
    text,
    see,
    async click(words) {
      await view.click(...(await placeOf(words)));
    },
    async doubleClick(words) {
      const place = await placeOf(words);
      await view.click(...place);
      await view.click(...place, { clickCount: 2 });
    },
    async type(id, words) {
      await find(`((it) => (it.focus(), it.select()))(document.getElementById(${JSON.stringify(id)}))`);
      await view.type(words);
    },
    press: (key) => view.press(key),
    async hold(key, words) {
      await placeOf(words);
      await find(
        `[...document.querySelectorAll("button")].find((each) => each.innerText === ${JSON.stringify(words)}).focus()`,
      );
      const held = { key, code: key, windowsVirtualKeyCode: 13, text: "\r" };
      await view.cdp("Input.dispatchKeyEvent", { ...held, type: "keyDown" });
      for (let at = 0; at < 3; at++)
        await view.cdp("Input.dispatchKeyEvent", { ...held, type: "keyDown", autoRepeat: true });
      await view.cdp("Input.dispatchKeyEvent", { ...held, type: "keyUp" });
    },
    find,
    close: () => view.close(),
  };
}

/** By a link, as a person does it. */
export async function signIn(page: Page, gateway: Served, email: string): Promise<void> {
  const made = await expectOk(gateway.run(["admin", "login-link", "--email", email, "--json"]));
  await page.goTo(JSON.parse(made).url);
  await page.click("Sign in");
  await page.see("API keys");
}
