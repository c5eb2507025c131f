// The roll of hosts as the crash tests see it: a journey of commands, hosts that answer by a script, and all that a store holds.

import { writeFile } from "node:fs/promises";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import { type AuditDraft, type AuditEntry, type StoreRecord, type StoreShape } from "@muster/core";
import { Prober } from "@muster/core/inventory/refresh";
import { canonicalJson } from "@muster/core/words/canonical";
import type { HostObservation } from "@muster/core/words/host";
import { type CrashPoints, crashingStore } from "@muster/testkit/store/crash";
import { endingOf } from "../../packages/cli/src/exit.ts";
import { runFleetroll } from "../../packages/cli/src/fleetroll.ts";
import { Out, type OutShape } from "../../packages/cli/src/screen/out.ts";
import { plain } from "../../packages/cli/src/screen/paint.ts";
import { defaultWiring, Wiring } from "../../packages/cli/src/wiring.ts";

/** One command of the journey, at a time of its own: whoever takes it up comes at the same time. */
export interface Step {
  readonly name: string;
  readonly args: ReadonlyArray<string>;
  /** What it ends with when nothing happens to it. */
  readonly code: number;
  readonly at: Date;
  readonly answers: Answers;
}

type Answers = Readonly<Record<string, Seen>>;
type Seen = Partial<HostObservation> & { readonly override?: string };

const answered = { reason: null, step: null, message: null };
const role = "gecko_t_linux_talos";
const up: Seen = { contact: answered, facts: { role, overrideSha: null, sudo: "yes" } };
const written = (sha: string): Seen => ({
  contact: answered,
  facts: { role, overrideSha: sha, sudo: "yes" },
  override: "AAEC",
});
const silent: Seen = { contact: { reason: "timeout", step: "tcp", message: "10 s" } };

const first: Answers = { "h-1": up, "h-2": up, "h-3": written("aa"), "h-4": silent, "h-5": up };
/** One fell silent, one answers now, and an override is another one. */
const second: Answers = { ...first, "h-1": silent, "h-3": written("bb"), "h-4": up };

/** Begins with nothing; `folder` is where its seed file stands. */
export const makeJourney = async (folder: string): Promise<ReadonlyArray<Step>> => {
  const file = `${folder}/seeds.txt`;
  await writeFile(file, Object.keys(first).join("\n"));
  const commands: ReadonlyArray<Pick<Step, "args" | "code" | "answers">> = [
    { args: ["inventory", "seed", "sync", "--from-file", file], code: 0, answers: first },
    { args: ["inventory", "refresh", "--concurrency", "2"], code: 6, answers: first },
    { args: ["population", "create", "talos", "--expected-role", role], code: 0, answers: first },
    {
      args: [
        ...["host", "assign-population", "--filter", `role:${role} AND expected_role:null`],
        ...["--population", "talos", "--confirm"],
      ],
      code: 0,
      answers: first,
    },
    { args: ["host", "disable", "h-2", "--reason", "bad disk"], code: 0, answers: first },
    { args: ["inventory", "refresh", "--concurrency", "2"], code: 6, answers: second },
  ];
  return commands.map((command, index) => ({
    ...command,
    name: `${index + 1} ${command.args.slice(0, 3).join(" ")}`,
    at: new Date(Date.UTC(2026, 4, 1, 12, index)),
  }));
};

/** Carries a step out; answers its exit code. */
export const take = (step: Step, store: StoreShape, points: CrashPoints): Effect.Effect<number> =>
  runFleetroll(step.args).pipe(
    Effect.provideService(Out, deafOut),
    Effect.provideService(Wiring, {
      ...defaultWiring,
      openStore: () => Effect.succeed(crashingStore(store, points)),
      prober: () => proberOf(step, points),
    }),
    Effect.provideService(Clock.Clock, clockAt(step.at)),
    Effect.exit,
    Effect.map((exit) => {
      if (Exit.isSuccess(exit)) return 0;
      const failure = exit.cause.reasons[0];
      return failure?._tag === "Fail" ? endingOf(failure.error).code : 3;
    }),
  );

const proberOf = ({ answers, at }: Step, points: CrashPoints) =>
  Layer.succeed(Prober, {
    look: ({ host }) =>
      points.hit(`before look at ${host}`).pipe(
        // Others get their turn, as they do while a host is waited for.
        Effect.andThen(Effect.yieldNow),
        Effect.map(() => {
          const { override = null, ...seen } = answers[host] ?? silent;
          return { observation: { host, at: at.toISOString(), ...seen }, override };
        }),
        Effect.tap(() => points.hit(`after look at ${host}`)),
      ),
  });

/** The real clock, but for what time it says it is. */
const clockAt = (at: Date): Clock.Clock => {
  const real = Effect.runSync(Clock.clockWith(Effect.succeed));
  const millis = at.getTime();
  return Object.assign(Object.create(real) as Clock.Clock, {
    currentTimeMillisUnsafe: () => millis,
    currentTimeMillis: Effect.succeed(millis),
    currentTimeNanosUnsafe: () => BigInt(millis) * 1_000_000n,
    currentTimeNanos: Effect.succeed(BigInt(millis) * 1_000_000n),
  });
};

const deafOut: OutShape = {
  result: () => Effect.void,
  say: () => Effect.void,
  paint: plain,
  paintSaid: plain,
  progress: { onEvent: () => Effect.void, note: () => Effect.void, end: Effect.void },
  env: { USER: "ann" },
  isTerminal: false,
};

/** All that a store holds, but for the seals of its own chain. */
export interface Image {
  readonly shares: ReadonlyMap<string, ReadonlyArray<StoreRecord>>;
  readonly audit: ReadonlyArray<AuditDraft>;
}

export const readImage = (store: StoreShape): Effect.Effect<Image> =>
  Effect.orDie(
    Effect.gen(function* () {
      const shares = new Map<string, ReadonlyArray<StoreRecord>>();
      for (const owner of yield* store.owners) shares.set(owner, yield* store.load(owner));
      return { shares, audit: (yield* store.auditEntries(0, 10_000)).map(unsealed) };
    }),
  );

const unsealed = (entry: AuditEntry): AuditDraft => {
  const seals = new Set(["format", "chain", "seq", "prev", "hash"]);
  const said = Object.entries(entry).filter(([field]) => !seals.has(field));
  return Object.fromEntries(said) as unknown as AuditDraft;
};

/** Fills an empty store. */
export const plantImage = (store: StoreShape, { shares, audit }: Image): Effect.Effect<void> =>
  Effect.orDie(
    Effect.gen(function* () {
      for (const [owner, puts] of shares) yield* store.commit({ owner, puts });
      if (audit.length > 0) yield* store.commit({ owner: audit[0]!.owner, audit });
    }),
  );

export const spell = ({ shares, audit }: Image): string => canonicalJson([[...shares], audit]);
