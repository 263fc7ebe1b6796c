// The load as a process of its own; what to ask, and for how long, comes by standard input.

import { answerAll } from "../http/talk.ts";
import { type Driver, openDriver } from "./drive.ts";
import type { Aim, Pattern } from "./type.ts";

type Question = { open: { aim: Aim; pattern: Pattern } } | { measure: { seconds: number } } | { close: true };

let driver: Driver | null = null;

await answerAll(async (question: Question) => {
  if ("open" in question) {
    driver = await openDriver(question.open.aim, question.open.pattern);
    return null;
  }
  if ("measure" in question) return driver?.measure(question.measure.seconds);
  driver?.close();
  driver = null;
  return null;
});
process.exit(0);
