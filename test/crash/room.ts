// Keeps a sweep's temporary folders in memory where the machine has room, and removes what the dead leave in them.

import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@effect/vitest";

/** Where Linux keeps files in memory. */
const memory = "/dev/shm";
/** Bytes; a sweep needs a small part of it. */
const enough = 48 * 1024 * 1024;

const hasRoom = (folder: string): boolean => {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= enough;
  } catch {
    return false;
  }
};

/**
 * From now on until the end of the file. A run that dies within this process loses nothing that was
 * written, whatever it is written on; what a lost sync does is tried with the journalled store.
 */
export const sweepInMemory = (): void => {
  const place = hasRoom(memory) ? memory : tmpdir();
  const room = mkdtempSync(join(place, "muster-sweep-"));
  process.env["TMPDIR"] = room;
  afterAll(() => rmSync(room, { recursive: true, force: true }));
};
