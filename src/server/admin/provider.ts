// Providers that are declared while the gateway runs, and their keys, by HTTP. What a provider may say is the configuration's to judge, and what a change
// is, the book's; here are only addresses, bodies and shapes.

import { z } from "zod";
import type { Config } from "../../config/value.ts";
import type { GatewayTools, ProviderBook, ProviderVersion, Scene } from "../../gateway/index.ts";
import { GatewayError, type JsonObject } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { KINDS } from "../../provider/index.ts";
import { ORIGINS } from "../about.ts";
import type { Health } from "../fleet.ts";
import { reportProvider } from "../health-report.ts";
import type { LiveProviders } from "../live-provider.ts";
import { readProviderFields, readSecrets } from "../provider-field.ts";
import { printProvider, printProviderVersion } from "../provider-print.ts";
import type { StandingProvider } from "../provider-table.ts";
import { printTrials, tellUnused, testModel, testProvider } from "../provider-test.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { originOf } from "./part.ts";
import { PROVIDER_ABOUT as ABOUT } from "./provider-about.ts";
import { answerPage } from "../page.ts";
import { CHANGE, answerVersion, makeVersionedRoutes, readVersionChange } from "./versioned.ts";

const TRIAL = z.strictObject({ model: z.string().min(1).max(200).nullable().optional() });
const NOTHING = z.strictObject({});

export interface ProviderParts {
  book: ProviderBook;
  live: LiveProviders;
  health: Health;
  scene: () => Scene;
  tools: GatewayTools;
  clock: Clock;
  newId: () => string;
  effective: () => Pick<Config, "secretKeys">;
  limit: () => number;
}

const READ = { anyOf: ["providers:read", "providers:write"] } as const;
const WRITE = { anyOf: ["providers:write"] } as const;
const PATH = "/api/v1/admin/providers";

export function makeProviderRoutes(parts: ProviderParts): GuardedRoute[] {
  return [...makeReads(parts), ...makeWrites(parts), ...makeKeyRoutes(parts), ...makeActs(parts)];
}

function makeReads(parts: ProviderParts): GuardedRoute[] {
  const { live } = parts;
  return [
    {
      method: "GET",
      path: PATH,
      authority: READ,
      about: ABOUT.list,
      async handle({ query }) {
        await live.refresh();
        const print = (standing: StandingProvider): JsonObject => describe(standing, parts);
        return Response.json(
          await answerPage(query, live.standing(), {
            name: "providers",
            idOf: placeOf,
            print,
            filters: FILTERS,
            choices: CHOICES,
          }),
        );
      },
    },
    {
      method: "GET",
      path: `${PATH}/:id`,
      authority: READ,
      about: ABOUT.show,
      async handle({ params }) {
        await live.refresh();
        const found = live.standing().filter(({ name }) => name === params["id"]);
        const [first] = found;
        if (first === undefined) throw unknown(params["id"] ?? "", parts.scene());
        const headers = first.version === null ? {} : { etag: `"${first.version.version}"` };
        const below = found.slice(1).map((standing) => describe(standing, parts));
        return Response.json({ provider: describe(first, parts), below }, { headers });
      },
    },
  ];
}

const FILTERS = {
  origin: ({ source }: StandingProvider) => source,
  type: ({ settings, version }: StandingProvider) => settings?.kind ?? version?.fields?.["type"],
};

const CHOICES = { origin: ORIGINS, type: [...KINDS.keys()] };

/** What stands in files and is overruled has the name of what overrules it. */
function placeOf({ name, source }: StandingProvider): string {
  return `${name} ${source}`;
}

function makeWrites(parts: ProviderParts): GuardedRoute[] {
  const { book, live, limit } = parts;
  return makeVersionedRoutes({
    path: PATH,
    read: READ,
    write: WRITE,
    about: ABOUT,
    limit,
    book,
    set(change, said) {
      const { fields, secrets } = readProviderFields(said);
      return book.set(change, fields, secrets);
    },
    async isThere(name) {
      await live.refresh();
      return live.standing().some((each) => each.name === name && each.version !== null);
    },
    print: printProviderVersion,
    show: (version) => show(parts, version),
    async showGone(version) {
      await live.refresh();
      return { provider: printProviderVersion(version) };
    },
  });
}

function makeKeyRoutes(parts: ProviderParts): GuardedRoute[] {
  const { book, limit, effective } = parts;
  return [
    {
      method: "PUT",
      path: `${PATH}/:id/keys`,
      authority: WRITE,
      about: ABOUT.setKeys,
      async handle(context) {
        const { comment, ...said } = await readJson(context.request, limit(), CHANGE);
        const version = await book.setSecrets(readVersionChange(context, comment), readSecrets(said));
        return answerVersion(version, await show(parts, version), { path: PATH, status: 200 });
      },
    },
    {
      method: "POST",
      path: `${PATH}/rotate-secret`,
      authority: WRITE,
      about: ABOUT.rotateSecret,
      async handle({ request, caller }) {
        await readJson(request, limit(), NOTHING);
        const by = originOf(caller);
        const { keyId, resumed, exchanged, unreadable } = await book.rotate(by, () => undefined);
        const own = effective().secretKeys.length === 0;
        return Response.json({ encrypted_with: keyId, resumed, exchanged, unreadable, own_file: own });
      },
    },
  ];
}

function makeActs(parts: ProviderParts): GuardedRoute[] {
  const { health, scene, clock, limit, live, tools, newId } = parts;
  const act = (action: "disable" | "enable"): GuardedRoute => ({
    method: "POST",
    path: `${PATH}/:id/${action}`,
    authority: WRITE,
    about: ABOUT[action],
    async handle({ request, params, caller }) {
      await readJson(request, limit(), NOTHING);
      const name = (params["id"] ?? "").toLowerCase();
      const place = { provider: name, account: null, model: null };
      // One that cannot be called may still be kept from being called once it can.
      const standing = live.standing().find((each) => each.name === name);
      if (standing === undefined) throw unknown(name, scene());
      if (action === "enable") await health.enable(place, originOf(caller));
      else await health.take({ ...place, action, sinceMs: clock.wallMs(), by: caller.userId }, originOf(caller));
      return Response.json({ provider: describe(standing, parts) });
    },
  });
  return [
    act("disable"),
    act("enable"),
    {
      method: "POST",
      path: `${PATH}/:id/test`,
      authority: WRITE,
      about: ABOUT.test,
      async handle({ request, params, caller, keepOpen, letGo }) {
        const { model } = await readJson(request, limit(), TRIAL);
        const name = (params["id"] ?? "").toLowerCase();
        const { providers, redact } = scene();
        const provider = providers.get(name);
        if (provider === undefined) {
          const unused = live.standing().find((each) => each.name === name);
          if (unused === undefined) throw unknown(name, scene());
          return Response.json(printTrials(name, tellUnused(unused.obstacle)));
        }
        keepOpen();
        const trials =
          typeof model === "string"
            ? await testModel(provider, model, { tools, caller, newId })
            : await testProvider(provider, { ...tools, redact });
        letGo();
        return Response.json(printTrials(name, trials));
      },
    },
  ];
}

async function show(parts: ProviderParts, version: ProviderVersion): Promise<JsonObject> {
  await parts.live.refresh();
  const standing = parts.live.standing().find((each) => each.version?.id === version.id);
  const change = printProviderVersion(version);
  return { provider: standing === undefined ? change : describe(standing, parts), change };
}

/** With how it is doing here. */
function describe(standing: StandingProvider, { health, clock, scene }: ProviderParts): JsonObject {
  const place = { provider: standing.name, account: null, model: null };
  const disabled = health.controls.find(place)?.action === "disable";
  const printed = { ...printProvider(standing), disabled };
  const provider = standing.settings === null ? undefined : scene().providers.get(standing.name);
  if (provider === undefined) return printed;
  const places = health.fleet.list().filter((place) => place.provider === provider.name);
  const { provider: _name, ...report } = reportProvider(provider, places, { ...health, clock, scene: scene() });
  return { ...printed, state: report["state"] ?? null, health: report };
}

function unknown(name: string, { providers }: Scene): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "unknown_provider",
    message: `There is no provider "${name.slice(0, 100)}" here: ${[...providers.keys()].join(", ")}.`,
  });
}
