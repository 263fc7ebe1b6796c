// All addresses of a host, as the runtime finds them. Knows nothing of what they are for.

export async function lookupHost(hostname: string): Promise<string[]> {
  return (await Bun.dns.lookup(hostname)).map(({ address }) => address);
}
