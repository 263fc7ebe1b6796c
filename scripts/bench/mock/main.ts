// The provider of the bench as a process of its own; takes its scripts by standard input.

import { answerAll } from "../http/talk.ts";
import type { Script } from "./script.ts";
import { startMock } from "./server.ts";

const mock = startMock(Number(Bun.argv[2] ?? 0));

await answerAll(async ({ script }: { script?: Script }) => {
  if (script !== undefined) mock.follow(script);
  return { port: mock.port, calls: mock.calls() };
});
process.exit(0);
