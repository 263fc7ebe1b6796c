// A gateway before two providers of everything that is no chat, and SDKs with keys of users of their own. Judges nothing.

import OpenAI from "openai";
import { createDatabase } from "../postgres.ts";
import { OPENAI_KEY, type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { type RestUpstream, makeRestUpstream } from "../upstream/rest.ts";

const SECOND_KEY = "sk-canary-second-0123456789";

interface Scene {
  rig: Rig;
  upstream: RestUpstream;
  second: RestUpstream;
  /** The SDK with a key of a user of its own. */
  connect(): Promise<OpenAI>;
}

let scene: Scene | null = null;

/** To be called after each test. */
export async function closeScene(): Promise<void> {
  await scene?.rig.close();
  scene = null;
}

export async function open(engine: "postgres" | "sqlite" = "sqlite"): Promise<Scene> {
  const dsn = engine === "postgres" ? await createDatabase() : null;
  const upstream = makeRestUpstream(OPENAI_KEY, "http://openai.test/v1");
  const second = makeRestUpstream(SECOND_KEY, "http://second.test/v1");
  const rig = await makeRig({
    upstream: (call) => (call.url.startsWith("http://second.test") ? second : upstream).answer(call),
    config: (config) => ({
      ...config,
      ...(dsn === null ? {} : { identityPath: dsn, ledgerPath: dsn }),
      providers: [
        ...config.providers.filter(({ name }) => name !== "local"),
        makeProviderSettings({
          name: "second",
          kind: "openai",
          baseUrl: "http://second.test/v1",
          apiKey: SECOND_KEY,
          needsApiKey: true,
        }),
      ],
      defaultRoutes: [
        ...config.defaultRoutes,
        { pattern: "whisper-*", targets: [{ provider: "openai", model: null }], origin: "default" },
      ],
      aliases: [
        { pattern: "ears", target: "openai/gpt-4o-transcribe", origin: "test" },
        { pattern: "second-ears", target: "second/gpt-4o-transcribe", origin: "test" },
        { pattern: "brush", target: "gpt-image-1", origin: "test" },
      ],
    }),
  });
  const connect = async (): Promise<OpenAI> => {
    const { token } = await rig.issue();
    return new OpenAI({ apiKey: token, baseURL: "http://gateway.test/v1", maxRetries: 0, fetch: rig.fetch });
  };
  scene = { rig, upstream, second, connect };
  return scene;
}

/** What an SDK's call ends in. */
export async function refusalOf(attempt: () => PromiseLike<unknown>): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    return String(error);
  }
  return "no refusal";
}
