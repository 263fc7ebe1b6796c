// The shape that OpenAI and every server that imitates it share: addresses, bearer key, model listing. A row of data says the rest.

import type { JsonObject } from "../ir/index.ts";
import { isJsonObject } from "../ir/index.ts";
import type { RestFamily } from "../wire/rest/type.ts";
import type { ModelFacts, WireId } from "../wire/type.ts";
import type { ProviderKindDefinition, ProviderOption } from "./kind.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Endpoint, ListedModel, Provider, UsageLater } from "./type.ts";

/** What is peculiar to a model, or to a server whatever its model. */
export interface Quirks {
  /** What it is spoken to in, what is translated to first; where missing, chat and embeddings, or what the row says. */
  formats?: readonly Format[];
  /** Fields of a chat or Responses request that are refused: left out of forwarded ones, and reported. */
  refused?: readonly string[];
  /** Chat fields that have another name there. */
  rename?: Readonly<Record<string, string>>;
  /** What a translated request needs to know. */
  facts?: Partial<ModelFacts>;
}

/** A server that imitates OpenAI: what is missing is as OpenAI has it. */
export interface OpenaiLikeRow extends Quirks {
  about: string;
  /** With what stands before `/chat/completions`; null where the operator must give it. */
  baseUrl: string | null;
  exampleUrl?: string;
  /** The usual environment variables for its key. */
  keyVariables?: readonly string[];
  /** Missing: it needs a key where there is a usual variable for one. */
  needsKey?: boolean;
  urlVariables?: readonly string[];
  readUrl?: (text: string) => string;
  impliedBy?: readonly (readonly string[])[];
  options?: Readonly<Record<string, ProviderOption>>;
  /** Models that nobody else has. */
  patterns?: readonly string[];
  /** Where Messages begins, if not at the base URL. Not spoken where no end fits. */
  messages?: Exchange;
  /** Chat fields that are refused and that ask for what happens anyway. */
  needless?: readonly string[];
  /** Its name in the price list; looked up by its address where missing. */
  prices?: string;
  /** What else of OpenAI's interface it has; all of it where missing, as far as anyone knows. */
  offers?: readonly RestFamily[];
  /** What of that costs nothing. */
  free?: readonly RestFamily[];
  headers?: Readonly<Record<string, string>>;
  /** Further client headers that it is to see. */
  requestHeaders?: readonly string[];
  /** Beginnings of further response headers that clients are to see. */
  responseHeaders?: readonly string[];
  usageLater?: UsageLater;
  /** Where the models are listed, if not at `/models`: an end of the base URL, exchanged. Null where they are not. */
  listing?: Exchange | null;
  /** What is peculiar to models beyond the row's own, by names in lower case without their maker's: the first that fits. */
  models?: readonly (readonly [name: RegExp, quirks: Quirks])[];
}

/** Another address of the same server: the first of these ends of the base URL that fits gives way to another. */
interface Exchange {
  from: readonly string[];
  to: string;
}

const FORMATS = {
  chat: "openai-chat",
  embeddings: "openai-embeddings",
  messages: "anthropic-messages",
  responses: "openai-responses",
} as const satisfies Record<string, WireId>;

type Format = keyof typeof FORMATS;

const PATHS: Readonly<Partial<Record<WireId, string>>> = {
  "anthropic-messages": "/messages",
  "openai-chat": "/chat/completions",
  "openai-embeddings": "/embeddings",
  "openai-responses": "/responses",
  "openai-responses-compact": "/responses/compact",
  "openai-responses-count": "/responses/input_tokens",
};

/** A server that imitates OpenAI may offer any of it; what it does not know it refuses itself. */
const OFFERS: readonly RestFamily[] = [
  "audio",
  "batches",
  "completions",
  "files",
  "images",
  "moderations",
  "rerank",
  "uploads",
  "vector_stores",
];

const FACTS: ModelFacts = { defaultMaxOutputTokens: 16_384, maxOutputTokens: null, reasoning: "effort" };

/** One client sends this field always, and one vendor knows it. */
const FOREIGN: readonly string[] = ["search_parameters"];

const FORMATS_OPTION: ProviderOption = {
  about:
    "Formats that it is spoken to in, the one to translate to first; unless said, those that its type is known for",
  variables: [],
  example: "chat, responses, messages, embeddings",
  choices: Object.keys(FORMATS),
  isList: true,
};

/** A row as a kind that configuration can read. */
export function defineOpenaiLike(row: OpenaiLikeRow): ProviderKindDefinition {
  const { about, baseUrl, exampleUrl, impliedBy, keyVariables = [], patterns, readUrl, urlVariables = [] } = row;
  return {
    about,
    baseUrl,
    keyVariables,
    urlVariables,
    needsKey: row.needsKey ?? keyVariables.length > 0,
    options: { formats: FORMATS_OPTION, ...row.options },
    ...(exampleUrl === undefined ? {} : { exampleUrl }),
    ...(impliedBy === undefined ? {} : { impliedBy }),
    ...(patterns === undefined ? {} : { patterns }),
    ...(readUrl === undefined ? {} : { readUrl }),
    make: (settings) => makeOpenaiLike(settings, row),
  };
}

export function makeOpenaiLike(settings: ProviderSettings, row: OpenaiLikeRow): Provider {
  const { apiKey, baseUrl, name, options } = settings;
  const spoken = listSpoken(settings, row, row);
  const endpoints = new Map<string, Endpoint>();
  return {
    name,
    speaks(model) {
      const own = findQuirks(row, model);
      return own?.formats === undefined ? spoken : listSpoken(settings, row, own);
    },
    endpoint(wire, { model }) {
      const own = findQuirks(row, model);
      const id = `${wire} ${own?.id ?? ""}`;
      const known = endpoints.get(id) ?? describeEndpoint(wire, { settings, row, own });
      endpoints.set(id, known);
      return known;
    },
    authorize: null,
    headers: {
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      ...row.headers,
      ...settings.headers,
    },
    // The operator's organisation and project stand; a client may name its own only where the operator named none.
    requestHeaders: [
      "idempotency-key",
      "openai-beta",
      ...(options["organization"] === undefined ? ["openai-organization"] : []),
      ...(options["project"] === undefined ? ["openai-project"] : []),
      "traceparent",
      "tracestate",
      ...(row.requestHeaders ?? []),
    ],
    ...(spoken.includes("anthropic-messages") && settings.headers["anthropic-version"] === undefined
      ? { versionHeaders: ["anthropic-version"] }
      : {}),
    responseHeaders: [
      "openai-processing-ms",
      "openai-version",
      "retry-after",
      "x-ratelimit-",
      ...(row.responseHeaders ?? []),
    ],
    listing: describeListing(baseUrl, row),
    knownModels: [],
    missing: describeMissingKey(settings),
    pricing: row.prices === undefined ? { apiUrl: baseUrl } : { vendor: row.prices },
    facts: (model) => findFacts(row, model, settings.maxOutputTokens),
    rest: { baseUrl, offers: row.offers ?? OFFERS, ...(row.free === undefined ? {} : { free: row.free }) },
    ...(row.usageLater === undefined ? {} : { usageLater: row.usageLater }),
    answer: null,
  };
}

/** The operator's choice, else the row's or the model's; Messages only where its address is known. */
function listSpoken({ baseUrl, options }: ProviderSettings, row: OpenaiLikeRow, { formats }: Quirks): WireId[] {
  const said = options["formats"]?.split(",").map((word) => word.trim());
  const chosen = said ?? formats ?? ["chat", "embeddings"];
  const wires: WireId[] = chosen.flatMap((format) => FORMATS[format as Format] ?? []);
  // Who keeps answers counts and shortens conversations, too.
  const keeps = wires.includes("openai-responses") && row.offers?.includes("responses") === true;
  if (keeps) wires.push("openai-responses-compact", "openai-responses-count");
  return wires.filter((wire) => wire !== "anthropic-messages" || findMessagesBase(baseUrl, row) !== null);
}

interface Place {
  settings: ProviderSettings;
  row: OpenaiLikeRow;
  own: Quirks | undefined;
}

function describeEndpoint(wire: WireId, { settings: { apiKey, baseUrl, headers }, row, own }: Place): Endpoint {
  const url = baseUrl + (PATHS[wire] ?? "");
  const ofModel = own?.refused ?? [];
  switch (wire) {
    case "anthropic-messages":
      return {
        url: `${findMessagesBase(baseUrl, row) ?? baseUrl}/messages`,
        // Some of these servers look for the key where this format's clients put it.
        headers: {
          ...(apiKey === null ? {} : { "x-api-key": apiKey }),
          "anthropic-version": headers["anthropic-version"] ?? "2023-06-01",
        },
        requestHeaders: ["anthropic-beta"],
      };
    case "openai-chat":
      return {
        url,
        refused: [...(row.refused ?? FOREIGN), ...ofModel],
        refusedEmpty: ["tools"],
        remove: row.needless ?? [],
        rename: { ...row.rename, ...own?.rename },
      };
    case "openai-responses":
      return { url, refused: ofModel };
    default:
      return { url };
  }
}

function findMessagesBase(baseUrl: string, { messages }: OpenaiLikeRow): string | null {
  return messages === undefined ? baseUrl : exchangeEnd(baseUrl, messages);
}

function describeListing(baseUrl: string, { listing }: OpenaiLikeRow): Provider["listing"] {
  if (listing === null) return null;
  const url = listing === undefined ? `${baseUrl}/models` : exchangeEnd(baseUrl, listing);
  return url === null ? null : { url, decode: decodeListing };
}

function exchangeEnd(baseUrl: string, { from, to }: Exchange): string | null {
  const end = from.find((candidate) => baseUrl.endsWith(candidate));
  return end === undefined ? null : `${baseUrl.slice(0, baseUrl.length - end.length)}${to}`;
}

/** Many servers put the maker before the model: `vendor/model`. */
function findQuirks({ models = [] }: OpenaiLikeRow, model: string): (Quirks & { id: number }) | undefined {
  if (models.length === 0) return undefined;
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const id = models.findIndex(([pattern]) => pattern.test(name));
  const found = models[id];
  return found === undefined ? undefined : { ...found[1], id };
}

function findFacts(row: OpenaiLikeRow, model: string, wanted: number | null): ModelFacts {
  const own = findQuirks(row, model)?.facts;
  const facts = { ...FACTS, ...row.facts, ...own };
  const refuses = [...(row.facts?.refuses ?? []), ...(own?.refuses ?? [])];
  const limit = wanted ?? facts.defaultMaxOutputTokens;
  return {
    ...facts,
    ...(refuses.length === 0 ? {} : { refuses }),
    defaultMaxOutputTokens: Math.min(limit, facts.maxOutputTokens ?? limit),
  };
}

/** A sentence that names the missing setting, or null where the key is there or not needed. */
export function describeMissingKey(settings: ProviderSettings): string | null {
  if (settings.apiKey !== null || !settings.needsApiKey) return null;
  return `Provider "${settings.name}" has no API key. Set ${settings.apiKeyNames.join(" or ")} and reload the gateway.`;
}

function decodeListing(body: JsonObject): ListedModel[] {
  const rows = Array.isArray(body["data"]) ? body["data"] : [];
  const models: ListedModel[] = [];
  for (const row of rows) {
    if (!isJsonObject(row) || typeof row["id"] !== "string") continue;
    models.push({
      id: row["id"],
      createdAt: typeof row["created"] === "number" ? row["created"] : null,
      ownedBy: typeof row["owned_by"] === "string" ? row["owned_by"] : "",
    });
  }
  return models;
}
