// Finds what would stop a launch before any is tried, and the places where members can go.

import * as Effect from "effect/Effect";
import { compareText } from "@muster/core/words/diagnostic";
import type { Blocker, MemberSighting, Places, ProviderError } from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";
import { templateMark, type Expansion, type SetResource } from "@muster/core/words/set";
import type { OciImage, OciSubnet } from "./api.ts";
import type { Facts } from "./connections.ts";
import { placesOf, resolvePlace } from "./places.ts";
import { readTemplate, type OciTemplate, type ScopePlacement } from "./scope.ts";
import { isDead } from "./sighting.ts";

export interface Preflight {
  readonly places: Readonly<Record<string, Places>>;
  readonly blockers: ReadonlyArray<Blocker>;
}

export interface PreflightRequest {
  readonly expansion: Expansion;
  readonly compartmentId: string;
  readonly placement: ScopePlacement;
  readonly members: ReadonlyArray<MemberSighting>;
  /** A person asked that members be replaced. */
  readonly replacing: boolean;
}

/**
 * Resolves each set's places always; asks for image, subnet and fault domains only where something
 * may have to be launched, so that a settled fleet costs no request. Where members are replaced,
 * image and subnet are asked for anew: who went for one that was there minutes ago would be missed.
 */
export const preflight = (facts: Facts, request: PreflightRequest): Effect.Effect<Preflight> =>
  Effect.gen(function* () {
    const asked = askingAnew(facts);
    const checks = yield* Effect.forEach(
      request.expansion.sets,
      (set) => checkSet(willBeReplaced(request, set) ? asked : facts, request, set),
      // One after the other, so that sets that share an image share the answer, too.
      { concurrency: 1 },
    );
    const blockers = new Map<string, Blocker>();
    for (const check of checks) {
      for (const blocker of check.blockers) blockers.set(blocker.message, blocker);
    }
    return {
      places: Object.fromEntries(checks.map((check) => [check.set, check.places])),
      blockers: [...blockers.values()],
    };
  });

/** Asks for each image and subnet once, whatever is remembered of it. */
const askingAnew = (facts: Facts): Facts => {
  const asked = new Set<string>();
  const isFirst = (id: string): boolean => {
    const first = !asked.has(id);
    asked.add(id);
    return first;
  };
  return {
    ...facts,
    image: (id) => facts.image(id, isFirst(id)),
    subnet: (id) => facts.subnet(id, isFirst(id)),
  };
};

interface SetCheck {
  readonly set: string;
  readonly places: Places;
  readonly blockers: ReadonlyArray<Blocker>;
}

const nowhere: Places = { spread: [], fallback: [] };

const checkSet = (
  facts: Facts,
  request: PreflightRequest,
  set: SetResource,
): Effect.Effect<SetCheck> =>
  Effect.gen(function* () {
    const template = yield* readTemplate(set);
    const domains = yield* resolveDomains(facts, request, template);
    const found = {
      set: set.name,
      places: placesOf(domains.names, faultDomains(request), new Map()),
    };
    if (!mayLaunch(request, set)) {
      return { ...found, blockers: domains.blockers };
    }
    const known = yield* knownFaultDomains(facts, request, domains.names);
    return {
      set: set.name,
      places: placesOf(domains.names, faultDomains(request), known),
      blockers: [
        ...domains.blockers,
        ...absentFaultDomains(faultDomains(request), known),
        ...(yield* imageBlockers(facts, template)),
        ...(yield* subnetBlockers(facts, template, domains.names)),
      ],
    };
  }).pipe(
    Effect.catch((error) =>
      Effect.succeed({ set: set.name, places: nowhere, blockers: [blockerOf(error)] }),
    ),
  );

const faultDomains = ({ placement }: PreflightRequest): ReadonlyArray<string> | undefined =>
  placement.faultDomains;

/** Whether a set may need a launch: members missing, to be replaced, or launched beside others. */
const mayLaunch = (request: PreflightRequest, set: SetResource): boolean => {
  const live = liveOf(request, set);
  const template = templateMark(set.template);
  return (
    live.length < set.count ||
    (request.expansion.replace?.maxSurge ?? 0) > 0 ||
    live.some((member) => member.template !== template) ||
    willBeReplaced(request, set)
  );
};

/** Whether members are there that somebody asked to replace, in the document or by hand. */
const willBeReplaced = (request: PreflightRequest, set: SetResource): boolean => {
  const { restart, replace } = request.expansion;
  const live = liveOf(request, set);
  const template = templateMark(set.template);
  return (
    (request.replacing && live.length > 0) ||
    (restart !== undefined && live.some((member) => member.restart !== restart)) ||
    (replace?.onDrift === true && live.some((member) => member.template !== template))
  );
};

const liveOf = ({ members }: PreflightRequest, set: SetResource): ReadonlyArray<MemberSighting> => {
  const names = [set.name, ...(set.previousName === undefined ? [] : [set.previousName])];
  return members.filter(
    (member) => member.name !== null && names.includes(member.name.set) && !isDead(member.phase),
  );
};

interface Domains {
  /** Empty as soon as one of them is not to be found: the document means another place then. */
  readonly names: ReadonlyArray<string>;
  readonly blockers: ReadonlyArray<Blocker>;
}

const resolveDomains = (
  facts: Facts,
  { compartmentId, placement }: PreflightRequest,
  template: OciTemplate,
): Effect.Effect<Domains, ProviderError> =>
  Effect.map(facts.domains(compartmentId), (there) => {
    const asked = placement.availabilityDomains ?? [template.availabilityDomain];
    const field =
      placement.availabilityDomains === undefined
        ? "spec.availabilityDomain"
        : "each of spec.placement.availabilityDomains";
    const found = asked.map((name) => resolvePlace(name, there, field));
    const blockers = found.flatMap((place) =>
      place.ok ? [] : [invalid(place.message, place.remedy)],
    );
    const names = found.flatMap((place) => (place.ok ? [place.name] : []));
    return { names: blockers.length > 0 ? [] : [...new Set(names)], blockers };
  });

/**
 * The fault domains of each availability domain. Where they cannot be read no other place is known
 * than those that the document names, and nothing is wrong with these.
 */
const knownFaultDomains = (
  facts: Facts,
  { compartmentId }: PreflightRequest,
  availabilityDomains: ReadonlyArray<string>,
): Effect.Effect<ReadonlyMap<string, ReadonlyArray<string>>> =>
  Effect.map(
    Effect.forEach(availabilityDomains, (name) =>
      Effect.map(
        Effect.orElseSucceed(facts.faultDomains(compartmentId, name), () => []),
        (found) => [name, found] as const,
      ),
    ),
    (found) => new Map(found),
  );

const absentFaultDomains = (
  asked: ReadonlyArray<string> | undefined,
  known: ReadonlyMap<string, ReadonlyArray<string>>,
): ReadonlyArray<Blocker> =>
  (asked ?? []).flatMap((name) =>
    [...known].flatMap(([availabilityDomain, there]) =>
      there.length === 0 || there.includes(name)
        ? []
        : [
            invalid(
              `${availabilityDomain} has no fault domain ${quote(name)}`,
              `set spec.placement.faultDomains to some of ${[...there].sort(compareText).join(", ")}`,
            ),
          ],
    ),
  );

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
  availabilityDomains: ReadonlyArray<string>,
): Effect.Effect<ReadonlyArray<Blocker>, ProviderError> =>
  Effect.map(facts.subnet(template.subnetId), (subnet) =>
    faultOfSubnet(template.subnetId, subnet, availabilityDomains),
  );

const faultOfSubnet = (
  id: string,
  subnet: OciSubnet | null,
  availabilityDomains: ReadonlyArray<string>,
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
  const others = availabilityDomains.filter((name) => name !== bound);
  if (bound === null || others.length === 0) return [];
  const places = others.join(" and ");
  return [
    invalid(
      `the subnet ${quote(id, maxId)} is only for the availability domain ${bound}, ` +
        `and members go to ${places}`,
      availabilityDomains.length === 1
        ? `name a regional subnet or one of ${places}, or set spec.availabilityDomain to ${bound}`
        : `name a regional subnet, or leave ${places} out of spec.placement`,
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
