// A list of users on its way into the database here, or to a gateway elsewhere, with links for those who are made. Reads no file.

import { findAddress } from "../../../config/index.ts";
import {
  type Directory,
  type ImportRow,
  type RowOutcome,
  type StreamOptions,
  type User,
  createSignIn,
} from "../../../identity/index.ts";
import { OPERATOR, byOperator } from "../../open.ts";
import type { Place } from "../../place.ts";
import { importThere } from "../../remote/import.ts";
import type { HandedLink } from "./import-file.ts";

export interface Importer {
  importStream(source: () => AsyncIterable<ImportRow>, options: StreamOptions): ReturnType<Directory["importStream"]>;
  /** Of all who are made, once they are. */
  linksOf(outcomes: readonly RowOutcome[]): Promise<HandedLink[]>;
}

export function openImporter(place: Place, withLinks: boolean): Importer {
  const { remote } = place;
  if (remote !== null) {
    const links = new Map<string, HandedLink>();
    return {
      importStream: (source, options) => importThere(remote, source, { ...options, ...(withLinks ? { links } : {}) }),
      async linksOf(outcomes) {
        return listMade(outcomes).map(({ id, email }) => {
          const link = links.get(id);
          links.delete(id);
          return link ?? { email, ...NO_LINK };
        });
      },
    };
  }
  const { config, store, directory } = place;
  const signIn = createSignIn({ store: store.identity, now: Date.now });
  const base = findAddress(config);
  return {
    importStream: (source, options) => directory.importStream(OPERATOR, source, options),
    async linksOf(outcomes) {
      const users = listMade(outcomes);
      const made = await signIn.makeLinks(users, byOperator());
      return users.map(({ email }, index) => {
        const { token, of } = made[index] ?? {};
        if (of === undefined) return { email, ...NO_LINK };
        return { email, link: `${base}/ui/login#${token}`, expiresAt: of.expiresAt.toISOString() };
      });
    },
  };
}

const NO_LINK = { link: "", expiresAt: "" };

function listMade(outcomes: readonly RowOutcome[]): User[] {
  return outcomes.flatMap((outcome) => (outcome.kind === "created" ? [outcome.user] : []));
}
