// Finds what would stop a launch before any is tried, and the places where members can go.

import * as Effect from "effect/Effect";
import type { Blocker, MemberSighting, Places, ProviderError } from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";
import { templateMark, type Expansion, type SetResource } from "@muster/core/words/set";
import type { OciImage, OciSubnet } from "./api.ts";
import type { Facts } from "./connections.ts";
import { resolvePlace } from "./places.ts";
import { readTemplate, type OciTemplate } from "./scope.ts";
import { isDead } from "./sighting.ts";

export interface Preflight {
  readonly places: Readonly<Record<string, Places>>;
  readonly blockers: ReadonlyArray<Blocker>;
}

export interface PreflightRequest {
  readonly expansion: Expansion;
  readonly compartmentId: string;
  readonly members: ReadonlyArray<MemberSighting>;
}

/**
 * Resolves each set's place always; asks for image and subnet only where something may have to be
 * launched, so that a settled fleet costs no request.
 */
export const preflight = (facts: Facts, request: PreflightRequest): Effect.Effect<Preflight> =>
  Effect.gen(function* () {
    const checks = yield* Effect.forEach(
      request.expansion.sets,
      (set) => checkSet(facts, request, set),
      // One after the other, so that sets that share an image share the answer, too.
      { concurrency: 1 },
    );
    const blockers = new Map<string, Blocker>();
    for (const check of checks) {
      for (const blocker of check.blockers) blockers.set(blocker.message, blocker);
    }
    return {
      places: Object.fromEntries(
        checks.map((check) => [
          check.set,
          { spread: check.place === null ? [] : [check.place], fallback: [] },
        ]),
      ),
      blockers: [...blockers.values()],
    };
  });

interface SetCheck {
  readonly set: string;
  readonly place: string | null;
  readonly blockers: ReadonlyArray<Blocker>;
}

const checkSet = (
  facts: Facts,
  request: PreflightRequest,
  set: SetResource,
): Effect.Effect<SetCheck> =>
  Effect.gen(function* () {
    const template = yield* readTemplate(set);
    const place = yield* placeOf(facts, request.compartmentId, template);
    const needed = mayLaunch(set, request.members);
    const image = needed ? yield* imageBlockers(facts, template) : [];
    const subnet = needed ? yield* subnetBlockers(facts, template, place.name) : [];
    return { set: set.name, place: place.name, blockers: [...place.blockers, ...image, ...subnet] };
  }).pipe(
    Effect.catch((error) =>
      Effect.succeed({ set: set.name, place: null, blockers: [blockerOf(error)] }),
    ),
  );

/** Whether a set may need a launch: members missing, or made from another template. */
export const mayLaunch = (set: SetResource, members: ReadonlyArray<MemberSighting>): boolean => {
  const names = [set.name, ...(set.previousName === undefined ? [] : [set.previousName])];
  const live = members.filter(
    (member) => member.name !== null && names.includes(member.name.set) && !isDead(member.phase),
  );
  const template = templateMark(set.template);
  return live.length < set.count || live.some((member) => member.template !== template);
};

const placeOf = (
  facts: Facts,
  compartmentId: string,
  template: OciTemplate,
): Effect.Effect<
  { readonly name: string | null; readonly blockers: ReadonlyArray<Blocker> },
  ProviderError
> =>
  Effect.map(facts.domains(compartmentId), (domains) => {
    const place = resolvePlace(template.availabilityDomain, domains);
    return place.ok
      ? { name: place.name, blockers: [] }
      : { name: null, blockers: [invalid(place.message, place.remedy)] };
  });

const imageBlockers = (
  facts: Facts,
  template: OciTemplate,
): Effect.Effect<ReadonlyArray<Blocker>, ProviderError> =>
  Effect.map(facts.image(template.imageId), (image) => faultOfImage(template.imageId, image));

const faultOfImage = (id: string, image: OciImage | null): ReadonlyArray<Blocker> => {
  if (image === null) return [absent("image", id, "spec.imageId")];
  if (image.lifecycleState === "AVAILABLE") return [];
  return [
    invalid(
      `the image ${quote(id, maxId)} is ${image.lifecycleState}, not AVAILABLE`,
      "name an image that is available in spec.imageId, or wait until this one is",
    ),
  ];
};

const subnetBlockers = (
  facts: Facts,
  template: OciTemplate,
  place: string | null,
): Effect.Effect<ReadonlyArray<Blocker>, ProviderError> =>
  Effect.map(facts.subnet(template.subnetId), (subnet) =>
    faultOfSubnet(template.subnetId, subnet, place),
  );

const faultOfSubnet = (
  id: string,
  subnet: OciSubnet | null,
  place: string | null,
): ReadonlyArray<Blocker> => {
  if (subnet === null) return [absent("subnet", id, "subnetId")];
  if (subnet.lifecycleState !== "AVAILABLE") {
    return [
      invalid(
        `the subnet ${quote(id, maxId)} is ${subnet.lifecycleState}, not AVAILABLE`,
        "name a subnet that is available, or wait until this one is",
      ),
    ];
  }
  const bound = subnet.availabilityDomain;
  if (bound === null || place === null || bound === place) return [];
  return [
    invalid(
      `the subnet ${quote(id, maxId)} is only for the availability domain ${bound}, ` +
        `and members go to ${place}`,
      `name a regional subnet or one of ${place}, or set spec.availabilityDomain to ${bound}`,
    ),
  ];
};

/** Identifiers are about a hundred characters long. */
const maxId = 255;

const absent = (what: string, id: string, field: string): Blocker => ({
  reason: "Denied",
  message:
    `the ${what} ${quote(id, maxId)} is absent, or this account may not see it: ` +
    "OCI does not say which",
  remedy: `check ${field} and its region, and that a policy lets this account read the ${what}`,
});

const invalid = (message: string, remedy: string): Blocker => ({
  reason: "Invalid",
  message,
  remedy,
});

const blockerOf = (error: ProviderError): Blocker => ({
  reason: error.reason,
  message: `${error.operation}: ${error.message}`,
  remedy: error.remedy ?? "try again later",
});
