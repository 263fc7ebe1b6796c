// Secrets that must be found nowhere, everything that was seen of a gateway, and the search for one in the other. Knows no route.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import type { Ended, Served } from "./binary.ts";

/** Something that was said, and the secrets that it was meant to say, once. */
export interface Seen {
  where: string;
  text: string;
  shows: string[];
}

export interface Answer {
  status: number;
  text: string;
  headers: Headers;
  /** To be told what this answer shows by design. */
  seen: Seen;
}

interface Ask {
  method?: string;
  token?: string;
  cookie?: string;
  body?: object | string;
  headers?: Record<string, string>;
}

export interface Watch {
  /** From now on, and of all that was seen before, this is to be found nowhere; `homes`: but in these files. */
  keep(name: string, secret: string, homes?: readonly string[]): string;
  see(where: string, text: string): Seen;
  /** A request whose whole answer is seen. */
  ask(served: Pick<Served, "url">, path: string, wish?: Ask): Promise<Answer>;
  /** A command, both of whose outputs are seen. */
  run(served: Pick<Served, "run">, words: readonly string[], stdin?: string): Promise<Ended & { seen: Seen }>;
  /** Every file below the folder; answers their names. */
  seeFiles(folder: string): string[];
  /** Each secret that was found, and where. */
  findLeaks(): string[];
  countSeen(): number;
}

export function openWatch(): Watch {
  const secrets: { name: string; needles: string[]; secret: string; homes: readonly string[] }[] = [];
  const all: Seen[] = [];
  const see = (where: string, text: string): Seen => {
    const seen = { where, text, shows: [] };
    all.push(seen);
    return seen;
  };
  return {
    see,
    keep(name, secret, homes = []) {
      if (secret.length < 12) throw new Error(`${name} is no secret: ${secret}`);
      secrets.push({ name, secret, homes, needles: cutNeedles(secret) });
      return secret;
    },
    async ask({ url }, path, { method, token, cookie, body, headers = {} } = {}) {
      const sent = typeof body === "object" ? JSON.stringify(body) : body;
      const response = await fetch(url + path, {
        method: method ?? (sent === undefined ? "GET" : "POST"),
        redirect: "manual",
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(cookie === undefined ? {} : { cookie, "sec-fetch-site": "same-origin" }),
          ...(sent === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(sent === undefined ? {} : { body: sent }),
      });
      const text = await response.text();
      const head = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      const where = `${method ?? (sent === undefined ? "GET" : "POST")} ${path} ${response.status}`;
      return { status: response.status, text, headers: response.headers, seen: see(where, `${head}\n\n${text}`) };
    },
    async run(served, words, stdin = "") {
      const ended = await served.run(words, { stdin });
      return { ...ended, seen: see(`${words.join(" ")} (${ended.code})`, `${ended.out}\n${ended.err}`) };
    },
    seeFiles(folder) {
      const names = readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => statSync(join(folder, name)).isFile());
      for (const name of names) {
        const bytes = readFileSync(join(folder, name));
        see(name, bytes.toString("latin1"));
        if (name.endsWith(".zip")) see(`${name}, unpacked`, unzip(bytes));
      }
      return names;
    },
    findLeaks: () =>
      all.flatMap(({ where, text, shows }) => {
        const rest = shows.reduce((left, secret) => left.replaceAll(secret, ""), text);
        return secrets.flatMap(({ name, needles, homes }) => {
          const needle = homes.includes(where) ? undefined : needles.find((one) => rest.includes(one));
          if (needle === undefined) return [];
          const at = rest.indexOf(needle);
          return [`${name} in ${where}: ${JSON.stringify(rest.slice(Math.max(0, at - 80), at + 60))}`];
        });
      }),
    countSeen: () => all.length,
  };
}

/** How a secret may be written: as it is, its middle alone, as JSON, in an address, in hex, and in base64 wherever it begins. */
function cutNeedles(secret: string): string[] {
  const middle = Math.floor(secret.length / 2) - 8;
  const encoded = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString("base64");
    const core = text.slice(before === 0 ? 0 : 4, -4);
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const whole = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  const part = secret.length < 30 ? [] : [secret.slice(middle, middle + 16)];
  return [...new Set([...whole, ...part, Buffer.from(secret).toString("hex"), ...encoded])];
}

/** All that lies in a zip archive, by its central directory: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
function unzip(bytes: Buffer): string {
  const end = bytes.lastIndexOf(Buffer.from("PK\u0005\u0006", "latin1"));
  let at = bytes.readUInt32LE(end + 16);
  const texts: string[] = [];
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const [method, size] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [nameSize, extraSize, noteSize] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const packed = bytes.subarray(start, start + size);
    texts.push((method === 0 ? packed : inflateRawSync(packed)).toString("latin1"));
    at += 46 + (nameSize ?? 0) + (extraSize ?? 0) + (noteSize ?? 0);
  }
  if (texts.length === 0) throw new Error("There is nothing in this archive.");
  return texts.join("\n");
}

/** Listens in on all that a Redis is told, but passwords; answers what it was. */
export async function listenIn(url: string): Promise<() => string> {
  const { hostname, port, password } = new URL(url);
  let text = "";
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(_, bytes) {
        text += bytes.toString("latin1");
        if (text.startsWith("+OK\r\n+OK\r\n")) resolve();
      },
    },
  });
  socket.write(`AUTH ${decodeURIComponent(password)}\r\nMONITOR\r\n`);
  await promise;
  return () => {
    socket.end();
    return text;
  };
}
