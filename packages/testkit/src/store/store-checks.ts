// All the promises of a store in one list, free of any test runner.

import type { StoreCheck } from "./check.ts";
import { auditChecks } from "./checks/audit.ts";
import { batchChecks } from "./checks/batches.ts";
import { leaseChecks } from "./checks/lease.ts";
import { recordChecks } from "./checks/records.ts";
import { reopeningChecks } from "./checks/reopening.ts";

/** The checks that `storeConformance` registers, for those who run them by other means. */
export const storeChecks: ReadonlyArray<StoreCheck> = [
  ...recordChecks,
  ...batchChecks,
  ...auditChecks,
  ...leaseChecks,
  ...reopeningChecks,
];
