// The README of a pack: what each file is, how to check it by hand, and what is and is not disclosed in it. Pure text.

import { FILES } from "./layout.ts";

export function printReadme(fingerprint: string, hasIdentities: boolean): string {
  return `What this is
============

Proof of what a gateway put on record about calls to a provider. Begin with ${FILES.summaryHtml}.

${FILES.summaryHtml}    for people: totals, prices, flagged rows
${FILES.summaryCsv}     the same by day, model and API key
${FILES.rowsCsv}        one line for each row of the books
${FILES.recountsCsv}    the provider's figures beside our own count
${FILES.prices}      prices that rows were booked at, with list and date
${FILES.rows}      the rows, each line the very bytes that its hash covers (RFC 8785)
${FILES.recounts}  the recounts, likewise
${FILES.usage}     the usage as the provider itself reported it, unchanged
${FILES.proof}     the way from row to row to a signed head
${FILES.heads}     the heads: signed statements that a chain had come so far
keys/           public keys (Ed25519)
${FILES.manifest}   SHA-256 of each file, signed in ${FILES.manifestSignature}
${FILES.seal}       SHA-256 of the archive up to itself, signed

Rows whose errorKind is "interrupted" are of calls that a gateway ended over before it could book them. Their latencyMs is 0, which stands for
unknown there, and so do figures of tokens and money that they lack.

How to check it
===============

  tokligence audit verify pack.zip --public-key gateway.pem

needs no network and no configuration. gateway.pem must come from the gateway's operator by another way than this pack. Its fingerprint, the
SHA-256 of the key in DER, has to be

  ${fingerprint}

By hand, with common tools:

  1. sha256sum of each file against ${FILES.manifest}.
  2. The signature of ${FILES.manifest}:
     basenc --base64url -d <(tr -d '\\n' < ${FILES.manifestSignature}; printf ==) > sig
     openssl pkeyutl -verify -pubin -inkey keys/${fingerprint}.pem -rawin -in ${FILES.manifest} -sigfile sig
  3. The chain. The digest of a row is the SHA-256 of its line without the line's end, as base64url. A link is the SHA-256 of
     "<hash of the row before>.<digest>", as base64url. ${FILES.proof} begins each stretch with the hash before it; rows that are not in the pack
     stand there by their digest, the others by their hash. The last link of a stretch is the hash that its head signs; where it
     has none, the one that the manifest gives as the end of the chain.

What it discloses
=================

No text of prompts or answers. Rows in between, of other users or providers, appear as digests, from which nothing can be read.
${hasIdentities ? `${FILES.identities} names the users and keys, for the operator asked for it.` : "Users and API keys are random ids without names or addresses: names can be given with --with-identities."}
Ids are part of what each row's hash covers, so they cannot be replaced without breaking the proof. The same is true of request ids and tags,
which the customer's own programs choose.
`;
}
