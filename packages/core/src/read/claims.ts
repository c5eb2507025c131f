// Decides who may have a name: a kind and name belong to one document, a previous name to one successor.

import type { DocumentAddress } from "../words/document.ts";
import { compareText, type Diagnostic, type Place } from "../words/diagnostic.ts";
import { formatAddress } from "../words/document.ts";
import { quote } from "../words/quote.ts";

/** A document's claim on its names, sound or not otherwise. */
export interface Claim extends DocumentAddress {
  readonly previousName?: string;
  /** Where each name stands. */
  readonly nameAt: Place;
  readonly previousNameAt: Place;
}

export interface Contested {
  readonly diagnostics: ReadonlyArray<Diagnostic>;
  /** The claims that lost, and those that they fought with. */
  readonly claims: ReadonlySet<Claim>;
}

/** Every claim that another document disputes. Each fault names the other place. */
export const contestedClaims = (claims: ReadonlyArray<Claim>): Contested => {
  const ordered = claims.toSorted((a, b) => comparePlaces(a.nameAt, b.nameAt));
  const byName = groupBy(ordered, formatAddress);
  const diagnostics: Array<Diagnostic> = [];
  const contested = new Set<Claim>();
  for (const same of byName.values()) {
    if (same.length > 1) same.forEach((claim) => contested.add(claim));
    for (const later of same.slice(1)) diagnostics.push(duplicate(later, same[0]!));
  }
  for (const same of groupBy(ordered, previousAddress).values()) {
    const [first, ...others] = same;
    const living = byName.get(previousAddress(first!)!)?.[0];
    for (const claim of living === undefined ? others : same) {
      contested.add(claim);
      diagnostics.push(living === undefined ? taken(claim, first!) : alive(claim, living));
    }
    if (others.length > 0) contested.add(first!);
  }
  return { diagnostics, claims: contested };
};

const previousAddress = ({ kind, previousName }: Claim): string | undefined =>
  previousName === undefined ? undefined : formatAddress({ kind, name: previousName });

const groupBy = (
  claims: ReadonlyArray<Claim>,
  keyOf: (claim: Claim) => string | undefined,
): ReadonlyMap<string, Array<Claim>> => {
  const groups = new Map<string, Array<Claim>>();
  for (const claim of claims) {
    const key = keyOf(claim);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [claim]);
    else group.push(claim);
  }
  return groups;
};

const duplicate = (later: Claim, first: Claim): Diagnostic => ({
  ...later.nameAt,
  severity: "error",
  summary: `${later.kind} ${quote(later.name)} is already defined at ${formatPlace(first.nameAt)}`,
  path: "$.metadata.name",
  hint: "rename one of the two, or remove it",
});

const alive = (claim: Claim, living: Claim): Diagnostic => ({
  ...claim.previousNameAt,
  severity: "error",
  summary: `previousName ${quote(claim.previousName!)} is a document of its own at ${formatPlace(living.nameAt)}`,
  path: "$.metadata.previousName",
  hint: "remove that document, or leave previousName out",
});

const taken = (claim: Claim, first: Claim): Diagnostic => ({
  ...claim.previousNameAt,
  severity: "error",
  summary: `previousName ${quote(claim.previousName!)} is already claimed at ${formatPlace(first.previousNameAt)}`,
  path: "$.metadata.previousName",
  hint: "only one document can take over the members of another",
});

/** `fleet.yaml:7:5`. */
export const formatPlace = (place: Place): string => `${place.file}:${place.line}:${place.column}`;

const comparePlaces = (a: Place, b: Place): number =>
  compareText(a.file, b.file) || a.line - b.line || a.column - b.column;
