// Draws hosts as the inventory knows them, which random queries are likely to meet: much of each was never seen.

import { defaultDriftThresholds, driftOf } from "@muster/core/inventory/drift";
import type { HostView } from "@muster/core/inventory/host-row";
import { neverSeen, sight } from "@muster/core/inventory/sighting";
import type { HostFacts } from "@muster/core/words/contact";
import type { Host, HostObservation, Population, Worker } from "@muster/core/words/host";
import {
  type Dice,
  oneOf,
  once,
  sampleLabels,
  sampleNow,
  sampleText,
  sampleTimes,
} from "./random.ts";

const drawn = <A>(roll: Dice, times: number, draw: () => A): A | undefined =>
  once(roll, times) ? undefined : draw();

const orNull = <A>(roll: Dice, times: number, draw: () => A): A | null =>
  once(roll, times) ? null : draw();

/** What is not there was not looked at. */
const seen = <A extends object>(pieces: { readonly [K in keyof A]: A[K] | undefined }): A =>
  Object.fromEntries(Object.entries(pieces).filter(([, value]) => value !== undefined)) as A;

const time = (roll: Dice): string => new Date(oneOf(roll, sampleTimes)).toISOString();

const population: Population = {
  name: "a",
  expectedRole: null,
  targetQuery: null,
  description: null,
  workers: { provisioner: "a", workerType: "b" },
  keeper: { by: "cli" },
};

/** A host with up to four looks at it in any order, as it is known at `sampleNow`. */
export const randomHost = (roll: Dice): HostView => {
  const name = sampleText(roll);
  const host = randomWords(roll, name);
  const looks = Array.from({ length: roll(5) }, () => randomLook(roll, name));
  const sighting = looks.reduce(sight, neverSeen(name));
  const drift = driftOf({
    host,
    sighting,
    expectations: { population: host.population === "a" ? population : null, override: null },
    thresholds: defaultDriftThresholds,
    now: sampleNow,
  });
  return { host, sighting, drift, override: orNull(roll, 3, () => randomOverride(roll)) };
};

const randomWords = (roll: Dice, name: string): Host => ({
  address: { host: name },
  discoveredAt: time(roll),
  population: orNull(roll, 2, () => oneOf(roll, ["a", "b", sampleText(roll)])),
  expectedRole: orNull(roll, 2, () => oneOf(roll, ["a", sampleText(roll)])),
  disabled: once(roll, 4) ? { reason: "disk", by: "me", at: time(roll) } : null,
  labels: Object.fromEntries(
    sampleLabels.filter(() => once(roll, 2)).map((label) => [label, sampleText(roll)]),
  ),
});

const randomLook = (roll: Dice, host: string): HostObservation => ({
  host,
  at: time(roll),
  ...seen<Partial<HostObservation>>({
    dns: drawn(roll, 2, () => ({
      addresses: Array.from({ length: roll(3) }, () => sampleText(roll)),
      trouble: null,
    })),
    contact: drawn(roll, 4, () =>
      once(roll, 3)
        ? { reason: "timeout", step: "tcp", message: null }
        : { reason: null, step: null, message: null },
    ),
    facts: drawn(roll, 3, () => randomFacts(roll)),
    worker: drawn(roll, 3, () => orNull(roll, 4, () => randomWorker(roll))),
  }),
});

const randomFacts = (roll: Dice): HostFacts =>
  seen<HostFacts>({
    os: drawn(roll, 4, () => oneOf(roll, ["Ubuntu 22.04.4 LTS", "Darwin 23.4.0", "Windows", "x"])),
    role: drawn(roll, 4, () => orNull(roll, 4, () => oneOf(roll, ["a", sampleText(roll)]))),
    overrideSha: drawn(roll, 4, () => orNull(roll, 2, () => sampleText(roll))),
    sudo: drawn(roll, 4, () => oneOf(roll, ["yes", "no", "unknown"])),
    puppet: drawn(roll, 4, () =>
      orNull(roll, 4, () => ({
        success: orNull(roll, 4, () => once(roll, 2)),
        at: orNull(roll, 4, () => time(roll)),
        sha: orNull(roll, 4, () => sampleText(roll)),
        overrideSha: orNull(roll, 4, () => sampleText(roll)),
      })),
    ),
    bootId: undefined,
    uptimeSeconds: undefined,
  });

const randomWorker = (roll: Dice): Worker => ({
  provisioner: oneOf(roll, ["a", sampleText(roll)]),
  workerType: oneOf(roll, ["b", sampleText(roll)]),
  id: sampleText(roll),
  lastActive: orNull(roll, 4, () => time(roll)),
  quarantined: orNull(roll, 4, () => once(roll, 2)),
});

const randomOverride = (roll: Dice): string =>
  oneOf(roll, [`PUPPET_BRANCH='${sampleText(roll)}'\n`, `PUPPET_BRANCH=a\n`, sampleText(roll)]);
