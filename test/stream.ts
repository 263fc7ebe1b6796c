// What a scripted provider streams, and how a test reads what a client was told.

/** An event stream whose pieces the test releases one by one. */
export function makeStream(pieces: readonly string[]): Response {
  const encoder = new TextEncoder();
  return new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(encoder.encode(piece));
        controller.close();
      },
    }),
    { headers: { "content-type": "text/event-stream" } },
  );
}

/** The body as whatever it is: a test looks into it and asserts. */
export async function readJson(response: Response) {
  return JSON.parse(await response.text());
}
