// This format's errors are OpenAI's, which other formats share: the door to them. Knows nothing beyond.
export { decodeError, encodeError, encodeErrorFrame } from "../openai-error.ts";
