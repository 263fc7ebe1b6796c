// The mail server, from its settings; and what needs one where there is none. Knows no mail.

import type { Smtp } from "../notice/index.ts";
import type { KeyName, Values } from "./key.ts";
import { describeBadValue } from "./problem.ts";
import type { Reading } from "./read.ts";

/** Settings whose targets may be `mailto:`. */
const TELLING = ["budget_alerts", "ledger_anchor"] as const satisfies readonly KeyName[];

export function readSmtp(reading: Reading, values: Values): Smtp | null {
  const refuse = (name: KeyName, message: string): null => {
    const origin = reading.gathered.settings.get(name)?.origin;
    if (origin !== undefined) reading.gathered.problems.push(describeBadValue(origin, name, message));
    return null;
  };
  const { smtp_host: host, smtp_from: given, smtp_username: username, smtp_password: password } = values;
  if (host === null) {
    const wanting = TELLING.find((name) => values[name]?.some(({ kind }) => kind === "mail"));
    return wanting === undefined ? null : refuse(wanting, "mailto: needs a mail server: set smtp_host");
  }
  if (password !== null && username === null) return refuse("smtp_password", "smtp_username is needed too");
  const from = given ?? (username?.includes("@") === true ? username : null);
  // What is wrong with it has been told.
  if (from === null && reading.gathered.settings.has("smtp_from")) return null;
  if (from === null) return refuse("smtp_host", "smtp_from is needed too: the address that our e-mails come from");
  return { host, port: values.smtp_port, username, password, from, security: values.smtp_secure };
}
