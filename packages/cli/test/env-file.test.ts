// Checks what a shell reads of a file of variables: exactly what was written, whatever is in it.

import { execFileSync } from "node:child_process";
import { expect, it } from "@effect/vitest";
import { envText } from "../src/env-file.ts";

it("gives a shell the exact values, and nothing to carry out", () => {
  const variables = {
    PLAIN: "http://127.0.0.1:8443",
    QUOTED: "/home/o'brien/my fleets/$HOME/`id`\"\\",
    EMPTY: "",
  };
  const read = execFileSync("sh", ["-c", `${envText(variables)}exec env -0`], {
    env: { PATH: process.env["PATH"] },
    encoding: "utf8",
  });
  const seen = Object.fromEntries(
    read.split("\0").map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]),
  );
  expect(seen).toMatchObject(variables);
});
