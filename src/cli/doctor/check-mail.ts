// The mail server: connected to, encrypted and signed in at as for a mail; none is sent.

import { checkMail as tryMail } from "../../notice/index.ts";
import { type Check, adviseTrust, describe, failure, ok } from "./finding.ts";

const PATIENCE_MS = 8_000;

export const checkMail: Check = async ({ config, clean, isOffline }) => {
  const { smtp } = config;
  if (smtp === null) return [ok("smtp_host", "is not set: links are handed out by hand, and no e-mail is sent")];
  const subject = `${smtp.host}:${smtp.port}`;
  if (isOffline) return [ok(subject, "is set; not asked, as nothing outside was to be")];
  try {
    await tryMail(smtp, PATIENCE_MS);
    const how = smtp.username === null ? "without signing in" : "and takes our sign-in";
    return [ok(subject, `answers ${how}`)];
  } catch (error) {
    const found = clean(describe(error));
    return [
      failure(subject, {
        found,
        why: "Sign-in links, invitations and alerts do not arrive.",
        remedy:
          adviseTrust(found) ??
          "Look at smtp_host, smtp_port, smtp_secure, smtp_username and smtp_password, and whether this machine may go there.",
      }),
    ];
  }
};
