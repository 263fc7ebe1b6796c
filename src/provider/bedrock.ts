// Amazon Bedrock: Converse for every model, Claude in Anthropic's own format as well, embeddings by the models' own. Signed with AWS keys or
// shown an API key of Bedrock. https://docs.aws.amazon.com/bedrock/latest/APIReference/welcome.html

import { type JsonObject, isJsonObject } from "../ir/index.ts";
import type { WireId } from "../wire/type.ts";
import { EVENT_STREAM, readChunkFrames, readConverseFrames } from "./aws-frame.ts";
import { createSigner } from "./aws-sign.ts";
import { describeClaude, splitBetas } from "./bedrock-claude.ts";
import { findBaseModel, findClaude, findModelFacts, isEmbedding } from "./bedrock-model.ts";
import { convertEmbeddings } from "./embedding.ts";
import { HOST_LABEL, type ProviderKindDefinition, type ProviderTools } from "./kind.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Endpoint, ListedModel, Provider } from "./type.ts";

export const bedrock: ProviderKindDefinition = {
  about: "Amazon Bedrock",
  // Made from the region.
  baseUrl: "",
  exampleUrl: "https://bedrock-runtime.us-east-1.amazonaws.com",
  keyVariables: ["AWS_BEARER_TOKEN_BEDROCK"],
  urlVariables: ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"],
  needsKey: false,
  impliedBy: [["AWS_BEARER_TOKEN_BEDROCK"], ["AWS_ACCESS_KEY_ID", "AWS_REGION"]],
  options: {
    access_key_id: {
      about: "An AWS access key's id; without one AWS's own chain is asked (profile, single sign-on, role, machine)",
      variables: ["AWS_ACCESS_KEY_ID"],
      example: "AKIAIOSFODNN7EXAMPLE",
    },
    profile: {
      about: "The profile of AWS's own files that holds the credentials",
      variables: ["AWS_PROFILE"],
      example: "production",
    },
    region: {
      about: "The AWS region that is called",
      variables: ["AWS_REGION", "AWS_DEFAULT_REGION"],
      example: "us-east-1",
      form: HOST_LABEL,
    },
    secret_access_key: {
      about: "The secret of that access key",
      variables: ["AWS_SECRET_ACCESS_KEY"],
      example: "",
      secret: true,
    },
    session_token: {
      about: "The token that goes with temporary keys",
      variables: ["AWS_SESSION_TOKEN"],
      example: "",
      secret: true,
    },
  },
  patterns: [
    "ai21.*",
    "amazon.*",
    "anthropic.*",
    "apac.*",
    "arn:aws*",
    "au.*",
    "cohere.*",
    "deepseek.*",
    "eu.*",
    "global.*",
    "jp.*",
    "meta.*",
    "mistral.*",
    "openai.*",
    "qwen.*",
    "us-gov.*",
    "us.*",
    "writer.*",
  ],
  judgeRemote({ apiKey, options }) {
    const { access_key_id: id, profile, secret_access_key: secret } = options;
    if (profile !== undefined)
      return { field: "profile", message: "the files of this machine are the configuration's alone" };
    if (apiKey !== null || (id !== undefined && secret !== undefined)) return null;
    const message =
      "access_key_id and secret_access_key, or an api_key, are needed: this machine's own account is the configuration's alone to give";
    return { field: "access_key_id", message };
  },
  make: makeBedrock,
};

function makeBedrock(settings: ProviderSettings, tools: ProviderTools): Provider {
  const { name, apiKey, options } = settings;
  const addresses = findAddresses(settings);
  const operatorBetas = splitBetas(settings.headers["anthropic-beta"]);
  const { "anthropic-beta": _betas, ...headers } = settings.headers;
  /** The models behind inference profiles, which their own names do not tell. */
  const profiles = new Map<string, string>();
  const baseOf = (model: string): string => findBaseModel(profiles.get(model) ?? model);
  return {
    name,
    speaks: (model) => listFormats(baseOf(model)),
    endpoint: (wire, { model, stream, headers: client }) =>
      describeEndpoint(wire, {
        url: `${addresses.runtime}/model/${encodeURIComponent(model)}`,
        countUrl: `${addresses.runtime}/model/${encodeURIComponent(baseOf(model))}/count-tokens`,
        base: baseOf(model),
        stream,
        betas: [...operatorBetas, ...splitBetas(client?.get("anthropic-beta"))],
      }),
    headers: { ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }), ...headers },
    ...(apiKey !== null ? { authorize: null } : { authorize: makeSigner(settings, tools), signsBody: true as const }),
    requestHeaders: [
      "traceparent",
      "tracestate",
      "x-amzn-bedrock-guardrailidentifier",
      "x-amzn-bedrock-guardrailversion",
      "x-amzn-bedrock-performanceconfig-latency",
      "x-amzn-bedrock-service-tier",
      "x-amzn-bedrock-trace",
    ],
    responseHeaders: ["retry-after", "x-amzn-bedrock-"],
    listing: {
      url: `${addresses.control}/foundation-models`,
      more: [`${addresses.control}/inference-profiles?maxResults=1000`],
      decode: (body) => decodeListing(body, profiles),
    },
    knownModels: [],
    missing: describeMissing(name, options, settings.baseUrl),
    pricing: { vendor: "aws", by: "asked" },
    facts: (model) => findModelFacts(baseOf(model), settings.maxOutputTokens),
    rest: { baseUrl: addresses.runtime, offers: [] },
    answer: null,
  };
}

/** Where the operator names no region, AWS's own addresses tell it. */
function findRegion({ baseUrl, options }: ProviderSettings): string {
  return options["region"] ?? /\bbedrock-runtime[a-z-]*\.([a-z0-9-]+)\./u.exec(baseUrl)?.[1] ?? "us-east-1";
}

/** Models and calls have hosts of their own. */
function findAddresses(settings: ProviderSettings): { runtime: string; control: string } {
  const { baseUrl } = settings;
  const region = findRegion(settings);
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const runtime = baseUrl === "" ? `https://bedrock-runtime.${region}.${domain}` : baseUrl;
  return { runtime, control: runtime.replace("://bedrock-runtime", "://bedrock") };
}

function makeSigner(settings: ProviderSettings, tools: ProviderTools): Provider["authorize"] {
  const { name, options } = settings;
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = options;
  const fixed =
    accessKeyId === undefined || secretAccessKey === undefined
      ? null
      : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return createSigner({
    provider: name,
    service: "bedrock",
    region: findRegion(settings),
    fixed,
    profile: options["profile"],
    nowMs: tools.nowMs,
    monotonicMs: tools.monotonicMs,
  });
}

/** An address names a region too, but only AWS's own does so for certain. */
function describeMissing(name: string, options: ProviderSettings["options"], baseUrl: string): string | null {
  if (options["region"] !== undefined || baseUrl !== "") return null;
  return `Provider "${name}" has no region. Set [provider.${name}] region or AWS_REGION and reload the gateway.`;
}

/** Clients of Claude's own format reach it in that; all others' requests are translated to the one that is for every model. */
function listFormats(base: string): readonly WireId[] {
  if (isEmbedding(base)) return ["openai-embeddings"];
  return findClaude(base) === null
    ? ["bedrock-converse"]
    : ["bedrock-converse", "anthropic-messages", "anthropic-count"];
}

interface Asked {
  url: string;
  countUrl: string;
  base: string;
  stream: boolean;
  betas: readonly string[];
}

function describeEndpoint(wire: WireId, { url, countUrl, base, stream, betas }: Asked): Endpoint {
  switch (wire) {
    case "anthropic-messages":
      return {
        url: `${url}/${stream ? "invoke-with-response-stream" : "invoke"}`,
        remove: ["model", "stream"],
        refusedEmpty: ["tools"],
        // Its client sends only what is new, and everything once it is told so.
        forbidden: { thread: "thread_unsupported_request" },
        ...describeClaude(findClaude(base) ?? base, betas),
        framing: { contentType: EVENT_STREAM, read: readChunkFrames },
        hasForeignErrors: true,
      };
    case "anthropic-count":
      return { url: countUrl, convert: convertCount(findClaude(base) ?? base, betas), hasForeignErrors: true };
    case "openai-embeddings":
      return { url: `${url}/invoke`, convert: convertEmbeddings(base), hasForeignErrors: true };
    default:
      return {
        url: `${url}/${stream ? "converse-stream" : "converse"}`,
        framing: { contentType: EVENT_STREAM, read: readConverseFrames },
      };
  }
}

/** https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html — the very body that would be sent, packed. */
function convertCount(claude: string, betas: readonly string[]): NonNullable<Endpoint["convert"]> {
  const { set, refused, amend } = describeClaude(claude, betas);
  return {
    request(body) {
      const sent: JsonObject = { max_tokens: 1, ...body, ...set, ...amend(body).set };
      for (const field of ["model", "stream", ...refused]) delete sent[field];
      return { input: { invokeModel: { body: Buffer.from(JSON.stringify(sent)).toString("base64") } } };
    },
    answer: ({ inputTokens }) => (typeof inputTokens === "number" ? { input_tokens: inputTokens } : null),
  };
}

/** Models that can be called by their own id, and profiles, whose models are remembered. */
function decodeListing(body: JsonObject, profiles: Map<string, string>): ListedModel[] {
  const models = listObjects(body["modelSummaries"]).flatMap((model) => {
    const id = model["modelId"];
    const isCallable = listTexts(model["inferenceTypesSupported"]).includes("ON_DEMAND");
    const answers = listTexts(model["outputModalities"]).some((kind) => kind === "TEXT" || kind === "EMBEDDING");
    return typeof id === "string" && isCallable && answers ? [describeModel(id)] : [];
  });
  for (const profile of listObjects(body["inferenceProfileSummaries"])) {
    const { inferenceProfileId: id, inferenceProfileArn: arn, type } = profile;
    const behind = listObjects(profile["models"])[0]?.["modelArn"];
    if (typeof id !== "string" || typeof arn !== "string" || typeof behind !== "string") continue;
    profiles.set(id, behind);
    profiles.set(arn, behind);
    models.push(describeModel(type === "APPLICATION" ? arn : id));
  }
  return models;
}

function describeModel(id: string): ListedModel {
  return {
    id,
    createdAt: null,
    ownedBy: id.startsWith("arn:") ? "aws" : (findBaseModel(id).split(".", 1)[0] ?? "aws"),
  };
}

function listObjects(value: JsonObject[string] | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function listTexts(value: JsonObject[string] | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
