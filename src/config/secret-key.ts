// The rows of the table of settings that are about providers set while the gateway runs. Knows no file and no layer.

import { readSealKeys } from "../lib/seal.ts";
import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const SECRET_KEYS = {
  allow_private_providers: {
    about:
      "Whether providers that are added while the gateway runs may lead to private networks, and without https:// to this machine; those of a file may anyway",
    group: "provider",
    type: syntax.boolean,
    fallback: "no",
  },
  secret_key: {
    about:
      "What providers' keys that are set while the gateway runs are encrypted with: 32 bytes in base64 or hex; behind a comma, older ones that still open what was encrypted with them. Unset: secret.key in home, made at first use; gateways that share a database need the same",
    group: "provider",
    type: syntax.defineChecked(
      (text) => readSealKeys(text) !== null,
      'this is no key: make one with "openssl rand -base64 32"',
    ),
    secret: true,
  },
} as const satisfies Record<string, Key>;
