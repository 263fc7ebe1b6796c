// The executable, and a client that hangs up on it: the provider is hung up on at once, the row tells what was said by then, and the metrics
// agree with the books.

import { expect, test } from "bun:test";
import type { Socket } from "bun";
import { issueKey, serve, waitUntil } from "./binary.ts";

const LIMIT_MS = 250;

interface Row {
  status: number;
  usage_source: string;
  fresh_input_tokens: number;
  output_tokens: number;
}

test("is counted, once, and seen in the metrics", async () => {
  const asked = Promise.withResolvers<Socket>();
  const closed = Promise.withResolvers<number>();
  const upstream = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, bytes) {
        const text = bytes.toString();
        if (text.startsWith("GET ")) socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        else if (text.trimEnd().endsWith("}")) asked.resolve(socket);
      },
      async close(socket) {
        if ((await asked.promise) === socket) closed.resolve(performance.now());
      },
    },
  });
  const gateway = await serve({ config: `[provider.local]\nbase_url = http://127.0.0.1:${upstream.port}/v1\n` });
  try {
    const { token } = await issueKey(gateway);
    const client = new AbortController();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const messages = [{ role: "user", content: "Tell me a story." }];
    const pending = fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers,
      body: JSON.stringify({ model: "local/m", stream: true, messages }),
      signal: client.signal,
    });
    const provider = await asked.promise;
    const delta = { content: "abcdefghijklmnop" };
    const chunk = { id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta }] };
    const text = `data: ${JSON.stringify(chunk)}\n\n`;
    provider.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
    provider.write(`${text.length.toString(16)}\r\n${text}\r\n`);
    await (await pending).body?.getReader().read();
    const leftMs = performance.now();
    client.abort();
    expect((await closed.promise) - leftMs).toBeLessThan(LIMIT_MS);
    const readRows = async (): Promise<Row[]> => {
      const answer = await fetch(`${gateway.url}/api/v1/usage/logs`, { headers });
      return ((await answer.json()) as { entries: Row[] }).entries;
    };
    await waitUntil(async () => (await readRows()).length > 0, "the row");
    expect(await readRows()).toMatchObject([
      { status: 499, usage_source: "estimate", fresh_input_tokens: 4, output_tokens: 4 },
    ]);
    const admin = await issueKey(gateway, "gateway_admin");
    const answer = await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${admin.token}` } });
    const metrics = await answer.text();
    expect(metrics).toContain(
      'tokligence_requests_total{endpoint="chat.completions",provider="local",status="499"} 1\n',
    );
    expect(metrics).toContain("\ntokligence_ledger_rows_per_acknowledged_request 1\n");
    expect(metrics).toContain("\ntokligence_ledger_intents_open 0\n");
    expect((await fetch(`${gateway.url}/metrics`, { headers })).status).toBe(403);
  } finally {
    await gateway.stop();
    upstream.stop(true);
  }
});
