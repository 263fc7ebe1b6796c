// Providers that fail in every way that a server can, each by a lot drawn from a seed: which fault meets which request is known beforehand.
// Knows no gateway.

import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";

/** `late`: it breaks off after its first output, where nobody can take over any more. */
export type Fate =
  | "500"
  | "503"
  | "529"
  | "cut"
  | "good"
  | "html"
  | "late"
  | "limited"
  | "limited-for"
  | "reset"
  | "slow"
  | "stall"
  | "stall-begun";

/** In thousandths. */
const LOTS = {
  "500": 30,
  "503": 30,
  "529": 15,
  cut: 45,
  good: 560,
  html: 15,
  late: 20,
  limited: 25,
  "limited-for": 25,
  reset: 60,
  slow: 120,
  stall: 25,
  "stall-begun": 30,
} as const satisfies Record<Fate, number>;

const SERVES: ReadonlySet<Fate> = new Set(["good", "late", "slow"]);

export function serves(fate: Fate): boolean {
  return SERVES.has(fate);
}

export interface Fates {
  /** What becomes of that request there, however often it comes. */
  of(provider: string, id: string): Fate;
  /** From now on that provider refuses everybody, null: none does. */
  takeDown(provider: string | null): void;
  /** From now on all are well. */
  heal(): void;
}

/** Of each request, at least one provider that is never down at the time serves it. */
export function drawFates(seed: number, providers: readonly string[]): Fates {
  let down: string | null = null;
  let isHealed = false;
  const drawn = new Map<string, Fate>();
  const draw = (provider: string, id: string): Fate => {
    let lot = unit(`${seed}/${provider}/${id}`) * 1_000;
    for (const [fate, share] of Object.entries(LOTS) as [Fate, number][]) if ((lot -= share) < 0) return fate;
    return "good";
  };
  return {
    of(provider, id) {
      const key = `${provider}/${id}`;
      const known = drawn.get(key);
      if (known !== undefined) return known;
      if (isHealed) return "good";
      const fates = new Map(providers.map((each) => [each, each === down ? "503" : draw(each, id)] as const));
      if (![...fates.values()].some(serves)) {
        const up = providers.filter((each) => each !== down);
        fates.set(up[Math.floor(unit(`${seed}/${id}`) * up.length)] ?? provider, "good");
      }
      for (const [each, fate] of fates) drawn.set(`${each}/${id}`, fate);
      return fates.get(provider) ?? "good";
    },
    takeDown(provider) {
      down = provider;
    },
    heal() {
      isHealed = true;
    },
  };
}

/** In [0, 1), the same for the same text. */
export function unit(text: string): number {
  return Number(Bun.hash(text) % 1_000_003n) / 1_000_003;
}

export interface Faulty {
  name: string;
  url: string;
  /** Calls by the request's id. */
  called: Map<string, number>;
  /** Fates that calls met. */
  met: Map<Fate, number>;
  /** Connections that are open. */
  sockets(): number;
  stop(): void;
}

/** The request's id is what its user is called. */
export async function startFaulty(name: string, fates: Fates): Promise<Faulty> {
  const called = new Map<string, number>();
  const met = new Map<Fate, number>();
  const open = new Set<object>();
  const server = createServer((request, response) => {
    void read(request).then((text) => {
      if (request.method === "GET") return sayJson(response, 200, { object: "list", data: [] });
      const { user, stream: isStream } = JSON.parse(text) as { user: string; stream?: boolean };
      const fate = fates.of(name, user);
      called.set(user, (called.get(user) ?? 0) + 1);
      met.set(fate, (met.get(fate) ?? 0) + 1);
      return meet(fate, response, isStream === true);
    });
  });
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
  });
  return {
    name,
    url: `http://127.0.0.1:${await listen(server)}/v1`,
    called,
    met,
    sockets: () => open.size,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

async function read(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

const base = { id: "chatcmpl-1", created: 1, model: "chaos" };
const usage = { prompt_tokens: 3, completion_tokens: 8, total_tokens: 11 };
const frame = (fields: object): string =>
  `data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", ...fields })}\n\n`;
const delta = (fields: object): string => frame({ choices: [{ index: 0, delta: fields, finish_reason: null }] });
const END = `${frame({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}${frame({ choices: [], usage })}data: [DONE]\n\n`;
const WORDS = 8;
/** What a whole answer says. */
export const SAID = "word ".repeat(WORDS);
const WHOLE = JSON.stringify({
  ...base,
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: SAID }, finish_reason: "stop" }],
  usage,
});
const SLOW_MS = 300;

async function meet(fate: Fate, response: ServerResponse, isStream: boolean): Promise<void> {
  switch (fate) {
    case "500":
    case "503":
    case "529":
      return refuse(response, Number(fate));
    case "limited":
      return refuse(response, 429);
    case "limited-for":
      return refuse(response, 429, { "retry-after-ms": "150" });
    case "html":
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<html><body>It works!</body></html>");
      return undefined;
    case "reset":
      response.socket?.resetAndDestroy();
      return undefined;
    case "stall":
      return undefined;
    case "stall-begun":
      begin(response, isStream);
      return undefined;
    case "cut":
      begin(response, isStream);
      await Bun.sleep(1);
      response.socket?.destroy();
      return undefined;
    case "slow":
      await Bun.sleep(SLOW_MS);
      return answer(response, isStream, WORDS);
    case "late":
      return answer(response, isStream, isStream ? 3 : WORDS);
    case "good":
      return answer(response, isStream, WORDS);
    default:
      return fate satisfies never;
  }
}

function begin(response: ServerResponse, isStream: boolean): void {
  if (isStream) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(delta({ role: "assistant", content: "" }));
    return;
  }
  response.writeHead(200, { "content-type": "application/json", "content-length": String(WHOLE.length) });
  response.write(WHOLE.slice(0, 40));
}

async function answer(response: ServerResponse, isStream: boolean, words: number): Promise<void> {
  if (!isStream) {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(WHOLE);
    return;
  }
  begin(response, true);
  for (let index = 0; index < words; index++) {
    // Until it is on its way: what is not would be lost where the connection breaks.
    await new Promise<void>((resolve) => {
      if (!response.write(delta({ content: "word " }), () => resolve()) && response.destroyed) resolve();
    });
    await Bun.sleep(1);
  }
  if (words < WORDS) response.socket?.end();
  else response.end(END);
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  sayJson(
    response,
    status,
    { error: { message: `no ${status}`, type: "server_error", param: null, code: null } },
    headers,
  );
}

function sayJson(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
