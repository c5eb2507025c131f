// Keeps the faults that a Taskcluster can have, and which of them strikes the next answer.

/** Each by its name, with what a client sees of it. */
export const taskclusterFaults = {
  throttled: "429 with retry-after: 7",
  "server-error": "500, as for a fault in Taskcluster",
  unavailable: "503 from what stands before Taskcluster, as a page",
  torn: "a success that is cut in its middle",
  cut: "the connection ends without an answer",
  hang: "the connection stays and nothing is answered",
  page: "200 with a page for people, as from another address",
  garbled: "200 with half of a JSON text",
  shapeless: "200 with JSON that is no list of workers",
  endless: "200 that never ends",
  circle: "a list whose next page is the same one",
  echo: "400 that repeats what was sent, the signature too",
  moved: "a redirect to another address",
} as const satisfies Readonly<Record<string, string>>;

export type TaskclusterFault = keyof typeof taskclusterFaults;

export const taskclusterFaultNames = Object.keys(
  taskclusterFaults,
) as ReadonlyArray<TaskclusterFault>;

export interface FaultRule {
  readonly fault: TaskclusterFault;
  /** Only what asks for this pool, such as `releng-hardware/talos`. Default: everything. */
  readonly pool?: string;
  /** Only what asks for this page, 0 for the first. Default: any. */
  readonly page?: number;
  /** How many answers it strikes. Default: every one. */
  readonly times?: number;
}

export interface FaultTable {
  readonly strike: (rule: FaultRule) => void;
  /** From now on nothing strikes. */
  readonly calm: () => void;
  /** The fault of this answer; a rule that names a number of them is used up by that. */
  readonly take: (pool: string, page: number) => TaskclusterFault | undefined;
}

export const makeFaultTable = (rules: ReadonlyArray<FaultRule>): FaultTable => {
  let open = rules.map((rule) => ({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
  return {
    strike: (rule) => {
      open.push({ ...rule, left: rule.times ?? Number.POSITIVE_INFINITY });
    },
    calm: () => {
      open = [];
    },
    take: (pool, page) => {
      const rule = open.find(
        (one) =>
          one.left > 0 &&
          (one.pool === undefined || one.pool === pool) &&
          (one.page === undefined || one.page === page),
      );
      if (rule === undefined) return undefined;
      rule.left -= 1;
      return rule.fault;
    },
  };
};
