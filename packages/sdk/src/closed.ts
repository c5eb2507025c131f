// The error of a call that the client's end ended, or that came after it.

import * as Schema from "effect/Schema";

/** What was begun is left in the journal, for the next client on the same store to settle. */
export class MusterClosed extends Schema.TaggedError<MusterClosed>()("MusterClosed", {
  message: Schema.String,
}) {}

export const clientClosed = (): MusterClosed =>
  new MusterClosed({ message: "the client was closed" });
