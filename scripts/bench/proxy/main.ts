// `main.ts PORT UPSTREAM_PORT`: passes everything on, and gives back what comes. The yardstick for what a gateway adds; as lean as this runtime
// allows (the body as text, not as a stream; the answer as it came).

const [port, upstreamPort] = Bun.argv.slice(2).map(Number);

Bun.serve({
  hostname: "127.0.0.1",
  port: port ?? 0,
  idleTimeout: 0,
  async fetch(request) {
    const { method, url, headers, signal } = request;
    const path = url.slice(url.indexOf("/", "http://".length));
    const body = method === "GET" ? {} : { body: await request.text() };
    return fetch(`http://127.0.0.1:${upstreamPort}${path}`, { method, headers, signal, redirect: "manual", ...body });
  },
});
