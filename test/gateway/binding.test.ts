// Whose objects are, as several processes of one gateway know it: what one of them binds or gives up, the others go by. On a real database.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { createBindings } from "../../src/gateway/index.ts";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await makeRig();
});
afterEach(() => rig.close());

const ID = "file-1";
const own = (userId: string, provider: string) => ({
  objectId: ID,
  provider,
  userId,
  family: "files",
  createdAt: new Date(),
});

function join() {
  const bindings = createBindings(rig.store.bindings, rig.clock);
  return {
    bindings,
    keeper: (userId: string): Promise<string | null> =>
      bindings.findKeeper(userId, [{ id: ID, isIncidental: false }]).catch(({ code }) => code),
  };
}

test("an id that two providers gave to two users is each one's own, whoever bound it", async () => {
  const [one, other] = [join(), join()];
  const [{ userId: ana }, { userId: ben }] = [await rig.issue(), await rig.issue()];
  await one.bindings.bind([own(ana, "near")]);
  expect([await other.keeper(ana), await other.keeper(ben)]).toEqual(["near", "object_not_found"]);
  await one.bindings.bind([own(ben, "far")]);
  expect([await other.keeper(ana), await other.keeper(ben)]).toEqual(["near", "far"]);
});

test("what one gives up, and another has from then on, is nobody else's a moment later", async () => {
  const [one, other] = [join(), join()];
  const [{ userId: ana }, { userId: ben }] = [await rig.issue(), await rig.issue()];
  await one.bindings.bind([own(ana, "near")]);
  expect(await other.keeper(ana)).toBe("near");
  await one.bindings.unbind("near", ID);
  await one.bindings.bind([own(ben, "near")]);
  rig.clock.advance(1_000);
  expect([await other.keeper(ana), await other.keeper(ben)]).toEqual(["object_not_found", "near"]);
});
