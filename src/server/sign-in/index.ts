// Signing in, put together from what the gateway has: the door of this folder.

import type { Config } from "../../config/value.ts";
import type { SignIn } from "../../identity/index.ts";
import type { Mail, Smtp } from "../../notice/index.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ChangeStore } from "../../store/index.ts";
import type { Route } from "../route.ts";
import { createFailureRecord } from "./failure.ts";
import { composeLinkMail } from "./mail.ts";
import { makeSignInRoutes } from "./routes.ts";
import { createThrottle } from "./throttle.ts";

export { refuseCrossSite } from "./origin.ts";

interface Assembly {
  signIn: SignIn;
  config: () => Config;
  sendMail: (smtp: Smtp, mail: Mail) => Promise<void>;
  isContainer: boolean;
  limit: () => number;
  changed: () => Promise<void>;
  nowMs: () => number;
  log: Log;
  changes: Pick<ChangeStore, "tell">;
}

export function assembleSignIn({
  signIn,
  config,
  sendMail,
  isContainer,
  limit,
  changed,
  nowMs,
  log,
  changes,
}: Assembly): Route[] {
  const throttle = createThrottle();
  const mailLink = (smtp: Smtp) => (to: string, link: string) => {
    const mail = composeLinkMail(to, { link, minutes: LINK_MINUTES });
    sendMail(smtp, mail).catch((error: unknown) => log.error("A sign-in link could not be sent", { error }));
  };
  return makeSignInRoutes({
    signIn,
    async findLocalRoot() {
      const { smtp, signIn: rules } = config();
      return rules.isLocalRootFree && smtp === null ? signIn.findLoneAdmin() : null;
    },
    mailLink() {
      const { smtp } = config();
      return smtp === null ? null : mailLink(smtp);
    },
    throttle,
    failures: createFailureRecord((by, change) =>
      changes.tell(by, change).catch((error: unknown) => {
        log.error("That somebody could not sign in could not be recorded", { error });
      }),
    ),
    publicUrl: () => config().signIn.publicUrl,
    listensOn: () => config().http.hostname,
    isContainer,
    limit,
    changed,
    nowMs,
  });
}

const LINK_MINUTES = 15;
