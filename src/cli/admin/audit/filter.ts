// Which changes are meant: the flags that the commands share, and the filter that they make.

import { type ChangeFilter, checkAction } from "../../../audit/index.ts";
import { findZone, UTC } from "../../../lib/zone.ts";
import { findSubject } from "../../../server/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import type { Place } from "../../place.ts";
import { readMomentOrAge, refuseValue } from "../../value.ts";

export const FILTER_ARGS = {
  actor: {
    type: "string",
    description: "Made by this user (id or e-mail), key (id), or operator, configuration, gateway, visitor",
    valueHint: "WHO",
  },
  action: { type: "string", description: "Such as user.create, or user for all of them", valueHint: "ACTION" },
  subject: {
    type: "string",
    description: "Of this user (id or e-mail), key, budget, route …, or of this kind: user, key …",
    valueHint: "WHAT",
  },
  from: { type: "string", description: "No earlier than this moment, or this long ago (24h, 7d)", valueHint: "WHEN" },
  to: { type: "string", description: "Before this moment, or this long ago", valueHint: "WHEN" },
  tz: { type: "string", description: "Time zone of what has none said, such as Europe/Berlin", valueHint: "ZONE" },
  ...PLACE_ARGS,
} as const;

type Flags = { [Name in "action" | "actor" | "from" | "subject" | "to" | "tz"]?: string | undefined };

export async function readFilter(flags: Flags, { remote, directory }: Place): Promise<ChangeFilter> {
  const filter: ChangeFilter = {};
  const zone = flags.tz === undefined ? UTC : findZone(flags.tz);
  if (zone === null) throw refuseValue("tz", `${JSON.stringify(flags.tz)} is no time zone, such as Europe/Berlin`);
  const now = Date.now();
  for (const name of ["from", "to"] as const) {
    const text = flags[name];
    if (text !== undefined) filter[name] = readMomentOrAge(name, text, now, zone);
  }
  if (filter.from !== undefined && filter.to !== undefined && filter.from >= filter.to)
    throw refuseValue("from", "it must be before --to");
  for (const name of ["action", "actor", "subject"] as const) {
    const text = flags[name]?.trim();
    if (text === "") throw refuseValue(name, "it must not be empty");
    if (text !== undefined) filter[name] = text;
  }
  // A gateway elsewhere may be of another edition: it knows what it records.
  if (remote === null && filter.action !== undefined) checkAction(filter.action);
  if (remote === null && filter.subject !== undefined) filter.subject = await findSubject(filter.subject, directory);
  return filter;
}
