// Proves to AWS who asks: signature version 4 with the keys of the settings, or with those that AWS's own chain finds (profiles, single
// sign-on, web identity, containers, machines). Knows no service's formats.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html

import { GatewayError } from "../ir/index.ts";
import type { ProviderTools } from "./kind.ts";
import { type Token, keepToken } from "./token.ts";
import type { OutgoingRequest } from "./type.ts";

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

interface SignerInit extends Pick<ProviderTools, "monotonicMs" | "nowMs"> {
  provider: string;
  service: string;
  region: string;
  /** Keys that were given; null to ask the chain. */
  fixed: Credentials | null;
  /** The chain's profile, where the operator names one. */
  profile: string | undefined;
  /** How long the chain may take: a program that it runs may wait for somebody who is not there. */
  patienceMs?: number;
}

const PATIENCE_MS = 30_000;

/** The headers that sign a request; its body must be sent exactly as it was given. Keys are fetched once and kept until shortly before they end. */
export function createSigner(init: SignerInit): (request: OutgoingRequest) => Promise<Record<string, string>> {
  const { fixed, nowMs } = init;
  const derivedKeys = new Map<string, ArrayBuffer>();
  const find = fixed === null ? keepToken(init, () => askChain(init)) : () => Promise.resolve(fixed);

  return async ({ method, url, headers, body }) => {
    const credentials = await find();
    const { AwsV4Signer } = await import("aws4fetch");
    // Few days' worth at most: the keys of the past are of no use.
    if (derivedKeys.size > 8) derivedKeys.clear();
    const signer = new AwsV4Signer({
      method,
      url,
      headers: pickSigned(headers),
      body,
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      service: init.service,
      region: init.region,
      cache: derivedKeys,
      datetime: new Date(nowMs()).toISOString().replaceAll(/[:-]|\.\d{3}/gu, ""),
    });
    const signed = await signer.sign();
    return Object.fromEntries(
      ["authorization", "x-amz-date", "x-amz-security-token"].flatMap((name) => {
        const value = signed.headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
  };
}

/** Only what must be: a proxy on the way may change the rest. */
function pickSigned(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase().startsWith("x-amz-")));
}

async function askChain({
  provider,
  profile,
  region,
  nowMs,
  patienceMs = PATIENCE_MS,
}: SignerInit): Promise<Token<Credentials>> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`The chain took longer than ${patienceMs / 1000} s.`)), patienceMs);
  try {
    const find = defaultProvider({
      ...(profile === undefined ? {} : { profile }),
      clientConfig: { region },
    });
    const value = await Promise.race([find(), late]);
    const endMs = value.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    return { value, lifeMs: endMs - nowMs() };
  } catch (error) {
    throw new GatewayError({
      kind: "not_configured",
      message:
        `Provider "${provider}" found no AWS credentials. Set its api_key, or access_key_id and secret_access_key, ` +
        "or make AWS's own chain find some (a profile, single sign-on, a role), and try again.",
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
