// Decides what an instance is to a fleet: whose member, by which name, and where in its life.

import { compareText } from "@muster/core/words/diagnostic";
import {
  compareMembers,
  formatMember,
  parseMember,
  type MemberName,
} from "@muster/core/words/member";
import type { MemberPhase, MemberSighting } from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";
import type { OciInstance } from "./api.ts";
import {
  fleetTag,
  memberTag,
  ownTagLimit,
  ownerTag,
  tagKeyLimit,
  restartTag,
  templateTag,
} from "./fleet-config/tags.ts";
import { placeName } from "./places.ts";

/** The free-form tags that muster keeps on its members. The first is the specification's. */
export const marks = {
  fleet: fleetTag,
  owner: ownerTag,
  member: memberTag,
  template: templateTag,
  restart: restartTag,
} as const;

type Tags = Readonly<Record<string, string>>;

/** The marks of a member; a template is marked only where the member was made from it. */
export const marksOf = (member: {
  readonly document: string;
  readonly owner: string;
  readonly name: MemberName;
  readonly template?: string;
  readonly restart?: string;
}): Tags => ({
  [marks.fleet]: member.document,
  [marks.owner]: member.owner,
  [marks.member]: formatMember(member.name),
  ...(member.template === undefined ? {} : { [marks.template]: member.template }),
  ...(member.restart === undefined ? {} : { [marks.restart]: member.restart }),
});

/** What OCI allows: tags on one resource, characters of a key and of a value. */
const limits = { tags: 10, key: tagKeyLimit, value: 256 } as const;

export interface TagFault {
  readonly message: string;
  readonly remedy: string;
}

/** Why OCI would refuse these free-form tags, or nothing. */
export const tagFaultOf = (tags: Tags): TagFault | undefined => {
  const count = Object.keys(tags).length;
  if (count > limits.tags) {
    return {
      message: `an instance has at most ${limits.tags} free-form tags, not ${count}`,
      remedy: `use at most ${ownTagLimit} tags of your own: muster needs the others`,
    };
  }
  for (const [key, value] of Object.entries(tags)) {
    if (key.length === 0 || key.length > limits.key) {
      return {
        message: `the key of the tag ${quote(key)} has ${key.length} characters`,
        remedy: `use 1 to ${limits.key} characters`,
      };
    }
    if (value.length > limits.value) {
      return {
        message: `the value of the tag ${quote(key)} has ${value.length} characters`,
        remedy:
          key === marks.owner
            ? `choose an owner of at most ${limits.value} characters (--owner)`
            : `use at most ${limits.value} characters`,
      };
    }
  }
  return undefined;
};

/** What was seen of a member. */
export const sightingOf = (instance: OciInstance): MemberSighting => {
  const tags = instance.freeformTags;
  const member = tagOf(tags, marks.member);
  return {
    id: instance.id,
    displayName: instance.displayName,
    document: tagOf(tags, marks.fleet) ?? "",
    name: member === null ? null : (parseMember(member) ?? null),
    owner: tagOf(tags, marks.owner),
    phase: phaseOf(instance.lifecycleState),
    createdAt: instance.timeCreated,
    place: placeName(instance.availabilityDomain, instance.faultDomain),
    template: tagOf(tags, marks.template),
    restart: tagOf(tags, marks.restart),
    health: null,
    version: instance.etag,
  };
};

/** The fleet tag of an instance; an empty one is none. */
export const fleetOf = ({ freeformTags }: OciInstance): string | null =>
  tagOf(freeformTags, marks.fleet);

/** Whether an instance carries the fleet tag of one of these documents. */
export const belongsTo = (instance: OciInstance, documents: ReadonlyArray<string>): boolean => {
  const fleet = fleetOf(instance);
  return fleet !== null && documents.includes(fleet);
};

// A key such as `__proto__` is data here.
const tagOf = (tags: Tags, key: string): string | null =>
  Object.hasOwn(tags, key) && tags[key] !== "" ? (tags[key] ?? null) : null;

/** Where in its life an instance is; a state that is new to us is `unknown`, never dead. */
export const phaseOf = (lifecycleState: string): MemberPhase => {
  switch (lifecycleState) {
    case "PROVISIONING":
    case "STARTING":
      return "starting";
    case "RUNNING":
    case "MOVING":
    case "CREATING_IMAGE":
      return "running";
    case "STOPPING":
    case "STOPPED":
      return "stopped";
    case "TERMINATING":
      return "leaving";
    case "TERMINATED":
      return "gone";
    default:
      return "unknown";
  }
};

/** Dead or dying: it will never serve again. */
export const isDead = (phase: MemberPhase): boolean => phase === "leaving" || phase === "gone";

/** By name, nameless last, then age, then identifier: never by the order of an answer. */
export const compareSightings = (a: MemberSighting, b: MemberSighting): number => {
  if (a.name === null || b.name === null) {
    if (a.name !== b.name) return a.name === null ? 1 : -1;
  } else {
    const byName = compareMembers(a.name, b.name);
    if (byName !== 0) return byName;
  }
  return compareText(a.createdAt, b.createdAt) || compareText(a.id, b.id);
};
