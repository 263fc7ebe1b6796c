// Signing in, put together from what the gateway has: the door of this folder.

import { findAddress } from "../../config/index.ts";
import type { Config } from "../../config/value.ts";
import { type Admission, type KeyRing, type SignIn, type Tries, LINK_MS } from "../../identity/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Mail, Smtp } from "../../notice/index.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ChangeStore } from "../../store/index.ts";
import type { Route, Socket } from "../route.ts";
import { createFailureRecord } from "./failure.ts";
import { composeLinkMail } from "./mail.ts";
import { makeOutsideRoutes } from "./outside.ts";
import { createPost } from "./post.ts";
import { createIdentityProvider } from "./provider.ts";
import { makeSignInRoutes } from "./routes.ts";
import { createThrottle } from "./throttle.ts";

export { refuseCrossSite } from "./origin.ts";

interface Assembly {
  signIn: SignIn;
  admission: Admission;
  ring: KeyRing;
  config: () => Config;
  sendMail: (smtp: Smtp, mail: Mail) => Promise<void>;
  isContainer: boolean;
  isForeign?: ((socket: Socket) => boolean) | undefined;
  changed: () => Promise<void>;
  clock: Clock;
  log: Log;
  changes: Pick<ChangeStore, "tell">;
  tries: Tries;
}

/** Links on their way. */
export interface LinkMail {
  /** Resolves once every sign-in link that was asked for is sent, or given up. */
  mailed(): Promise<void>;
  /** Sends what waits, for so long at most; from then on nothing is sent. */
  closeMail(graceMs: number): Promise<void>;
}

interface SigningIn {
  routes: Route[];
  mail: LinkMail;
}

export function assembleSignIn(init: Assembly): SigningIn {
  const { signIn, config, sendMail, clock, log } = init;
  const post = createPost({ clock, log, random: Math.random });
  const mailLink = (smtp: Smtp) => (email: string, browser: string) =>
    post.hand(async () => {
      const asked = await signIn.askLink(email, browser);
      if (asked === null) return null;
      // The token stands behind the #, which no server, proxy or log ever sees.
      const link = `${findAddress(config())}/ui/login#${asked.token}`;
      const mail = composeLinkMail(asked.user.email, { link, minutes: LINK_MS / 60_000 });
      return () => sendMail(smtp, mail);
    });
  const door = {
    ...init,
    throttle: createThrottle(init.tries),
    failures: createFailureRecord((by, change) =>
      init.changes.tell(by, change).catch((error: unknown) => {
        log.error("That somebody could not sign in could not be recorded", { error });
      }),
    ),
    nowMs: clock.wallMs,
    publicUrl: () => config().signIn.publicUrl,
    address: () => findAddress(config()),
  };
  const routes = [
    ...makeSignInRoutes({
      ...door,
      async findLocalRoot() {
        const { entry, oidc, smtp, signIn: rules } = config();
        // Who trusts proxies has some, and they look like this machine.
        if (!rules.isLocalRootFree || entry.trustedProxies.length > 0) return null;
        return signIn.findProofless(smtp !== null || oidc !== null);
      },
      mailLink() {
        const { smtp } = config();
        return smtp === null ? null : mailLink(smtp);
      },
      elsewhere: () => config().oidc?.name ?? null,
      listensOn: () => config().http.hostname,
    }),
    ...makeOutsideRoutes({
      ...door,
      provider: createIdentityProvider(clock.monotonicMs),
      settings: () => config().oidc,
      sendsMail: () => config().smtp !== null,
    }),
  ];
  return { routes, mail: { mailed: post.settled, closeMail: post.close } };
}
