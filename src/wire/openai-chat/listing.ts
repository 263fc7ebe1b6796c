// The list of models as OpenAI's clients read it: https://platform.openai.com/docs/api-reference/models — whole, and in one piece.

import type { JsonObject } from "../../ir/index.ts";
import type { ModelEntry, ModelListing } from "../type.ts";

export const listing: ModelListing = {
  paths: ["/v1/models"],
  // Nothing tells these clients from any other: what is nobody else's is theirs.
  isAsked: () => false,
  list: (models) => ({ object: "list", data: models.map(encodeModel) }),
  one: encodeModel,
};

function encodeModel({ id, createdAt, listedAt, ownedBy }: ModelEntry): JsonObject {
  return { id, object: "model", created: createdAt ?? listedAt, owned_by: ownedBy };
}
