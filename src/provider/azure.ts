// Azure OpenAI and Microsoft Foundry: OpenAI's formats under a resource of one's own, models by the names of deployments, an `api-key` or
// a token of Entra ID. https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle

import type { WireId } from "../wire/type.ts";
import { PATH_NAME, type ProviderKindDefinition, type ProviderTools } from "./kind.ts";
import { findClaudeFacts } from "./anthropic.ts";
import { type OpenaiLikeRow, makeOpenaiLike } from "./openai-like.ts";
import { OPENAI_MODELS } from "./openai.ts";
import type { ProviderSettings } from "./settings.ts";
import { keepToken, requestToken } from "./token.ts";
import type { Endpoint, Provider } from "./type.ts";

export const azure: ProviderKindDefinition = {
  about: "Azure OpenAI, Microsoft Foundry",
  baseUrl: null,
  exampleUrl: "https://my-resource.openai.azure.com",
  keyVariables: ["AZURE_OPENAI_API_KEY"],
  urlVariables: ["AZURE_OPENAI_ENDPOINT"],
  needsKey: false,
  impliedBy: [
    ["AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"],
    ["AZURE_OPENAI_ENDPOINT", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"],
  ],
  options: {
    api_version: {
      about: "A dated version of the interface; unset: v1, which has no dates",
      variables: ["AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION"],
      example: "2024-10-21",
    },
    authority: {
      about: "Where Entra ID gives tokens; other clouds have others",
      variables: ["AZURE_AUTHORITY_HOST"],
      example: "https://login.microsoftonline.us",
      fallback: "https://login.microsoftonline.com",
      isUrl: true,
    },
    client_id: {
      about: "Instead of a key: an application of Entra ID",
      variables: ["AZURE_CLIENT_ID"],
      example: "00000000-0000-0000-0000-000000000000",
    },
    client_secret: { about: "Its secret", variables: ["AZURE_CLIENT_SECRET"], example: "", secret: true },
    deployments: {
      about: "Names of models and of the deployments that serve them, where they differ",
      variables: [],
      example: "gpt-4.1=>my-gpt-41, text-embedding-3-small=>embed",
      isMap: true,
    },
    scope: {
      about: "What the token is asked for",
      variables: [],
      example: "https://ai.azure.com/.default",
      fallback: "https://cognitiveservices.azure.com/.default",
    },
    tenant_id: {
      about: "Its tenant",
      variables: ["AZURE_TENANT_ID"],
      example: "00000000-0000-0000-0000-000000000000",
      form: PATH_NAME,
    },
  },
  make: makeAzure,
};

const ROW: OpenaiLikeRow = {
  about: azure.about,
  baseUrl: null,
  formats: ["chat", "responses", "embeddings"],
  models: OPENAI_MODELS,
  prices: "azure",
  // Its models are not what can be called: deployments are, and no interface lists them for a key.
  listing: null,
  responseHeaders: ["apim-request-id", "x-ms-region"],
  offers: ["audio", "batches", "files", "images", "realtime", "responses", "uploads", "vector_stores", "videos"],
};

function makeAzure(settings: ProviderSettings, tools: ProviderTools): Provider {
  const root = settings.baseUrl.replace(/\/openai(?:\/v1)?$/u, "");
  const like = makeOpenaiLike({ ...settings, apiKey: null, baseUrl: `${root}/openai/v1` }, ROW);
  const deployments = readDeployments(settings.options["deployments"]);
  const version = settings.options["api_version"];
  const isDated = version !== undefined && /^\d/u.test(version);
  const query =
    version === undefined || version === "v1" || isDated ? "" : `api-version=${encodeURIComponent(version)}`;
  const name = (model: string): string => deployments.get(model) ?? model;
  return {
    ...like,
    rest: like.rest === null ? null : { ...like.rest, nameOf: name, ...(query === "" ? {} : { query }) },
    speaks: (model) => (isClaude(model) ? ["anthropic-messages"] : like.speaks(model)),
    endpoint(wire, target) {
      const deployment = name(target.model);
      const renamed = deployment === target.model ? {} : { set: { model: deployment } };
      if (wire === "anthropic-messages") return { ...describeClaude(root, settings), ...renamed };
      const endpoint = like.endpoint(wire, target);
      if (isDated) return { ...endpoint, ...renamed, url: makeDatedUrl(wire, { root, deployment, version }) };
      return { ...endpoint, ...renamed, url: query === "" ? endpoint.url : `${endpoint.url}?${query}` };
    },
    authorize: makeAuthorize(settings, tools),
    headers: { ...(settings.apiKey === null ? {} : { "api-key": settings.apiKey }), ...like.headers },
    knownModels: [...deployments.keys()].map((id) => ({ id, createdAt: null, ownedBy: "azure" })),
    missing: describeMissing(settings),
    facts: (model) => (isClaude(model) ? findClaudeFacts(model, settings.maxOutputTokens) : like.facts(model)),
  };
}

/** Foundry serves them in their maker's format. https://learn.microsoft.com/azure/foundry/foundry-models/how-to/use-foundry-models-claude */
function isClaude(model: string): boolean {
  return model.toLowerCase().startsWith("claude");
}

function describeClaude(root: string, { apiKey }: ProviderSettings): Endpoint {
  return {
    url: `${root}/anthropic/v1/messages`,
    headers: { ...(apiKey === null ? {} : { "x-api-key": apiKey }), "anthropic-version": "2023-06-01" },
    requestHeaders: ["anthropic-beta"],
  };
}

/** The dated interface has the deployment in the address, of Responses alone in the body. */
function makeDatedUrl(
  wire: WireId,
  { root, deployment, version }: { root: string; deployment: string; version: string },
): string {
  const query = `?api-version=${encodeURIComponent(version)}`;
  if (wire === "openai-responses") return `${root}/openai/responses${query}`;
  const path = wire === "openai-embeddings" ? "embeddings" : "chat/completions";
  return `${root}/openai/deployments/${encodeURIComponent(deployment)}/${path}${query}`;
}

function readDeployments(text: string | undefined): ReadonlyMap<string, string> {
  return new Map(
    (text ?? "").split(",").flatMap((pair) => {
      const [model, deployment] = pair.split("=>");
      return model === undefined || deployment === undefined ? [] : [[model, deployment] as const];
    }),
  );
}

/** A key goes before an application: it is the more particular. */
function makeAuthorize(settings: ProviderSettings, tools: ProviderTools): Provider["authorize"] {
  const { authority, client_id: id, client_secret: secret, scope, tenant_id: tenant } = settings.options;
  if (settings.apiKey !== null || id === undefined || secret === undefined || tenant === undefined) return null;
  const url = `${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`;
  const fields = { grant_type: "client_credentials", client_id: id, client_secret: secret, scope: scope ?? "" };
  const token = keepToken(tools, () => requestToken(tools, { name: settings.name, url, fields }));
  return async () => ({ authorization: `Bearer ${await token()}` });
}

function describeMissing({ apiKey, apiKeyNames, baseUrl, name, options }: ProviderSettings): string | null {
  if (baseUrl === "") return `Provider "${name}" has no base_url. Set its resource's address and reload the gateway.`;
  if (apiKey !== null) return null;
  const lacking = ["tenant_id", "client_id", "client_secret"].filter((option) => options[option] === undefined);
  if (lacking.length === 0) return null;
  const remedy = lacking.length === 3 ? "" : `, or beside the others ${lacking.join(" and ")}`;
  return `Provider "${name}" has no API key. Set ${apiKeyNames.join(" or ")}${remedy} and reload the gateway.`;
}
