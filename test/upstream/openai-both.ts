// OpenAI as it is: both of its formats under one address.

import { CHAT_DIALECT } from "./openai-chat.ts";
import { makeResponsesDialect } from "./openai-responses.ts";
import { makeStrict, type StrictUpstream } from "./strict.ts";

export function makeStrictOpenai(): StrictUpstream {
  const responses = makeResponsesDialect();
  return makeStrict({
    ...CHAT_DIALECT,
    answer: (received) =>
      received.url.pathname.startsWith("/v1/responses") ? responses.answer(received) : CHAT_DIALECT.answer(received),
  });
}
