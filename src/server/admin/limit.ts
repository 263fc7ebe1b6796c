// Rate limits by HTTP. What a limit may say is the configuration's to judge; here are only addresses, bodies and shapes.

import { z } from "zod";
import type { LimitFields, LimitUnit } from "../../gateway/index.ts";
import type { Caller, Directory } from "../../identity/index.ts";
import { GatewayError, type JsonObject } from "../../ir/index.ts";
import { requireMayBind } from "../reach.ts";
import type { LimitBook } from "../limit-book.ts";
import { checkLimit, missingLimit } from "../limit-book.ts";
import { printLimit, printStates } from "../limit-print.ts";
import { type LiveLimits, type StandingLimit, judgeLimits, mergeLimits } from "../limit-table.ts";
import { readExpected, readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type About, IN_FORCE, IN_FORCE_WORDS, NEXT_CURSOR, PAGE_QUERY, SOURCES } from "../about.ts";
import { answerPage } from "../page.ts";
import { LIMIT_ANSWER } from "../shape/rule.ts";

const COUNT = z.union([z.number(), z.string()]).nullable().optional();
const WORD = z.string().nullable().optional();
const LIMIT = z.strictObject({
  requests_per_minute: COUNT,
  tokens_per_minute: COUNT,
  concurrent: COUNT,
  per: z
    .union([z.string(), z.array(z.string())])
    .nullable()
    .optional(),
  key: WORD,
  user: WORD,
  model: WORD,
  provider: WORD,
});

const FILTERS = {
  api_key_id: ({ limit }: StandingLimit) => limit?.key,
  model: ({ limit }: StandingLimit) => limit?.model,
  provider: ({ limit }: StandingLimit) => limit?.provider,
  in_force: ({ obstacle }: StandingLimit) => String(obstacle === null),
  source: ({ source }: StandingLimit) => source,
};

export interface LimitParts {
  live: LiveLimits;
  book: LimitBook;
  directory: Pick<Directory, "getKey" | "getUser" | "listGone">;
  limit: () => number;
}

const PATH = "/api/v1/admin/limits";

const tag = "Limits";
const ANSWER = z.object({ limit: LIMIT_ANSWER });
const ABOUT = {
  delete: { tag, summary: "Delete a limit", answer: null, errors: [400, 404, 409], isTagged: true },
  list: {
    tag,
    summary: "List limits, with what is used of each",
    query: z.object({
      ...PAGE_QUERY,
      api_key_id: z.string().optional(),
      in_force: IN_FORCE,
      model: z.string().optional(),
      provider: z.string().optional(),
      source: z.enum(SOURCES).optional(),
      user_id: z.string().optional(),
    }),
    answer: z.object({ limits: z.array(LIMIT_ANSWER), ...NEXT_CURSOR }),
  },
  set: {
    tag,
    summary: "Set a limit",
    body: LIMIT,
    answer: ANSWER,
    status: [200, 201],
    errors: [404, 409],
    isPlaced: true,
    isTagged: true,
  },
  show: { tag, summary: "Show a limit", answer: ANSWER, errors: [404], isTagged: true },
} as const satisfies Record<string, About>;

export function makeLimitRoutes({ live, book, directory, limit }: LimitParts): GuardedRoute[] {
  const authority = { anyOf: ["limits:manage"] } as const;
  const print = async (standing: StandingLimit): Promise<JsonObject> => {
    const { limit: words, obstacle } = standing;
    if (words === null || obstacle !== null) return { ...printLimit(standing), states: [] };
    const units = UNITS.filter((unit) => words[unit] !== null);
    return {
      ...printLimit(standing),
      states: printStates(words, await live.limits.counters.look(words.name, units)),
    };
  };
  const find = async (name = ""): Promise<StandingLimit> => {
    await live.refresh();
    const [found] = await judgeLimits(
      live.standing().filter((each) => each.name === name),
      directory.listGone,
    );
    if (found === undefined) throw missingLimit(name);
    return found;
  };
  const requireMayChange = async (caller: Caller, name: string, wanted: LimitFields | null): Promise<void> => {
    await live.refresh();
    const standing = live.standing().find((each) => each.name === name);
    await requireMayBind(caller, { wanted, standing: standing?.limit ?? standing?.row?.fields ?? null }, directory);
  };
  const answer = async (standing: StandingLimit, status = 200): Promise<Response> => {
    const headers = {
      ...(standing.row === null ? {} : { etag: `"${standing.row.version}"` }),
      ...(status === 201 ? { location: `${PATH}/${standing.name}` } : {}),
    };
    return Response.json({ limit: await print(standing) }, { status, headers });
  };
  return [
    {
      method: "GET",
      path: PATH,
      authority,
      about: ABOUT.list,
      async handle({ query }) {
        await live.refresh();
        const asked = query.get("user_id");
        const names = await listNames(directory, asked);
        return Response.json(
          await answerPage(query, await judgeLimits(live.standing(), directory.listGone), {
            name: "limits",
            // One that waits has the name of what it waits for.
            idOf: ({ name, source }) => `${name} ${source}`,
            print,
            filters: { ...FILTERS, user_id: ({ limit }) => (names.includes(limit?.user ?? "") ? asked : null) },
            choices: { in_force: IN_FORCE_WORDS, source: SOURCES },
          }),
        );
      },
    },
    {
      method: "GET",
      path: `${PATH}/:id`,
      authority,
      about: ABOUT.show,
      handle: async ({ params }) => answer(await find(params["id"])),
    },
    {
      method: "PUT",
      path: `${PATH}/:id`,
      authority,
      about: ABOUT.set,
      async handle({ request, params, caller }) {
        const name = params["id"] ?? "";
        const body = await readJson(request, limit(), LIMIT, (said, faulty) =>
          checkLimit(name, { ...standIn(faulty), ...toFields(said) }),
        );
        const fields = toFields(body);
        checkLimit(name, fields);
        await requireMayChange(caller, name, fields);
        const isThere = live.standing().some((each) => each.name === name && each.row !== null);
        const change = { expected: readExpected(request, isThere), by: caller.from };
        const row = await book.set(name, fields, change);
        await live.refresh();
        // As it was made: another may have changed it since.
        const [made] = await judgeLimits(mergeLimits({ limits: [] }, [row]), directory.listGone);
        return answer(made as StandingLimit, isThere ? 200 : 201);
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:id`,
      authority,
      about: ABOUT.delete,
      async handle({ request, params, caller }) {
        await requireMayChange(caller, params["id"] ?? "", null);
        await book.delete(params["id"] ?? "", { expected: readExpected(request), by: caller.from });
        await live.refresh();
        return new Response(null, { status: 204 });
      },
    },
  ];
}

/** All words by which a limit may name the user: the configuration's may say an e-mail address. */
async function listNames({ getUser }: LimitParts["directory"], asked: string | null): Promise<string[]> {
  if (asked === null || asked === "") return [];
  try {
    const { id, email } = await getUser(asked);
    return [id, email];
  } catch (error) {
    // Limits of users who are gone are listed, too.
    if (error instanceof GatewayError && error.kind === "not_found") return [asked];
    throw error;
  }
}

const UNITS = ["requests", "tokens", "slots"] as const satisfies readonly LimitUnit[];

/** What is said in a form that cannot be read limits something, too. */
function standIn(faulty: ReadonlySet<string>): LimitFields {
  return Object.fromEntries(COUNTS.filter((field) => faulty.has(field)).map((field) => [field, "1"]));
}

const COUNTS = ["concurrent", "requests_per_minute", "tokens_per_minute"] as const;

/** As a section of the configuration says them. */
function toFields(said: Partial<z.output<typeof LIMIT>>): LimitFields {
  return Object.fromEntries(
    Object.entries(said).flatMap(([field, value]) => {
      if (value === null || value === undefined) return [];
      return [[field, Array.isArray(value) ? value.join(", ") : String(value)]];
    }),
  );
}
