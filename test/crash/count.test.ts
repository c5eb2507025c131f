import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { sweepCase } from "./sweep.ts";

describe("law 3: what the points are", () => {
  for (const command of ["apply", "run"] as const) {
    it.live(`${command}`, () =>
      Effect.gen(function* () {
        const whole = yield* Effect.scoped(sweepCase({ command, successor: "same store" }));
        console.log(command, whole.labels.length, whole.mutations, whole.pushes, JSON.stringify(whole.labels.reduce((a: any, l) => ((a[l] = (a[l] ?? 0) + 1), a), {})));
        const one = yield* Effect.scoped(sweepCase({ command, successor: "same store", at: 20 }));
        console.log(one.labels.slice(-3), one.labels.length);
      }),
    );
  }
});
