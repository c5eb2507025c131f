// Decides which availability domain a document means: one, or none with the names it may use.

import { quote } from "@muster/core/words/quote";

export type Place =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

/**
 * The availability domain with exactly this name, or the only one that ends with `-` or `:` and
 * this suffix (`AD-1` means `Uocm:PHX-AD-1`). Never a guess: the wrong one would spread a fleet where
 * nobody asked for it.
 */
export const resolvePlace = (asked: string, domains: ReadonlyArray<string>): Place => {
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
        : `set spec.availabilityDomain to one of ${names}`,
  };
};
