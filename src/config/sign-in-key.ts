// The rows of the table of settings that are about signing in. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const SIGN_IN_KEYS = {
  public_url: {
    about:
      "The address by which people reach this gateway: links in e-mails begin with it; unset: with this machine's own address",
    group: "identity",
    type: syntax.baseUrl,
    example: "https://gateway.example.com",
    restart: true,
  },
  root_loopback_login: {
    about:
      "Whether the root administrator, while there is no other and no mail server, signs in without a link on this very machine, where the gateway listens on 127.0.0.1 alone",
    group: "identity",
    type: syntax.boolean,
    fallback: "yes",
  },
} as const satisfies Record<string, Key>;
