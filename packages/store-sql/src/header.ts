// Decides from the first bytes of a file whether it is a store of ours, before SQLite ever touches it.

import { StoreError } from "@muster/core/store/store";
import { applicationId, schemaVersion } from "./schema.ts";

/** How many bytes of a file `judgeHeader` wants to see: SQLite's whole header. */
export const headerBytes = 100;

const magic = "SQLite format 3\0";
const userVersionAt = 60;
const applicationIdAt = 68;

/**
 * `new` for an empty file, `ours` for a store of this version, else the reason to leave it alone.
 * A foreign database is thus never opened: not recovered, not switched to WAL, not changed.
 */
export const judgeHeader = (place: string, header: Uint8Array): "new" | "ours" | StoreError => {
  if (header.length === 0) return "new";
  const text = String.fromCharCode(...header.subarray(0, magic.length));
  if (header.length < headerBytes || text !== magic) {
    return refusal(place, "the file is not a store of muster", "name another path for the store");
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.getUint32(applicationIdAt) !== applicationId) {
    return refusal(
      place,
      "the file is a database of another application",
      "name another path for the store",
    );
  }
  const version = view.getUint32(userVersionAt);
  if (version > schemaVersion) {
    return refusal(
      place,
      `the store was written by a newer muster: its version is ${version}, this muster knows ${schemaVersion}`,
      "use the newer muster",
    );
  }
  return "ours";
};

const refusal = (place: string, message: string, remedy: string): StoreError =>
  new StoreError({ reason: "Unavailable", place, message, remedy });
