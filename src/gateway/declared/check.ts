// What a change of a provider may look like, whatever it says, and how it is refused. Knows no store.

import { GatewayError, invalidRequest } from "../../ir/index.ts";
import type { ProviderChange, ProviderFields, SaidSecrets } from "./book.ts";

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/u;
const MAX_COMMENT = 500;
const MAX_FIELDS = 100;
const MAX_LENGTH = 8_192;
const MAX_SECRETS = 50;
const MAX_SECRET_LENGTH = 16_384;

export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw invalidRequest(
    "A provider's name consists of a-z, 0-9, - and _, at most 64 of them, and begins with a letter or a digit.",
    "name",
  );
}

export function checkExpected(
  { name, expected }: ProviderChange,
  { current, standing }: { current: number; standing: number },
): void {
  if (expected === 0 && standing > 0) throw taken(name, standing);
  if (expected !== undefined && expected !== standing && expected !== current) throw stale(name, standing);
}

export function checkComment(comment: string | null | undefined, isSecret: (text: string) => boolean): string | null {
  const text = comment?.trim() ?? "";
  if (isSecret(text)) throw secretSaid("comment");
  if (text.length > MAX_COMMENT) throw invalidRequest(`A comment has at most ${MAX_COMMENT} characters.`, "comment");
  return text === "" ? null : text;
}

export function secretSaid(field: string): GatewayError {
  const message = `${field} holds what looks like a key or a password, and what it says is kept and shown: a key belongs in api_key, or in a header that is named as one.`;
  return invalidRequest(message, field, "secret_in_provider");
}

export function checkSize(fields: ProviderFields, secrets: SaidSecrets): void {
  const entries = Object.entries(fields);
  const length = entries.reduce((sum, [field, text]) => sum + field.length + text.length, 0);
  if (entries.length > MAX_FIELDS || length > MAX_LENGTH) {
    throw invalidRequest(`A provider has at most ${MAX_FIELDS} fields and ${MAX_LENGTH} characters.`);
  }
  const said = Object.entries(secrets);
  if (said.length > MAX_SECRETS) throw invalidRequest(`A provider has at most ${MAX_SECRETS} keys.`);
  for (const [field, text] of said) {
    if (text === "") throw invalidRequest(`${field} is empty; null takes it away.`, field);
    if ((text ?? "").length > MAX_SECRET_LENGTH) {
      throw invalidRequest(`${field} has at most ${MAX_SECRET_LENGTH} characters.`, field);
    }
  }
}

export function missing(name: string): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "provider_not_found",
    message: `There is no provider "${name.slice(0, 100)}" that was declared while the gateway runs.`,
  });
}

export function missingSecret(name: string, field: string): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "key_not_found",
    message: `The provider "${name.slice(0, 100)}" has no ${field.slice(0, 100)} that was set while the gateway runs.`,
  });
}

function taken(name: string, version: number): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "provider_exists",
    message: `There is a provider "${name}" already, in version ${version}; change that one, or choose another name.`,
  });
}

export function stale(name: string, version: number | null): GatewayError {
  const now = version === null ? "" : version === 0 ? " There is none now." : ` It is in version ${version} now.`;
  return new GatewayError({
    kind: "conflict",
    code: "provider_changed",
    message: `The provider "${name}" was changed meanwhile.${now} Look at it again, and say which version is to be changed.`,
  });
}
