// `annotations` of a text ↔ canonical citations. Places count from the start of the same text. Knows no text.

import type { Citation, Json, JsonObject } from "../../ir/index.ts";
import { asExtra, ownFields } from "./body.ts";
import { objectsOf, omit, textOf } from "../json-read.ts";

/** Fields that a citation of a web address always has; a server that leaves one out gets none back. */
const WEB_FIELDS = ["title", "start_index", "end_index"];

export function decodeAnnotations(value: Json | undefined): Citation[] {
  return objectsOf(value).map(decodeAnnotation);
}

export function decodeAnnotation(annotation: JsonObject): Citation {
  const isWeb = annotation["type"] === "url_citation";
  const { url, file_id: fileId, start_index: start, end_index: end } = annotation;
  const title = annotation[isWeb ? "title" : "filename"];
  const own = omit(annotation, ["url", "file_id", "start_index", "end_index", isWeb ? "title" : "filename"]);
  if (isWeb) {
    delete own["type"];
    for (const name of WEB_FIELDS) if (annotation[name] === undefined) own[name] = null;
  }
  return {
    ...(typeof url === "string" ? { url } : {}),
    ...(typeof title === "string" ? { title } : {}),
    ...(typeof fileId === "string" ? { fileId } : {}),
    ...(typeof start === "number" ? { start } : {}),
    ...(typeof end === "number" ? { end } : {}),
    ...asExtra(own),
  };
}

/** Citations of a text of this length; a document of the request, which has no id here, is cited by its title. */
export function encodeAnnotations(citations: readonly Citation[], length: number): JsonObject[] {
  return citations.flatMap((citation) => {
    const own = ownFields(citation.extra);
    if (textOf(own["type"]) !== "") return [encodeOwn(citation, own)];
    const { url, title, fileId, document, start = 0, end = length } = citation;
    if (url !== undefined) {
      const body: JsonObject = { type: "url_citation", end_index: end, start_index: start, title: title ?? "", url };
      return [
        {
          ...omit(own, WEB_FIELDS),
          ...omit(
            body,
            WEB_FIELDS.filter((name) => own[name] === null),
          ),
        },
      ];
    }
    if (fileId === undefined && title === undefined && document === undefined) return [];
    return [{ type: "file_citation", file_id: fileId ?? "", filename: title ?? "", index: end }];
  });
}

function encodeOwn({ url, title, fileId, start, end }: Citation, own: JsonObject): JsonObject {
  return {
    ...own,
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { filename: title }),
    ...(fileId === undefined ? {} : { file_id: fileId }),
    ...(start === undefined ? {} : { start_index: start }),
    ...(end === undefined ? {} : { end_index: end }),
  };
}
