// What all strict providers have in common: a request is checked against a closed schema, refused in the vendor's own shape or answered,
// and every refusal is kept, so that a test can say that there was none. Knows no format.

import type * as z from "zod";

export interface Received {
  method: string;
  url: URL;
  headers: Headers;
  /** Null where there is none. */
  body: unknown;
  /** As it came. */
  text: string;
}

/** What a provider does not take. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  /** Such as `messages[0].content`; null where no field is to blame. */
  readonly param: string | null;
  readonly code: string | null;
  /** The client is to ask again otherwise, as its vendor means it to. */
  readonly isNegotiation: boolean;

  constructor(
    message: string,
    {
      status = 400,
      param = null,
      code = null,
      isNegotiation = false,
    }: Partial<Pick<Refusal, "status" | "param" | "code" | "isNegotiation">> = {},
  ) {
    super(message);
    this.status = status;
    this.param = param;
    this.code = code;
    this.isNegotiation = isNegotiation;
  }
}

export interface Dialect {
  /** Throws a Refusal. */
  answer(received: Received): Response | Promise<Response>;
  printRefusal(refusal: Refusal): Response;
}

export interface StrictUpstream {
  fetch(request: Request): Promise<Response>;
  /** Sentences, in order. */
  refusals: string[];
  /** Bodies of the requests that were answered. */
  accepted: unknown[];
}

export function makeStrict(dialect: Dialect): StrictUpstream {
  const refusals: string[] = [];
  const accepted: unknown[] = [];
  return {
    refusals,
    accepted,
    async fetch(request) {
      const text = request.method === "GET" ? "" : await request.text();
      const received = { method: request.method, url: new URL(request.url), headers: request.headers, text };
      try {
        const body: unknown = text === "" ? null : parse(text);
        const response = await dialect.answer({ ...received, body });
        if (body !== null) accepted.push(body);
        return response;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (!error.isNegotiation)
          refusals.push(`${request.method} ${received.url.pathname}: ${error.status} ${error.message}`);
        return dialect.printRefusal(error);
      }
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal("We could not parse the JSON body of your request.");
  }
}

type Issue = z.core.$ZodIssue;

/** The body as the schema describes it; throws a Refusal in the words that `say` finds for the first thing that is wrong. */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  say: (path: string, issue: { kind: "unknown" | "wrong"; text: string }) => string,
): z.output<Schema> {
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  const issue = findDeepest(error.issues);
  const isUnknown = issue.code === "unrecognized_keys";
  const steps = isUnknown ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
  const path = printPath(steps);
  throw new Refusal(say(path, { kind: isUnknown ? "unknown" : "wrong", text: issue.message }), { param: path });
}

/** In a union, what is wrong with the branch that was meant: the one that got furthest. */
function findDeepest(issues: readonly Issue[], prefix: readonly PropertyKey[] = []): Issue {
  const [first] = issues;
  if (first === undefined) throw new Error("a schema failed without saying why");
  const path = [...prefix, ...first.path];
  if (first.code !== "invalid_union" || first.errors.length === 0) return { ...first, path };
  const inner = first.errors.map((branch) => findDeepest(branch, path));
  return inner.reduce((best, next) => (rank(next) > rank(best) ? next : best));
}

function rank(issue: Issue): number {
  return issue.path.length * 2 + (issue.code === "unrecognized_keys" ? 1 : 0);
}

function printPath(steps: readonly PropertyKey[]): string {
  return steps
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${String(step)}`))
    .join("");
}

/** Server-Sent Events. */
export function streamFrames(frames: readonly { event?: string; data: string }[], separator = "\n"): Response {
  const text = frames.map(({ event, data }) => {
    const name = event === undefined ? "" : `event: ${event}${separator}`;
    return `${name}data: ${data}${separator}${separator}`;
  });
  return new Response(new Blob(text).stream(), { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}
