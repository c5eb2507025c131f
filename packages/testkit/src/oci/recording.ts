// Keeps an accepted change in the journal.

import type { Cloud, Instance } from "./cloud.ts";
import type { Attributes } from "./lifecycle.ts";
import type { Call } from "./call.ts";

/** Writes one accepted change down, with who asked for it. */
export const recordChange = (
  cloud: Cloud,
  call: Call,
  instance: Instance,
  attributes: Attributes,
  more: {
    readonly token?: string;
    readonly action?: string;
    readonly preserveBootVolume?: boolean;
  },
): void =>
  cloud.journal.record({
    at: call.now,
    operation: call.operation,
    instanceId: instance.id,
    compartmentId: instance.compartmentId,
    availabilityDomain: instance.availabilityDomain,
    faultDomain: instance.faultDomain,
    displayName: attributes.displayName,
    freeformTags: attributes.freeformTags,
    imageId: instance.imageId,
    requestId: call.requestId,
    userId: call.account.userId,
    clientIp: call.clientIp,
    ...more,
  });
