// `tokligence admin api-keys revoke`: ends one key, or all that are chosen. They stay in the list, with the moment.

import { defineCommand } from "citty";
import { type ApiKey, printKey } from "../../../identity/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { type PlaceFlags, PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { count, print, printJson, printTable, say, startProgress } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { CHOICE_ARGS, readChoice } from "./choice.ts";

export default defineCommand({
  meta: { name: "revoke", description: "Revoke an API key, or all that are chosen" },
  args: {
    id: { type: "string", description: "Id of the key", valueHint: "KEY" },
    ...CHOICE_ARGS,
    "dry-run": { type: "boolean", description: "Say which, and revoke none" },
    yes: { type: "boolean", description: "Do it without asking; many are revoked with it alone" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const choice = readChoice(args);
    const isChosen = Object.values(choice).some((value) => value !== undefined);
    if ((args.id === undefined) === !isChosen) {
      throw new CliError("Say which: one key by --id, or many by --user, --prefix, --tag or --unused-since.", {
        exitCode: EXIT.usage,
        hint: "tokligence admin api-keys revoke --unused-since 90d --dry-run",
      });
    }
    if (args.id !== undefined) return revokeOne(args, args.id, args["dry-run"] === true);
    const dryRun = args["dry-run"] === true || args.yes !== true;
    const progress = startProgress("Revoking");
    const keys = await runAtPlace(args, ({ directory }) =>
      directory.revokeKeys(OPERATOR, choice, { dryRun, progressed: progress.update }),
    ).finally(progress.end);
    tell(args, keys, dryRun);
    if (dryRun && args["dry-run"] !== true && keys.length > 0) {
      throw new CliError(`${count(keys.length, "key")} would be revoked; nothing was done yet.`, {
        exitCode: EXIT.usage,
        hint: "Say --yes to revoke them.",
      });
    }
  },
});

async function revokeOne(flags: PlaceFlags, id: string, dryRun: boolean): Promise<void> {
  const key = await runAtPlace(flags, ({ directory }) =>
    dryRun ? directory.getKey(id) : directory.revokeKey(OPERATOR, id),
  );
  if (flags.json === true) return printJson({ dry_run: dryRun, api_key: printKey(key) });
  print(dryRun ? `API key ${key.id} would be revoked` : `Revoked API key ${key.id}`);
}

function tell(flags: PlaceFlags, keys: readonly ApiKey[], dryRun: boolean): void {
  if (flags.json === true) {
    printJson({ dry_run: dryRun, count: keys.length, api_keys: keys.map(printKey) });
    return;
  }
  if (keys.length > 0) printTable(keys.map(toRow), ["id", "prefix", "user", "name", "tags", "last_used"]);
  if (!dryRun || keys.length === 0) say(`${count(keys.length, "key")} revoked.`);
}

function toRow({ id, prefix, userId, name, tags, lastUsedAt }: ApiKey) {
  return { id, prefix, user: userId, name, tags, last_used: lastUsedAt };
}
