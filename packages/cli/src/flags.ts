// The flags that several commands share, spelled once.

import * as Argument from "effect/cli/Argument";
import * as Flag from "effect/cli/Flag";

export const output = Flag.Literals("output", ["human", "json"]).pipe(
  Flag.withAlias("o"),
  Flag.withDescription("How results are printed on stdout"),
  Flag.withDefault("human" as const),
);

export const paths = Argument.String("path").pipe(
  Argument.withDescription(
    "Files or folders with documents; the current folder when none is named",
  ),
  Argument.variadic(),
);

export const store = Flag.String("store").pipe(
  Flag.withDescription(
    "Where records and audit are kept: sqlite:PATH, postgres://USER@HOST/DATABASE or memory: (MUSTER_STORE; by default a file in the user's state folder)",
  ),
  Flag.withMetavar("PLACE"),
  Flag.optional,
);

export const owner = Flag.String("owner").pipe(
  Flag.withDescription("Whose members these are; only members with this mark are ever changed"),
  Flag.withMetavar("NAME"),
  Flag.optional,
);

export const config = Flag.String("config").pipe(
  Flag.withDescription(
    "The operator's muster.config.ts (MUSTER_CONFIG); never looked for by itself",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);
