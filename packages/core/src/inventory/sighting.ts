// Decides what is known of a host after another look: what was seen is new, what was not seen grows old.

import type { HostFacts } from "../words/contact.ts";
import type { HostObservation, Sighting } from "../words/host.ts";

export const neverSeen = (host: string): Sighting => ({ host, lastSeen: null, silence: null });

/**
 * The sighting after this look. Looks may come in any order: each piece keeps its newest time, so
 * one that comes late, or twice, changes nothing that is newer.
 */
export const sight = (before: Sighting, look: HostObservation): Sighting => ({
  ...before,
  ...newer(before, "dns", look.dns, look.at),
  ...newer(before, "contact", look.contact, look.at),
  ...newer(before, "worker", look.worker, look.at),
  ...newerFacts(before, look.facts ?? {}, look.at),
  lastSeen: hasAnswered(look) ? later(before.lastSeen, look.at) : before.lastSeen,
  silence: silenceAfter(before, look),
});

export const hasAnswered = ({ contact }: HostObservation): boolean =>
  contact !== undefined && contact.reason === null;

type Piece = Exclude<keyof Sighting, "host" | "lastSeen" | "silence">;

const newer = (
  before: Sighting,
  piece: Piece,
  value: unknown,
  at: string,
): Readonly<Record<string, unknown>> => {
  const known = before[piece];
  if (value === undefined || (known !== undefined && known.at >= at)) return {};
  return { [piece]: { value, at } };
};

const newerFacts = (before: Sighting, facts: HostFacts, at: string) =>
  Object.assign(
    {},
    ...Object.entries(facts).map(([fact, value]) =>
      newer(before, fact as keyof HostFacts, value, at),
    ),
  ) as Partial<Sighting>;

const later = (a: string | null, b: string): string => (a === null || a < b ? b : a);

/** A look that did not try to reach the host says nothing of its silence. */
const silenceAfter = (before: Sighting, look: HostObservation): Sighting["silence"] => {
  const isOld = before.contact !== undefined && before.contact.at >= look.at;
  if (look.contact === undefined || isOld) return before.silence;
  if (hasAnswered(look)) return null;
  const { looks, since } = before.silence ?? { looks: 0, since: look.at };
  return { looks: looks + 1, since };
};
