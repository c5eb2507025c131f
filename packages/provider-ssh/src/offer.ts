// Has a host show and prove its key, and leaves before anybody is told who asks.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import type { Deadlines, Session, SessionFault, SessionRequest } from "./session.ts";
import type { HostSettings } from "./ssh-config.ts";
import { transportTo, type LookUp } from "./transport.ts";

export interface Asking {
  readonly hop: HostSettings;
  /** The host before it. */
  readonly from: Session | null;
  readonly lookUp: LookUp;
  readonly deadlines: Deadlines;
  readonly openSession: (
    request: SessionRequest,
  ) => Effect.Effect<Session, SessionFault, Scope.Scope>;
  /** The types to ask for first: one that is known tells more than another. */
  readonly hostKeyTypes: ReadonlyArray<string>;
}

/** A key is only told with its proof: what was shown without one is nobody's. */
export const offeredKey = ({
  hop,
  from,
  lookUp,
  deadlines,
  openSession,
  hostKeyTypes,
}: Asking): Effect.Effect<Uint8Array, SessionFault, Scope.Scope> =>
  Effect.gen(function* () {
    const { transport } = yield* transportTo(hop, from, lookUp, deadlines);
    let shown = new Uint8Array();
    const enough: SessionFault = {
      ...({ reason: "hostkey-unknown", step: "kex" } as const),
      message: "was only asked for its key",
    };
    const request: SessionRequest = {
      ...{ transport, user: hop.user, hostKeyTypes, deadlines },
      verify: (key) => {
        shown = new Uint8Array(key);
        return null;
      },
      // The proof is there, and nothing was said of a user yet.
      verified: Effect.fail(enough),
      ...{ agent: null, identities: [], keepaliveMillis: 0, keepaliveMisses: 0 },
    };
    const end = yield* Effect.result(openSession(request));
    return Result.isFailure(end) && end.failure !== enough
      ? yield* Effect.fail(end.failure)
      : shown;
  });
