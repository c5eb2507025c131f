// A process of its own for tests: one operator, who says one word after the other, each as a command of its own.
//
// node one-operator.ts COMMANDS   (JSON: a list of argument lists; a line of JSON is printed for each)

import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { endingOf } from "../../src/exit.ts";
import { runFleetroll } from "../../src/fleetroll.ts";
import { Out } from "../../src/screen/out.ts";
import { quietOut } from "../world.ts";

/** What a command answered. */
export interface Said {
  readonly args: ReadonlyArray<string>;
  readonly code: number;
  /** What it printed as its result. */
  readonly result: string;
}

const say = async (args: ReadonlyArray<string>): Promise<Said> => {
  let result = "";
  const out = {
    ...quietOut(process.env as Record<string, string>),
    result: (text: string) => Effect.sync(() => void (result += text)),
  };
  const exit = await Effect.runPromiseExit(
    runFleetroll(args).pipe(Effect.provideService(Out, out)),
  );
  if (Exit.isSuccess(exit)) return { args, code: 0, result };
  const failure = exit.cause.reasons[0];
  const code = failure?._tag === "Fail" ? endingOf(failure.error).code : 3;
  return { args, code, result: String(exit.cause) };
};

for (const args of JSON.parse(process.argv[2] ?? "[]") as ReadonlyArray<ReadonlyArray<string>>) {
  process.stdout.write(`${JSON.stringify(await say(args))}\n`);
}
