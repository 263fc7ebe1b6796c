// A body's text that may not be longer than so many bytes, whatever is said of its length. Knows nothing of who sends it.

/** What is shorter is read at once, which costs least: it comes in a piece or two. */
const MAX_AT_ONCE = 256 * 1024;

/** The body's text, of at most `maxBytes`; null where there is more, and the rest is not read. `progressed`: before the first piece and after each, where it comes in pieces. */
export function readCapped(response: Response, maxBytes: number, progressed?: () => void): Promise<string | null> {
  const { headers } = response;
  const said = headers.get("content-length");
  if (said === null || response.body === null) return readPieces(response, maxBytes, progressed);
  const bytes = Number(said);
  if (bytes > maxBytes) return Promise.resolve(null);
  // Of what comes compressed that is the length on the way: unpacked it may be a thousand times as long, and a million.
  const isWhole = bytes <= (progressed === undefined ? maxBytes : MAX_AT_ONCE) && !headers.has("content-encoding");
  return isWhole ? response.text() : readPieces(response, maxBytes, progressed);
}

async function readPieces(response: Response, maxBytes: number, progressed?: () => void): Promise<string | null> {
  if (response.body === null) return "";
  progressed?.();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    progressed?.();
    if (bytes > maxBytes) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
