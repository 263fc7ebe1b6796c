// A notice as a line of the gateway's own log. Knows no other channel.

import type { Send } from "./notice.ts";

export const sendToLog: Send<unknown> = async (_, { subject, data, level }, { log }) => {
  log[level](subject, data);
};
