// The faults that a soak switches on one after the other, and how one is recognized in what a daemon says.

import type { FaultAnswer, FaultRule, Operation } from "@muster/testkit/oci/index";

export interface SoakFault {
  readonly name: string;
  readonly rules: ReadonlyArray<FaultRule>;
  /** What the daemon has to say of it; nothing where another try is enough to get over it. */
  readonly words: RegExp | null;
  /** A member is killed when it begins, so that there is something to launch. */
  readonly kills: boolean;
}

const writes: ReadonlyArray<Operation> = ["LaunchInstance", "TerminateInstance", "UpdateInstance"];
const closed = /UND_ERR_SOCKET|ECONNRESET|other side closed/u;

const everywhere = (answer: FaultAnswer): ReadonlyArray<FaultRule> => [{ operation: "*", answer }];
const launches = (answer: FaultAnswer): ReadonlyArray<FaultRule> => [
  { operation: "LaunchInstance", answer },
];

/** One round of all of them; `round` makes the words of each its own. */
export const faultsOf = (round: number): ReadonlyArray<SoakFault> => {
  const refused = (name: string, status: number, code: string): SoakFault => {
    const message = `soak ${name} ${round}`;
    return {
      name,
      rules: everywhere({ status, code, message }),
      words: new RegExp(message, "u"),
      kills: false,
    };
  };
  const launch = (name: string, answer: (message: string) => FaultAnswer): SoakFault => {
    const message = `soak ${name} ${round}`;
    return { name, rules: launches(answer(message)), words: new RegExp(message, "u"), kills: true };
  };
  const passing = (name: string, rules: ReadonlyArray<FaultRule>): SoakFault => ({
    name,
    rules,
    words: null,
    kills: rules.every(({ operation }) => operation !== "*"),
  });
  return [
    passing("every third throttled", [
      {
        operation: "*",
        every: 3,
        answer: { status: 429, code: "TooManyRequests", message: "slower", retryAfterSeconds: 1 },
      },
    ]),
    refused("throttled", 429, "TooManyRequests"),
    passing(
      "lost answers",
      writes.map((operation) => ({ operation, every: 2, answer: "cut" as const })),
    ),
    launch("no capacity", (message) => ({
      status: 500,
      code: "InternalError",
      message: `Out of host capacity. ${message}`,
      when: "acceptance",
    })),
    refused("500", 500, "InternalServerError"),
    passing("every third torn", [{ operation: "*", every: 3, answer: "tear" }]),
    launch("dead on arrival", (message) => ({
      workRequestFails: { code: "InternalError", message },
    })),
    { name: "no network", rules: everywhere("drop"), words: closed, kills: false },
    launch("limit", (message) => ({
      status: 400,
      code: "LimitExceeded",
      message,
      when: "acceptance",
    })),
    passing("short lives", [
      { operation: "LaunchInstance", every: 2, answer: { dies: { afterMs: 400 } } },
    ]),
    refused("not permitted", 404, "NotAuthorizedOrNotFound"),
    passing("late answers", [{ operation: "*", every: 2, answer: { delayMs: 300 } }]),
  ];
};
