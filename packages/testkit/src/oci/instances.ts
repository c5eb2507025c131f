// Decides what GetInstance and ListInstances answer, and how an instance is written.

import { invalid, notFound, ok, type Answer } from "./answer.ts";
import { allSeenAt, findInstance, type Cloud, type Instance, type Seen } from "./cloud.ts";
import { lifecycleStates } from "./lifecycle.ts";
import { refuseCompartment, wants } from "./compartment-query.ts";
import { answered, type Decide } from "./call.ts";
import { order, page, type Position } from "./paging.ts";

/** The instance as the API writes it. */
export const instanceView = (cloud: Cloud, { instance, revision }: Seen) => ({
  id: instance.id,
  compartmentId: instance.compartmentId,
  availabilityDomain: instance.availabilityDomain,
  faultDomain: instance.faultDomain,
  region: cloud.seed.regionKey.toLowerCase(),
  displayName: revision.attributes.displayName,
  lifecycleState: revision.state,
  timeCreated: new Date(instance.createdAt).toISOString(),
  shape: instance.shape,
  shapeConfig: instance.shapeConfig,
  imageId: instance.imageId,
  sourceDetails: {
    sourceType: "image",
    imageId: instance.imageId,
    ...(instance.bootVolumeSizeInGBs === undefined
      ? {}
      : { bootVolumeSizeInGBs: instance.bootVolumeSizeInGBs }),
  },
  launchMode: "PARAVIRTUALIZED",
  freeformTags: revision.attributes.freeformTags,
  definedTags: revision.attributes.definedTags,
  metadata: revision.attributes.metadata,
});

/** The answer that carries one instance, with its etag. */
export const answerWith = (
  cloud: Cloud,
  instance: Instance,
  now: number,
  headers: Readonly<Record<string, string>> = {},
): Answer => {
  const seen = findInstance(cloud, instance.id, now);
  return seen === undefined
    ? notFound()
    : ok(instanceView(cloud, seen), { etag: seen.revision.etag, ...headers });
};

export const getInstance: Decide = (cloud, call) => {
  const seen = findInstance(cloud, call.path["instanceId"] ?? "", call.now);
  return answered(
    seen === undefined ? notFound() : ok(instanceView(cloud, seen), { etag: seen.revision.etag }),
  );
};

export const listInstances: Decide = (cloud, call) => {
  const { query } = call;
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  const state = query.get("lifecycleState")?.toUpperCase();
  if (state !== undefined && !(lifecycleStates as readonly string[]).includes(state)) {
    return answered(invalid(`Unknown lifecycleState ${state}`));
  }
  const sorting = sortingOf(query);
  if (sorting === undefined) return answered(invalid("Unknown sortBy or sortOrder"));

  const items = allSeenAt(cloud, call.now - cloud.settings.listLagMs)
    .filter(
      ({ instance, revision }) =>
        wants(call, "compartmentId", instance.compartmentId) &&
        wants(call, "availabilityDomain", instance.availabilityDomain) &&
        wants(call, "displayName", revision.attributes.displayName) &&
        (state === undefined || revision.state === state),
    )
    .map((seen) => ({ seen, position: positionOf(seen, sorting) }));
  items.sort((left, right) => order(left.position, right.position));
  return answered(
    page(
      items,
      (item) => item.position,
      (item) => instanceView(cloud, item.seen),
      query,
      cloud.settings,
    ),
  );
};

interface Sorting {
  readonly by: "TIMECREATED" | "DISPLAYNAME";
  readonly descending: boolean;
}

const sortingOf = (query: URLSearchParams): Sorting | undefined => {
  const by = query.get("sortBy") ?? "TIMECREATED";
  if (by !== "TIMECREATED" && by !== "DISPLAYNAME") return undefined;
  const asked = query.get("sortOrder") ?? (by === "TIMECREATED" ? "DESC" : "ASC");
  if (asked !== "ASC" && asked !== "DESC") return undefined;
  return { by, descending: asked === "DESC" };
};

// The availability domain comes first: the answer is grouped by it and only then sorted.
const positionOf = ({ instance, revision }: Seen, sorting: Sorting): Position => {
  const { displayName } = revision.attributes;
  const key =
    sorting.by === "TIMECREATED"
      ? instance.createdAt * (sorting.descending ? -1 : 1)
      : sorting.descending
        ? reversed(displayName)
        : displayName;
  return [instance.availabilityDomain, key, instance.id];
};

// A text that sorts the other way round; the end mark puts the longer of two prefixes first.
const reversed = (text: string): string =>
  Array.from({ length: text.length }, (_, index) =>
    String.fromCharCode(0xffff - text.charCodeAt(index)),
  ).join("") + "\uffff";
