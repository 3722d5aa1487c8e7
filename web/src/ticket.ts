/** Finds the ticket in the page's address. Knows the three forms of link, and nothing of sessions. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The ticket of `/<uuid>`, `?connection=<uuid>` or `?connect=<uuid>`. */
export function ticketOf(address: URL): string | null {
  const inPath = address.pathname.split('/').filter(Boolean).at(-1);
  const candidates = [
    address.searchParams.get('connection'),
    address.searchParams.get('connect'),
    inPath ?? null,
  ];
  return candidates.find((candidate) => candidate !== null && UUID.test(candidate)) ?? null;
}
