// The canonical request for vectors of texts, and its answer. Imports nothing of a vendor.

import type { Extra } from "./request.ts";
import type { Usage } from "./usage.ts";

export interface EmbeddingRequest {
  /** The model's name as the target knows it. */
  model: string;
  /** Each a text, or the model's own tokens of one; one vector each. */
  inputs: (string | number[])[];
  /** Length of the vectors; missing for the model's usual. */
  dimensions?: number;
  /** An opaque id of the end user. */
  user?: string;
  extra: Extra;
}

export interface EmbeddingResponse {
  /** Empty where the format does not say. */
  model: string;
  /** In the order of the inputs. */
  vectors: number[][];
  /** Null where the provider reported none. */
  usage: Usage | null;
}
