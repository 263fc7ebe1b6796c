// `tokligence ledger key`: the public half of the key that signs the books, to be kept elsewhere. Shows nothing of the private one.

import { defineCommand } from "citty";
import { loadConfig } from "../../config/index.ts";
import { toPem } from "../../ledger/index.ts";
import { readKey } from "./key-file.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";
import { print, printJson, say } from "../output.ts";

export default defineCommand({
  meta: {
    name: "key",
    description: "Print the public key that proves the books, with its fingerprint: the gateway's id",
  },
  args: SHARED_ARGS,
  async run({ args }) {
    const { config } = await loadConfig(toLoadOptions(args));
    const { keyFile } = config.ledger;
    const key = readKey(keyFile);
    if (key === null) {
      throw new CliError(`There is no key at ${keyFile} yet.`, {
        exitCode: EXIT.notFound,
        hint: "It is made when the gateway starts for the first time: tokligence serve",
      });
    }
    const pem = toPem(key.publicKey);
    if (args.json === true) {
      const jwk = { kty: "OKP", crv: "Ed25519", x: key.publicKey };
      return printJson({ fingerprint: key.id, algorithm: "Ed25519", public_key: pem, jwk });
    }
    print(pem.trimEnd());
    say(`fingerprint ${key.id}`);
    say("Keep both outside of this machine: tokligence ledger verify --public-key FILE proves the books with it.");
  },
});
