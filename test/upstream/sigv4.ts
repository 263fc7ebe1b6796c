// Checks a signature as Amazon's servers do: the request is signed again, by the book, and compared.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html

import { createHash, createHmac } from "node:crypto";

export interface SignedRequest {
  method: string;
  url: URL;
  headers: Headers;
  text: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** What is wrong with the signature; null where it is right. */
export function findBadSignature({ method, url, headers, text }: SignedRequest, secret: string): string | null {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/u;
  const match = pattern.exec(headers.get("authorization") ?? "");
  if (match === null) return "Missing Authentication Token";
  const [, day = "", region = "", service = "", names = "", given] = match;
  const time = headers.get("x-amz-date") ?? "";
  if (!time.startsWith(day) || !/^\d{8}T\d{6}Z$/u.test(time))
    return "Date in Credential scope does not match x-amz-date";
  const signed = names.split(";");
  if (!signed.includes("host")) return "'Host' must be a 'SignedHeader' in the AWS Authorization.";
  const stray = [...headers.keys()].find((name) => name.startsWith("x-amz-") && !signed.includes(name));
  if (stray !== undefined) return `'${stray}' must be a 'SignedHeader' in the AWS Authorization.`;
  const canonical = [
    method,
    url.pathname.split("/").map(encode).join("/"),
    [...url.searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .toSorted()
      .join("&"),
    ...signed.map(
      (name) => `${name}:${(name === "host" ? url.host : (headers.get(name) ?? "")).trim().replaceAll(/ +/gu, " ")}`,
    ),
    "",
    names,
    headers.get("x-amz-content-sha256") ?? sha256(text),
  ].join("\n");
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [region, service, "aws4_request"].reduce<Buffer>(
    (made, part) => hmac(made, part),
    hmac(`AWS4${secret}`, day),
  );
  const expected = hmac(key, ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n")).toString("hex");
  const isSame = expected === given && (headers.get("x-amz-content-sha256") ?? sha256(text)) === sha256(text);
  return isSame ? null : "The request signature we calculated does not match the signature you provided.";
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/gu,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
