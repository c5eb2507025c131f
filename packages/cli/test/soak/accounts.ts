// Holds what failed by the simulator's and the audit's accounts against what the daemon told of it.

import * as Effect from "effect/Effect";
import type { AuditEntry } from "@muster/core";
import type { RequestEntry } from "@muster/testkit/oci/index";
import { openSqliteStore } from "@muster/store-sql";
import type { Started, World } from "../world.ts";

export const isFailed = ({ status, operation }: RequestEntry): boolean =>
  status === 0 || (status >= 400 && !(status === 404 && asksForOne(operation)));

/** That it is not there is an answer, too. */
const asksForOne = (operation: string): boolean =>
  operation.startsWith("Get") || operation === "TerminateInstance";

export const struck = ({ simulator }: World): number =>
  simulator.requests().filter(({ fault }) => fault !== undefined).length;

/** Calls of OCI that failed, and stand under no reason in what is told to Prometheus. */
export const uncounted = ({ simulator }: World, exposition: string): ReadonlyArray<string> =>
  [...Map.groupBy(simulator.requests().filter(isFailed), ({ operation }) => operation)].flatMap(
    ([operation, failed]) => {
      const told = exposition
        .split("\n")
        .filter(
          (line) =>
            line.startsWith("muster_provider_call_duration_seconds_count{") &&
            line.includes(`muster_operation="${operation}"`) &&
            line.includes('error_type="'),
        )
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
      return told >= failed.length
        ? []
        : [`${failed.length} calls of ${operation} failed, and ${told} are counted`];
    },
  );

/** Changes that came to nothing by the audit, and have no line in the log. */
export const unlogged = async (world: World, daemon: Started): Promise<ReadonlyArray<string>> => {
  const lines = daemon.said().split("\n");
  const entries = await auditOf(world);
  const said = (outcome: string) =>
    lines.filter((line) => line.includes(`muster.result=${outcome}`)).length;
  return ["failed", "unknown"].flatMap((outcome) => {
    const written = entries.filter((entry) => entry.outcome === outcome).length;
    return said(outcome) >= written
      ? []
      : [`${written} changes ended as ${outcome}, and ${said(outcome)} are in the log`];
  });
};

const auditOf = (world: World): Promise<ReadonlyArray<AuditEntry>> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(
        openSqliteStore({ path: world.at("f/.web.state.db"), readOnly: true }),
        (store) => store.auditEntries(0, 1_000_000),
      ),
    ),
  );
