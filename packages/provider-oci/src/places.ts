// Decides which availability domains a document means, and the places where its members can go.

import { compareText } from "@muster/core/words/diagnostic";
import type { Places } from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";

/** An availability domain, or one of its fault domains as `Uocm:PHX-AD-1/FAULT-DOMAIN-2`. */
export const placeName = (availabilityDomain: string, faultDomain: string | null): string =>
  faultDomain === null ? availabilityDomain : `${availabilityDomain}/${faultDomain}`;

export interface PlacedIn {
  readonly availabilityDomain: string;
  /** Nothing: OCI chooses. */
  readonly faultDomain: string | null;
}

export const placedIn = (place: string): PlacedIn => {
  const slash = place.indexOf("/");
  return slash === -1
    ? { availabilityDomain: place, faultDomain: null }
    : { availabilityDomain: place.slice(0, slash), faultDomain: place.slice(slash + 1) };
};

/** Whether what runs at `there` may have been launched into `place`. */
export const isWithin = (there: string, place: string): boolean =>
  there === place || placedIn(there).availabilityDomain === place;

/**
 * Members are spread over the domains that are asked for: first over the availability domains, so
 * that the first few slots share none. What has no capacity is left for the other fault domains of
 * the same availability domains, and never for one that the document does not name.
 */
export const placesOf = (
  availabilityDomains: ReadonlyArray<string>,
  faultDomains: ReadonlyArray<string> | undefined,
  known: ReadonlyMap<string, ReadonlyArray<string>>,
): Places => {
  const spread = (faultDomains ?? [null]).flatMap((faultDomain) =>
    availabilityDomains.map((availabilityDomain) => placeName(availabilityDomain, faultDomain)),
  );
  const everywhere = availabilityDomains.flatMap((availabilityDomain) =>
    [...(known.get(availabilityDomain) ?? [])]
      .sort(compareText)
      .map((faultDomain) => placeName(availabilityDomain, faultDomain)),
  );
  return { spread, fallback: everywhere.filter((place) => !spread.includes(place)) };
};

export type Place =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

/**
 * The availability domain with exactly this name, or the only one that ends with `-` or `:` and
 * this suffix (`AD-1` means `Uocm:PHX-AD-1`). Never a guess: the wrong one would spread a fleet where
 * nobody asked for it.
 */
export const resolvePlace = (
  asked: string,
  domains: ReadonlyArray<string>,
  field = "spec.availabilityDomain",
): Place => {
  if (domains.includes(asked)) return { ok: true, name: asked };
  const matches = domains.filter(
    (domain) => domain.endsWith(`-${asked}`) || domain.endsWith(`:${asked}`),
  );
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return { ok: true, name: only };
  const names = [...(matches.length > 0 ? matches : domains)].sort().join(", ");
  return {
    ok: false,
    message:
      matches.length > 0
        ? `the availability domain ${quote(asked)} may be any of ${names}`
        : `there is no availability domain ${quote(asked)}`,
    remedy:
      names === ""
        ? "check compartment and region: they show no availability domain at all"
        : `set ${field} to one of ${names}`,
  };
};
