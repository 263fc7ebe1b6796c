// Whose an object is and which provider keeps it, remembered for a moment in bounded memory. Knows no SQL and no family.

import type { BindingStore, ObjectBinding } from "../../identity/index.ts";
import { GatewayError, invalidRequest } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Reference } from "../../wire/index.ts";

export interface Bindings {
  /**
   * The provider that keeps all that is named; null where nothing is. Throws not_found for what is not the user's own, and invalid_request
   * where two providers would be needed.
   */
  findKeeper(userId: string, references: readonly Reference[]): Promise<string | null>;
  list(userId: string, family: string): Promise<ObjectBinding[]>;
  bind(bindings: readonly ObjectBinding[]): Promise<void>;
  listUnbooked: BindingStore["listUnbooked"];
  claimBooking: BindingStore["claimBooking"];
  unbind(provider: string, objectId: string): Promise<void>;
}

const MAX_REMEMBERED = 20_000;
/** Another process may give an object up, and a provider its id to somebody else. */
const REMEMBERED_MS = 1_000;
/** Ids come from outside. */
const MAX_ID_LENGTH = 512;

export function createBindings(store: BindingStore, clock: Pick<Clock, "monotonicMs">): Bindings {
  /** Only what is bound: an id that somebody does not own yet may be bound to him in another process at any moment. */
  const remembered = new Map<string, { bindings: readonly ObjectBinding[]; untilMs: number }>();

  const remember = (objectId: string, bindings: readonly ObjectBinding[]): void => {
    remembered.delete(objectId);
    remembered.set(objectId, { bindings, untilMs: clock.monotonicMs() + REMEMBERED_MS });
    if (remembered.size <= MAX_REMEMBERED) return;
    const [oldest = ""] = remembered.keys();
    remembered.delete(oldest);
  };

  const find = async (objectId: string, userId: string): Promise<readonly ObjectBinding[]> => {
    const known = remembered.get(objectId);
    const isFresh = known !== undefined && clock.monotonicMs() < known.untilMs;
    if (isFresh && known.bindings.some((binding) => binding.userId === userId)) return known.bindings;
    if (objectId === "" || objectId.length > MAX_ID_LENGTH) return [];
    const found = await store.find(objectId);
    if (found.length > 0) remember(objectId, found);
    return found;
  };

  const findProvider = async (userId: string, { id, isIncidental }: Reference): Promise<string | null> => {
    const bindings = await find(id, userId);
    const own = bindings.find((binding) => binding.userId === userId);
    if (own !== undefined) return own.provider;
    if (isIncidental && bindings.length === 0) return null;
    throw new GatewayError({
      kind: "not_found",
      code: "object_not_found",
      message: `No object "${id.slice(0, 100)}" of yours is known here. Only what was made through this gateway, by the same user, can be named.`,
    });
  };

  return {
    async findKeeper(userId, references) {
      let keeper: { provider: string; id: string } | null = null;
      for (const reference of references) {
        const provider = await findProvider(userId, reference);
        if (provider === null) continue;
        if (keeper !== null && keeper.provider !== provider) {
          throw invalidRequest(
            `"${keeper.id}" is kept by provider "${keeper.provider}" and "${reference.id}" by "${provider}": one request can name objects of one provider only.`,
            undefined,
            "objects_apart",
          );
        }
        keeper = { provider, id: reference.id };
      }
      return keeper?.provider ?? null;
    },
    list: (userId, family) => store.list(userId, family),
    async bind(bindings) {
      await store.bind(bindings);
      for (const { objectId } of bindings) remembered.delete(objectId);
    },
    listUnbooked: (wanted) => store.listUnbooked(wanted),
    claimBooking: (provider, objectId) => store.claimBooking(provider, objectId),
    async unbind(provider, objectId) {
      await store.unbind(provider, objectId);
      remembered.delete(objectId);
    },
  };
}
