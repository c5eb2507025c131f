// A folder of its own for a test, gone with the scope.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Effect from "effect/Effect";

export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "muster-ssh-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
);
