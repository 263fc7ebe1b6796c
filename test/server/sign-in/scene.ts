// A browser in front of a whole gateway: it keeps cookies, and says where its requests come from. Knows no test.

import type { Config } from "../../../src/config/value.ts";
import type { Mail, Smtp } from "../../../src/notice/index.ts";
import type { AppParts } from "../../../src/server/index.ts";
import { type Rig, type TestClock, makeClock, makeRig } from "../../rig.ts";

export const SMTP = {
  host: "mail.test",
  port: 25,
  username: null,
  password: null,
  from: "gate@mail.test",
  security: "none",
} as const satisfies Config["smtp"];

export interface Scene {
  rig: Rig;
  clock: TestClock;
  mails: Mail[];
  /** Lets every link that was asked for go out. */
  mailed(): Promise<void>;
  /** The token in the newest mail. */
  token(): string;
}

export async function openScene(
  config: (config: Config) => Config = (each) => each,
  send?: (smtp: Smtp, mail: Mail) => Promise<void>,
  isForeign?: AppParts["isForeign"],
): Promise<Scene> {
  const mails: Mail[] = [];
  const clock = makeClock();
  const rig = await makeRig({
    clock,
    config: (base) => config({ ...base, http: { ...base.http, hostname: "127.0.0.1", port: 8081 } }),
    ...(isForeign === undefined ? {} : { isForeign }),
    sendMail: async (smtp, mail) => {
      mails.push(mail);
      await send?.(smtp, mail);
    },
  });
  const mailed = async (): Promise<void> => {
    clock.advance(1_000);
    await rig.app.mailed();
  };
  const token = (): string => /\/ui\/login#([\w-]{43})\b/u.exec(mails.at(-1)?.notice.text ?? "")?.[1] ?? "";
  return { rig, clock, mails, mailed, token };
}

export interface Browser {
  ask(path: string, options?: { method?: string; body?: unknown; headers?: Record<string, string> }): Promise<Response>;
  cookies: Map<string, string>;
}

interface Place {
  origin?: string;
  /** The address at the other end of the connection. */
  peer?: string;
  port?: number;
}

export function openBrowser(
  { rig }: Scene,
  { origin = "http://127.0.0.1:8081", peer = "127.0.0.1", port = 40_000 }: Place = {},
): Browser {
  const cookies = new Map<string, string>();
  const listener = { requestIP: () => ({ address: peer, port }), timeout: () => undefined, upgrade: () => false };
  return {
    cookies,
    async ask(path, { method, body, headers = {} } = {}) {
      const request = new Request(`${origin}${path}`, {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: {
          host: new URL(origin).host,
          "sec-fetch-site": "same-origin",
          "user-agent": "Test Browser",
          ...(cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const response = await rig.app.fetch(request, listener);
      for (const line of response.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/u.exec(line) ?? [];
        if (line.includes("Max-Age=0")) cookies.delete(name);
        else cookies.set(name, value);
      }
      return response;
    },
  };
}

export async function fail(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string } };
  return [response.status, error.code];
}
