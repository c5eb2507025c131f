// Counts committed transactions from outside, in the bytes of a SQLite write-ahead log.

import * as fs from "node:fs";

const headerBytes = 32;
const frameHeaderBytes = 24;
const pageSizeAt = 8;
const saltAt = 16;
const frameCommitAt = 4;
const frameSaltAt = 8;

/**
 * How many transactions the log `<database>-wal` holds: frames of the current salt whose header says
 * how large the database is after a commit. Nought when there is no log.
 *
 * The log starts over after a checkpoint, and goes away when the last connection closes. Whoever
 * counts across the life of a store keeps a second connection open with a read transaction begun,
 * so that nothing is checkpointed away, and compares two counts.
 */
export const countWalCommits = (database: string): number => {
  const path = `${database}-wal`;
  if (!fs.existsSync(path)) return 0;
  return countCommits(fs.readFileSync(path));
};

/** The commits in the bytes of a write-ahead log. */
export const countCommits = (log: Uint8Array): number => {
  if (log.byteLength < headerBytes) return 0;
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const frame = frameHeaderBytes + view.getUint32(pageSizeAt);
  const salt = view.getBigUint64(saltAt);
  let commits = 0;
  for (let at = headerBytes; at + frame <= log.byteLength; at += frame) {
    // The first frame of an older salt ends the log: what follows is left from before a checkpoint.
    if (view.getBigUint64(at + frameSaltAt) !== salt) break;
    if (view.getUint32(at + frameCommitAt) !== 0) commits += 1;
  }
  return commits;
};
