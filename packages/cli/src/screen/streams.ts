// Decides how the process leaves its streams: all that was written is handed over, or said to be lost.

import type { Writable } from "node:stream";

export interface Streams {
  /** Resolves once everything written so far was taken, or never will be. */
  readonly handedOver: () => Promise<void>;
  /** Why something that was written did not arrive; nothing when all did, or nobody reads on. */
  readonly lost: () => string | undefined;
}

/** A reader that went away is no failure: what was begun is carried on, and nobody is told. */
const goneCodes = new Set(["EPIPE", "ERR_STREAM_DESTROYED"]);

export const watchStreams = (streams: ReadonlyArray<Writable>): Streams => {
  let lost: string | undefined;
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!goneCodes.has(error.code ?? "")) lost ??= error.message;
    });
  }
  return {
    handedOver: async () => {
      await Promise.all(streams.map(taken));
    },
    lost: () => lost,
  };
};

const taken = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    stream.write("", () => resolve());
  });
