// The provider's credentials on a request of ours. Knows no family.

import type { Provider } from "../../provider/index.ts";

export async function authorize(
  provider: Provider,
  request: { method: string; url: string; headers: Record<string, string>; body: string | null },
): Promise<Record<string, string>> {
  if (provider.authorize === null) return request.headers;
  return { ...request.headers, ...(await provider.authorize(request)) };
}
