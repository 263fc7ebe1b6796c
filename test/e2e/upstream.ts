// A provider on this machine whose answers the test scripts: it records what reaches it and lists one model.

export interface Received {
  path: string;
  headers: Headers;
  text: string;
  // What a provider is sent is whatever the gateway made: a test looks into it.
  body: Record<string, unknown>;
  signal: AbortSignal;
}

export interface Upstream {
  /** Such as `http://127.0.0.1:49153`. */
  url: string;
  calls: Received[];
  stop(): Promise<void>;
}

export function startUpstream(answer: (received: Received) => Response | Promise<Response>): Upstream {
  const calls: Received[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === "GET") return Response.json({ object: "list", data: [] });
      const text = await request.text();
      const received: Received = {
        path: new URL(request.url).pathname,
        headers: request.headers,
        text,
        body: JSON.parse(text),
        signal: request.signal,
      };
      calls.push(received);
      return answer(received);
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, calls, stop: () => server.stop(true) };
}
