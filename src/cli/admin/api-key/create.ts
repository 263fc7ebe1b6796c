// `tokligence admin api-keys create`: a key for a user. Its token is printed here, once, and kept nowhere.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { readDuration, readList, readMoment, refuseValue } from "../../value.ts";

export default defineCommand({
  meta: { name: "create", description: "Create an API key; its token is shown once" },
  args: {
    user: { type: "string", required: true, description: "Id or e-mail of the owner", valueHint: "USER" },
    scopes: { type: "string", description: "What it may do, such as inference,usage:read", valueHint: "A,B" },
    ttl: { type: "string", description: "How long it lives, such as 720h or 30d", valueHint: "TIME" },
    expires: { type: "string", description: "When it ends, such as 2027-01-31T00:00:00Z", valueHint: "MOMENT" },
    name: { type: "string", description: "What it is for", valueHint: "NAME" },
    strict: { type: "boolean", description: "Refuse a request rather than leave out what its provider cannot be told" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { user, name } = args;
    const scopes = readList(args.scopes ?? "");
    const expiresAt = readExpiry(args.ttl, args.expires);
    const { token, key } = await runWithStore(args, ({ directory }) =>
      directory.createKey(OPERATOR, user, { name, scopes, strict: args.strict, expiresAt }),
    );
    if (args.json === true) return printJson({ token, api_key: printKey(key) });
    print(`API key id=${key.id} token=${token}`);
  },
});

/** Undefined: it does not end. */
function readExpiry(ttl: string | undefined, expires: string | undefined): Date | undefined {
  if (ttl !== undefined && expires !== undefined)
    throw refuseValue("expires", "--ttl says it already; give one of them");
  if (expires !== undefined) return readMoment("expires", expires);
  if (ttl === undefined) return undefined;
  const ms = readDuration("ttl", ttl);
  if (ms <= 0) throw refuseValue("ttl", "a key must live for some time; leave it out for a key that does not end");
  return new Date(Date.now() + ms);
}
