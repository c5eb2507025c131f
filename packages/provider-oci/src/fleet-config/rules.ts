// What a FleetConfig must keep beyond its schema: rules between fields.

import { quote } from "@muster/core/words/quote";
import { parseDuration } from "@muster/core/words/duration";
import { parseTime, timeHint } from "@muster/core/words/time";
import type { SpecFault } from "@muster/core/words/kind";
import { rule, type Rule } from "@muster/core/read/rules";
import { isFlexible, shapeOf } from "./shape.ts";
import type { FleetSpec, Group } from "./spec.ts";
import { isReservedTag, ownTagLimit, tagKeyLimit } from "./tags.ts";

const fleetRule = rule<FleetSpec>();

const shapeRule = fleetRule(["shape", "shapeConfig"], (spec) =>
  shapeFaults(spec, ["spec", "shapeConfig"]),
);

const groupShapeRule = fleetRule(["shape", "shapeConfig", "instances"], (spec) =>
  spec.instances.flatMap((group, index) =>
    group.shape === undefined && group.shapeConfig === undefined
      ? []
      : shapeFaults(shapeOf(spec, group), groupPath(index, "shapeConfig")),
  ),
);

const shapeFaults = (
  { shape, shapeConfig }: Pick<FleetSpec, "shape" | "shapeConfig">,
  path: ReadonlyArray<string | number>,
): ReadonlyArray<SpecFault> => {
  if (isFlexible(shape) && shapeConfig === undefined) {
    const hint = `the shape ${quote(shape)} is flexible; say how large, such as "shapeConfig: { ocpus: 1 }"`;
    return [{ path, summary: 'missing field "shapeConfig"', hint }];
  }
  if (!isFlexible(shape) && shapeConfig !== undefined) {
    const summary = `"shapeConfig" stands beside a shape of fixed size, ${quote(shape)}`;
    return [{ path, summary, hint: 'remove it, or choose a shape that ends in ".Flex"' }];
  }
  return [];
};

const subnetRule = fleetRule(["subnetId", "instances"], ({ subnetId, instances }) => {
  const without = instances.filter((group) => group.subnetId === undefined);
  if (subnetId !== undefined || without.length === 0) return [];
  const names = without
    .slice(0, 3)
    .map((group) => quote(group.name))
    .join(", ");
  const more = without.length > 3 ? ` and ${without.length - 3} more` : "";
  const hint = `add it to $.spec, or to each group without one: ${names}${more}`;
  return [{ path: ["spec", "subnetId"], summary: 'missing field "subnetId"', hint }];
});

const authRule = fleetRule(["auth"], ({ auth }) => {
  if (auth.method === "user") return [];
  return (["configFile", "profile"] as const)
    .filter((field) => auth[field] !== undefined)
    .map((field) => ({
      path: ["spec", "auth", field],
      summary: `${quote(field)} is only for the method "user"`,
      hint: 'write "method: user", or remove it',
    }));
});

const suspendRule = fleetRule(["suspend"], ({ suspend }) => {
  if (suspend === undefined || parseTime(suspend.until) !== undefined) return [];
  const path = ["spec", "suspend", "until"];
  const summary = `no calendar or clock has the time ${quote(suspend.until)}`;
  return [{ path, summary, hint: timeHint }];
});

const freeformRule = fleetRule(["freeformTags"], ({ freeformTags }) =>
  Object.keys(freeformTags).flatMap((key) => freeformKeyFault(key) ?? []),
);

const freeformKeyFault = (key: string): SpecFault | undefined => {
  const path = ["spec", "freeformTags", key];
  if (isReservedTag(key)) {
    const summary = `the tag ${quote(key)} is muster's own`;
    return { path, summary, hint: "choose another name; muster sets this one itself" };
  }
  if (key.length >= 1 && key.length <= tagKeyLimit) return undefined;
  const summary = `the tag's name ${quote(key)} has ${key.length} characters`;
  return { path, summary, hint: `names of tags have 1 to ${tagKeyLimit} characters` };
};

const restartTagRule = fleetRule(["restart", "freeformTags"], ({ restart, freeformTags }) => {
  const most = ownTagLimit - 1;
  if (restart === undefined || Object.keys(freeformTags).length <= most) return [];
  const path = ["spec", "freeformTags"];
  const summary = `more than ${most} freeform tags beside "restart"`;
  return [{ path, summary, hint: "the restart is kept in a tag; use defined tags for the rest" }];
});

const longestMillis = 24 * 3_600_000;

const tooLong = (text: string, ...at: readonly [string, string]): ReadonlyArray<SpecFault> => {
  if ((parseDuration(text) ?? 0) <= longestMillis) return [];
  const summary = `${quote(at[1])} is longer than a day`;
  return [{ path: ["spec", ...at], summary, hint: 'write at most "24h"' }];
};

const pauseRule = fleetRule(["rollingRestart"], ({ rollingRestart }) =>
  rollingRestart === undefined ? [] : tooLong(rollingRestart.pause, "rollingRestart", "pause"),
);

const patienceRule = fleetRule(["health"], ({ health }) =>
  health === undefined ? [] : tooLong(health.patience, "health", "patience"),
);

const rollingRule = fleetRule(["rollingRestart"], ({ rollingRestart }) => {
  if (rollingRestart?.maxUnavailable !== 0 || rollingRestart.maxSurge > 0) return [];
  const path = ["spec", "rollingRestart", "maxUnavailable"];
  const summary = '"maxUnavailable" and "maxSurge" are both 0: no member could ever be replaced';
  return [{ path, summary, hint: 'write "maxSurge: 1" to launch first, or "maxUnavailable: 1"' }];
});

const healthRule = fleetRule(["health"], ({ health }) => {
  if (health === undefined || (health.tcp === undefined) !== (health.http === undefined)) return [];
  const path = ["spec", "health"];
  const hint = 'such as "health: { tcp: { port: 22 } }"';
  return health.tcp === undefined
    ? [{ path, summary: 'neither "tcp" nor "http" says how to ask', hint }]
    : [{ path, summary: '"tcp" and "http" stand beside each other', hint: "remove one of them" }];
});

const placementRule = fleetRule(
  ["availabilityDomain", "placement"],
  ({ availabilityDomain, placement = {} }) => {
    const { availabilityDomains, faultDomains } = placement;
    return [
      ...namedTwice("availabilityDomains", availabilityDomains ?? []),
      ...namedTwice("faultDomains", faultDomains ?? []),
      ...(availabilityDomains === undefined
        ? []
        : leftOut(availabilityDomain, availabilityDomains)),
    ];
  },
);

const namedTwice = (
  field: "availabilityDomains" | "faultDomains",
  names: ReadonlyArray<string>,
): ReadonlyArray<SpecFault> =>
  names.flatMap((name, index) => {
    if (names.indexOf(name) === index) return [];
    const path = ["spec", "placement", field, index];
    return [{ path, summary: `${quote(name)} stands there twice`, hint: "remove one of them" }];
  });

/** `AD-1` and `Uocm:PHX-AD-1` may be the same. */
const leftOut = (asked: string, names: ReadonlyArray<string>): ReadonlyArray<SpecFault> => {
  const isSame = (name: string) => name === asked || suffixOf(name, asked) || suffixOf(asked, name);
  if (names.some(isSame)) return [];
  const path = ["spec", "placement", "availabilityDomains"];
  const summary = `"availabilityDomain", ${quote(asked)}, is not among them`;
  return [{ path, summary, hint: "add it, or set availabilityDomain to one of them" }];
};

const suffixOf = (suffix: string, name: string): boolean =>
  name.endsWith(`-${suffix}`) || name.endsWith(`:${suffix}`);

const groupRule = fleetRule(["instances"], ({ instances }) => [
  ...repeatedNames(instances),
  ...previousNames(instances),
]);

const repeatedNames = (groups: ReadonlyArray<Group>): ReadonlyArray<SpecFault> => {
  const firsts = firstIndex(groups, (group) => group.name);
  return groups.flatMap(({ name }, index) => {
    const first = firsts.get(name)!;
    if (first === index) return [];
    const summary = `a group ${quote(name)} is already at $.spec.instances[${first}]`;
    return [{ path: groupPath(index, "name"), summary, hint: "rename one of the two" }];
  });
};

const previousNames = (groups: ReadonlyArray<Group>): ReadonlyArray<SpecFault> => {
  const names = firstIndex(groups, (group) => group.name);
  const claims = firstIndex(groups, (group) => group.previousName);
  return groups.flatMap(({ previousName }, index) => {
    if (previousName === undefined) return [];
    const told = previousNameFault(index, previousName, names, claims);
    return told === undefined ? [] : [{ path: groupPath(index, "previousName"), ...told }];
  });
};

const previousNameFault = (
  index: number,
  previousName: string,
  names: ReadonlyMap<string, number>,
  claims: ReadonlyMap<string, number>,
): Omit<SpecFault, "path"> | undefined => {
  const living = names.get(previousName);
  const shown = `previousName ${quote(previousName)}`;
  if (living !== undefined) {
    const whose = living === index ? "the group's own name" : "another group's name";
    return { summary: `${shown} is ${whose}`, hint: "leave it out, or rename that group" };
  }
  const first = claims.get(previousName)!;
  if (first === index) return undefined;
  return {
    summary: `${shown} is already claimed at $.spec.instances[${first}]`,
    hint: "only one group can take over the members of another",
  };
};

const firstIndex = (
  groups: ReadonlyArray<Group>,
  keyOf: (group: Group) => string | undefined,
): ReadonlyMap<string, number> => {
  const firsts = new Map<string, number>();
  groups.forEach((group, index) => {
    const key = keyOf(group);
    if (key !== undefined && !firsts.has(key)) firsts.set(key, index);
  });
  return firsts;
};

const groupPath = (index: number, field: string): ReadonlyArray<string | number> => [
  "spec",
  "instances",
  index,
  field,
];

export const fleetRules: ReadonlyArray<Rule<FleetSpec>> = [
  shapeRule,
  groupShapeRule,
  subnetRule,
  authRule,
  suspendRule,
  freeformRule,
  restartTagRule,
  rollingRule,
  pauseRule,
  healthRule,
  patienceRule,
  placementRule,
  groupRule,
];
