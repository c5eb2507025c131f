// Keeps how each fault of the simulator is switched on for the sweep, and what may come of it.

import {
  faultNames,
  faultRuleOf,
  namedFaults,
  seedIds,
  type FaultName,
  type OciSimulatorOptions,
  type ScenarioFault,
} from "@muster/testkit/oci/index";

/** Whether it strikes now and then, so that work goes on, or each time until it is switched off. */
type Mode = "at times" | "always";

export interface FaultCase {
  readonly fault: string;
  /** The fault and this way of it, without its mode. */
  readonly name: string;
  readonly mode: Mode;
  /** Whether every run of it must come to what was asked, or may stop and say why. */
  readonly end: "converges" | "may stop";
  /** The simulator that it happens in; `seed` is what "at times" is drawn from. */
  readonly simulated: (seed: number) => OciSimulatorOptions;
  /** Whether the simulator's log shows each time that it struck. */
  readonly isPlanted: boolean;
  /** Whether OCI calls the document wrong: then `run` waits until a person changes it or consents. */
  readonly callsInvalid: boolean;
  /** The time that a call may take, where the fault lets one hang, in milliseconds. */
  readonly callMillis?: number;
}

/** What muster asks of OCI while it keeps a fleet; a fault of any operation strikes each in turn. */
const asked = [
  "LaunchInstance",
  "ListInstances",
  "TerminateInstance",
  "GetInstance",
  "GetWorkRequest",
  "*",
] as const;

/** A look takes several lists: with higher odds none would ever be whole. */
const oddsOf = (operation: string): number =>
  operation === "*" || operation === "ListInstances" ? 0.1 : 0.3;

const isAsked = (operation: string): boolean => asked.some((one) => one === operation);

/** What a fault cannot do without here: short waits, in the simulator's time or in real time. */
const detailsOf: Partial<Readonly<Record<FaultName, Partial<ScenarioFault>>>> = {
  hang: { forMs: 5_000, times: 2 },
  delay: { forMs: 5 },
  error: { status: 500, code: "InternalServerError" },
  // Machines that die as fast as they are launched would never let a fleet come to rest.
  die: { afterMs: 300, times: 2 },
  stop: { afterMs: 300, times: 2 },
};

const callMillis: Partial<Readonly<Record<FaultName, number>>> = { hang: 250 };

const callInvalid: ReadonlyArray<string> = [
  "cannot-parse",
  "invalid-parameter",
  "missing-parameter",
];

const casesOfFault = (fault: FaultName): ReadonlyArray<FaultCase> => {
  const { operations, takes } = namedFaults[fault];
  const struck = operations === "any" ? asked : operations.filter(isAsked);
  const accepted = takes.includes("accepted") ? [false, true] : [false];
  const patience = callMillis[fault];
  return struck.flatMap((operation) =>
    accepted.flatMap((isAccepted) =>
      (["at times", "always"] as const).map((mode): FaultCase => ({
        fault,
        name: `${fault}${isAccepted ? ", accepted" : ""}, ${operation}`,
        mode,
        end: mode === "always" ? "may stop" : "converges",
        ...(patience === undefined ? {} : { callMillis: patience }),
        isPlanted: true,
        callsInvalid: callInvalid.includes(fault),
        simulated: (seed) => ({
          faultSeed: seed,
          faults: [
            faultRuleOf({
              fault,
              operation,
              ...detailsOf[fault],
              ...(isAccepted ? { accepted: true } : {}),
              ...(mode === "always" ? {} : { probability: oddsOf(operation) }),
            }),
          ],
        }),
      })),
    ),
  );
};

const domain = "Uocm:PHX-AD-1";

/** What the world is like, rather than what happens in it: always on, and never switched off. */
const worlds: Readonly<Record<string, OciSimulatorOptions>> = {
  "spent tokens of the dead": { usedTokenOfDead: "conflict" },
  "404 on terminating again": { terminateAgain: "notFound" },
  "being modified on terminating again": { terminateAgain: "modified" },
  "IncorrectState while provisioning": { terminateProvisioning: "conflict", launchDelayMs: 2_000 },
  "being modified while provisioning": { terminateProvisioning: "modified", launchDelayMs: 2_000 },
  "work requests forbidden": { workRequests: "forbidden" },
  "empty pages": { emptyPages: true, pageSize: 1 },
  "launches pass STARTING": { launchPassesStarting: true, launchDelayMs: 600 },
  "a throttle": { throttle: { perSecond: 9, burst: 4 } },
  "a throttle with retry-after": { throttle: { perSecond: 9, burst: 4, retryAfterSeconds: 0 } },
};

/** Two strangers stand in this domain and compartment, and take their room. */
const fullWorlds: Readonly<Record<string, OciSimulatorOptions>> = {
  "two hosts left": { capacity: [{ availabilityDomain: domain, hosts: 4 }] },
  "two hosts left and told later": {
    capacity: [{ availabilityDomain: domain, hosts: 4, toldBy: "workRequest" }],
  },
  "four hosts left over the fault domains": {
    capacity: [1, 2, 3].map((number) => ({
      availabilityDomain: domain,
      faultDomain: `FAULT-DOMAIN-${number}`,
      hosts: 2,
    })),
  },
  "a service limit": { instanceLimit: 5 },
  "a quota": { quotas: [{ compartmentId: seedIds.compartmentId, instances: 5 }] },
};

const casesOfWorlds = (
  end: FaultCase["end"],
  some: Readonly<Record<string, OciSimulatorOptions>>,
): ReadonlyArray<FaultCase> =>
  Object.entries(some).map(([name, simulated]) => ({
    fault: name,
    name,
    mode: "at times",
    end,
    isPlanted: false,
    callsInvalid: false,
    simulated: () => simulated,
  }));

const skewMillis = 20 * 60_000;

const wrongClock: FaultCase = {
  fault: "a clock that is wrong",
  name: "a clock that is wrong",
  mode: "always",
  end: "may stop",
  isPlanted: false,
  callsInvalid: false,
  simulated: () => ({ wallClock: () => Date.now() + skewMillis }),
};

/** Every fault, each in all its ways. */
export const allFaults: ReadonlyArray<ReadonlyArray<FaultCase>> = [
  ...faultNames.map(casesOfFault),
  ...casesOfWorlds("converges", worlds).map((one) => [one]),
  ...casesOfWorlds("may stop", fullWorlds).map((one) => [one]),
  [wrongClock],
];

/** What all ways of a fault have in common. */
export const nameOf = (ways: ReadonlyArray<FaultCase>): string => ways[0]!.fault;
