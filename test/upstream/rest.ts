// A provider of everything that is no chat, kept in memory: as strict as the real one about credentials, forms and ids, and shared by all who
// hold its one key. Knows no gateway.

import type { UpstreamCall } from "../rig.ts";

export interface KeptObject {
  id: string;
  object: string;
  [field: string]: unknown;
}

export interface RestUpstream {
  answer(call: UpstreamCall): Response | Promise<Response>;
  objects: Map<string, KeptObject>;
  /** Forms as they arrived, in order. */
  forms: Record<string, { text: string; filename: string | null }>[];
}

const PREFIXES: Record<string, string> = {
  batches: "batch",
  containers: "cntr",
  conversations: "conv",
  files: "file",
  jobs: "ftjob",
  uploads: "upload",
  vector_stores: "vs",
  videos: "video",
};

export function makeRestUpstream(key: string, base: string): RestUpstream {
  const objects = new Map<string, KeptObject>();
  const forms: RestUpstream["forms"] = [];
  let serial = 0;

  const refuse = (status: number, message: string, code: string | null = null): Response =>
    Response.json({ error: { message, type: "invalid_request_error", param: null, code } }, { status });

  const make = (collection: string, fields: Record<string, unknown>): KeptObject => {
    const name = collection.split("/").at(-1) ?? "";
    const made = { id: `${PREFIXES[name] ?? name}-${++serial}`, object: name, ...fields };
    objects.set(made.id, made);
    return made;
  };

  const list = (collection: string, query: URLSearchParams): Response => {
    const name = collection.split("/").at(-1);
    const all = [...objects.values()].filter((one) => one.object === name).toReversed();
    const after = query.get("after");
    const start = after === null ? 0 : all.findIndex((one) => one.id === after) + 1;
    if (after !== null && start === 0) return refuse(404, `No object ${after}`);
    const limit = Number(query.get("limit") ?? 20);
    if (limit > 100) return refuse(400, "limit must be at most 100");
    const data = all.slice(start, start + limit);
    return Response.json({
      object: "list",
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: start + limit < all.length,
    });
  };

  return {
    objects,
    forms,
    async answer(call) {
      if (call.headers.get("authorization") !== `Bearer ${key}`) return refuse(401, "Incorrect API key provided");
      const url = new URL(call.url);
      if (!url.href.startsWith(base)) return refuse(404, "Not the root");
      const path = url.pathname.slice(new URL(base).pathname.length);
      let fields: Record<string, unknown> = {};
      if (call.headers.get("content-type")?.startsWith("multipart/") === true) {
        const length = call.headers.get("content-length");
        if (length !== null && Number(length) !== call.bytes.byteLength) return refuse(400, "The length is a lie");
        const form = await new Response(call.bytes, { headers: call.headers }).formData();
        const seen: RestUpstream["forms"][number] = {};
        for (const [name, value] of form.entries()) {
          const text = typeof value === "string" ? value : await value.text();
          seen[name] = { text, filename: typeof value === "string" ? null : value.name };
        }
        forms.push(seen);
        fields = Object.fromEntries(
          Object.entries(seen)
            .filter(([, value]) => value.filename === null)
            .map(([name, value]) => [name, value.text]),
        );
      } else if (call.text !== "") fields = JSON.parse(call.text) as Record<string, unknown>;
      if (path === "/models") return Response.json({ object: "list", data: [] });
      const called = answerCall(path, fields, forms.at(-1) ?? {});
      if (called !== null) return called;
      const collection = [
        "/fine_tuning/jobs",
        "/vector_stores",
        ...Object.keys(PREFIXES).map((name) => `/${name}`),
      ].find((candidate) => path === candidate || path.startsWith(`${candidate}/`));
      if (collection === undefined) return refuse(404, `Invalid URL (${call.method} ${path})`);
      const [id, ...rest] = path.slice(collection.length + 1).split("/");
      if (id === undefined || id === "") {
        if (call.method === "GET") return list(collection, url.searchParams);
        const { file, ...kept } = fields;
        return Response.json(
          make(collection, { ...kept, ...(file === undefined ? {} : { file }), created_at: 1_700_000_000 }),
        );
      }
      const object = objects.get(decodeURIComponent(id));
      if (object === undefined) return refuse(404, `No such object: ${id}`, "not_found");
      if (call.method === "DELETE" && rest.length === 0) {
        objects.delete(object.id);
        return Response.json({ id: object.id, object: `${object.object}.deleted`, deleted: true });
      }
      if (rest[0] === "content")
        return new Response("line 1\nline 2\n", {
          headers: {
            "content-type": "application/octet-stream",
            "content-disposition": 'attachment; filename="a.jsonl"',
          },
        });
      if (rest[0] === "complete")
        return Response.json({ ...object, status: "completed", file: make("/files", { purpose: "batch" }) });
      if (rest[0] === "cancel") return Response.json(Object.assign(object, { status: "cancelled" }));
      if (rest[0] === "remix") return Response.json(make("/videos", { remixed_from_video_id: object.id }));
      if (rest[0] === "files")
        return Response.json({
          id: fields["file_id"] ?? "file-inside",
          object: "vector_store.file",
          vector_store_id: object.id,
        });
      return Response.json(object);
    },
  };
}

/** The calls that leave nothing behind. */
function answerCall(
  path: string,
  fields: Record<string, unknown>,
  form: RestUpstream["forms"][number],
): Response | null {
  switch (path) {
    case "/moderations":
      return Response.json({
        id: "modr-1",
        model: "omni-moderation-2024-09-26",
        results: [{ flagged: false, categories: {}, category_scores: {} }],
      });
    case "/images/generations":
    case "/images/variations":
      return Response.json({ created: 1_700_000_000, data: [{ b64_json: "aGk=" }, { b64_json: "aGk=" }] });
    case "/images/edits":
      return Response.json({
        created: 1_700_000_000,
        data: [{ b64_json: "aGk=" }],
        usage: {
          input_tokens: 350,
          output_tokens: 1_000,
          total_tokens: 1_350,
          input_tokens_details: { text_tokens: 50, image_tokens: 300 },
        },
      });
    case "/audio/speech":
      return new Response(new Uint8Array(40_000).fill(7), { headers: { "content-type": "audio/mpeg" } });
    case "/audio/translations":
      return Response.json({ text: `translated ${form["file"]?.filename ?? ""}` });
    case "/audio/transcriptions":
      if (fields["response_format"] === "srt")
        return new Response("1\n00:00:00,000 --> 00:00:01,000\nHello\n", { headers: { "content-type": "text/plain" } });
      if (fields["model"] === "whisper-1")
        return Response.json({ text: "Hello", usage: { type: "duration", seconds: 7 } });
      return Response.json({
        text: `heard ${form["file"]?.text.length ?? 0} bytes`,
        usage: {
          type: "tokens",
          input_tokens: 120,
          input_token_details: { text_tokens: 20, audio_tokens: 100 },
          output_tokens: 10,
          total_tokens: 130,
        },
      });
    case "/rerank":
      return Response.json({
        id: "r",
        results: [{ index: 0, relevance_score: 0.9 }],
        meta: { billed_units: { search_units: 1 } },
      });
    case "/responses":
      return answerResponse(fields["stream"] === true);
    case "/fine_tuning/alpha/graders/run":
      return Response.json({ reward: 1 });
    default:
      return null;
  }
}

/** An answer for which a container was made in passing. */
function answerResponse(isStream: boolean): Response {
  const response = {
    id: "resp_1",
    object: "response",
    created_at: 1,
    status: "completed",
    model: "gpt-4o",
    output: [
      {
        type: "code_interpreter_call",
        id: "ci_1",
        status: "completed",
        code: "1",
        container_id: "cntr-auto",
        outputs: [],
      },
    ],
    usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  };
  if (!isStream) return Response.json(response);
  const begun = {
    type: "response.created",
    sequence_number: 0,
    response: { ...response, status: "in_progress", output: [] },
  };
  const events = [begun, { type: "response.completed", sequence_number: 1, response }];
  const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}
