// Decides what LaunchInstance answers, and makes the instance.

import type { Answer } from "./answer.ts";
import { outOfCapacity, placeFor, refuseForCount } from "./capacity.ts";
import {
  forgetTheOld,
  moveInstance,
  ocid,
  openWorkRequest,
  type Cloud,
  type Instance,
} from "./cloud.ts";
import { answerWith } from "./instances.ts";
import { readLaunch, type Launch } from "./launch-details.ts";
import { launchSteps, type Attributes } from "./lifecycle.ts";
import { answered, endOf, isInVain, type Call, type Decide, type Fate } from "./call.ts";
import { noHostLeft } from "./faults.ts";
import { recordChange } from "./recording.ts";
import { keepToken, readToken, repeatOf, tokenRefusal } from "./repeats.ts";

export const launchInstance: Decide = (cloud, call) => {
  const token = readToken(call);
  if (token === "invalid") return answered(tokenRefusal);
  const repeated = repeatOf(cloud, call, token, "");
  if (repeated !== undefined) return repeated;

  const verdict = readLaunch(call.body, cloud.seed, cloud.settings);
  if ("refusal" in verdict) return answered(verdict.refusal);
  const { launch: asked } = verdict;
  const refusal = refuseForCount(cloud, asked.compartmentId, call.now);
  if (refusal !== undefined) return answered(refusal);
  const placement = placeFor(cloud, asked, cloud.instances.size, call.now);
  if ("full" in placement && placement.full === "answer") return answered(outOfCapacity);

  const { faultDomain } = placement;
  const doom: Fate = "full" in placement ? { workRequestFails: noHostLeft } : {};
  return {
    change: (fate) => launch(cloud, call, { ...asked, faultDomain }, token, { ...fate, ...doom }),
  };
};

const launch = (
  cloud: Cloud,
  call: Call,
  asked: Placed,
  token: string | undefined,
  fate: Fate,
): Answer => {
  forgetTheOld(cloud, call.now);
  const { settings } = cloud;
  const serial = cloud.nextSerial();
  const id = ocid(cloud, "instance", serial);
  const { launch: attributes, placed } = placeLaunch(cloud, asked, serial, id, call.now);
  const end = endOf(fate);
  const instance = moveInstance(
    cloud,
    placed,
    call.now,
    attributes,
    launchSteps(settings, isInVain(end), fate.dies),
  );
  const workRequest = openWorkRequest(
    cloud,
    instance,
    "LaunchInstance",
    call.now,
    settings.launchDelayMs,
    end,
  );
  keepToken(cloud, call, token, "", instance.id, workRequest.id);
  recordChange(cloud, call, instance, attributes, token === undefined ? {} : { token });
  return answerWith(cloud, instance, call.now, { "opc-work-request-id": workRequest.id });
};

/** A launch that has its fault domain. */
type Placed = Launch & { readonly faultDomain: string };

const placeLaunch = (
  cloud: Cloud,
  asked: Placed,
  serial: number,
  id: string,
  now: number,
): { readonly launch: Attributes; readonly placed: Instance } => ({
  launch: {
    displayName: asked.displayName ?? `instance${new Date(now).toISOString().replace(/\D/g, "")}`,
    ...asked.attributes,
  },
  placed: {
    id,
    serial,
    compartmentId: asked.compartmentId,
    availabilityDomain: asked.availabilityDomain,
    faultDomain: asked.faultDomain,
    shape: asked.shape,
    shapeConfig: asked.shapeConfig,
    imageId: asked.imageId,
    ...(asked.bootVolumeSizeInGBs === undefined
      ? {}
      : { bootVolumeSizeInGBs: asked.bootVolumeSizeInGBs }),
    subnetId: asked.subnet.id,
    privateIp: addressOf(cloud, asked.subnet.network, serial),
    // 198.18.0.0/15 is reserved for tests: nobody is at the other end.
    ...(asked.wantsPublicIp ? { publicIp: `198.18.${hostOf(serial)}` } : {}),
    createdAt: now,
    foreign: false,
    history: [],
  },
});

/** The fault domain that the service picks when none is asked for. */
export const pickFaultDomain = (cloud: Cloud, serial: number): string =>
  cloud.seed.faultDomains[serial % cloud.seed.faultDomains.length] ?? "FAULT-DOMAIN-1";

/** The private address of an instance in a subnet that begins with these two numbers. */
export const addressOf = ({ settings }: Cloud, network: string, serial: number): string =>
  `${settings.addresses === "loopback" ? "127.10" : network}.${hostOf(serial)}`;

/** The last two numbers of an address. */
const hostOf = (serial: number): string =>
  `${Math.floor(serial / 250) % 256}.${(serial % 250) + 2}`;
