// Decides which events of the loop are logged, at what level, and in which words.

import * as Effect from "effect/Effect";
import { attributes, events } from "@muster/core/report/telemetry";
import { formatAddress } from "@muster/core/words/document";
import { formatHead } from "@muster/core/words/audit";
import type { LoopEvent } from "@muster/gitops-runner";
import { logEvent } from "./log.ts";

/** Lines for a person who watches; a tick that found nothing to do is only told to who debugs. */
export const logLoop = (event: LoopEvent): Effect.Effect<void> => {
  switch (event.type) {
    case "source":
      return logSource(event);
    case "faults":
      return logFaults(event);
    case "ticked":
      return logEvent(events.tickFinished, "Debug", "a tick went through", {
        "muster.documents": event.ticked.looked,
        "muster.begun": event.ticked.begun,
      });
    case "ended":
      return logEnded(event);
    case "standing":
      return logStanding(formatAddress(event.document), event.standing);
    case "published":
      return logEvent(events.statusPublished, "Info", "status and audit are pushed", {
        ...(event.published.status === null ? {} : { "muster.status": event.published.status }),
        "muster.audit.head": formatHead(event.published.audit),
      });
    case "taken":
      // A runner that stands by would else say so at every tick.
      return logEvent(events.leaseWaiting, event.again ? "Debug" : "Info", event.error.message, {
        ...remedyOf(event.error.remedy ?? null),
        ...againAt(event),
      });
    case "trouble":
      return logEvent(events.tickFailed, "Error", event.error.message, {
        [attributes.errorType]: event.error.reason,
        ...remedyOf(event.error.remedy),
        ...againAt(event),
      });
    case "reloaded":
      return logEvent(
        events.configurationRead,
        "Info",
        "configuration and credentials are read anew",
      );
    case "stopping":
      return logEvent(
        events.loopStopping,
        "Info",
        event.busy === 0
          ? "stopping"
          : `stopping; waiting for ${event.busy} documents that are worked on`,
      );
    case "stopped":
      return logEvent(
        events.loopStopped,
        event.interrupted === 0 ? "Info" : "Warn",
        event.interrupted === 0
          ? "stopped; nothing was left half-way"
          : `stopped; work on ${event.interrupted} documents was interrupted, and the next run goes on from there`,
      );
  }
};

type Of<Type extends LoopEvent["type"]> = Extract<LoopEvent, { readonly type: Type }>;

const logSource = ({ head, verification }: Of<"source">): Effect.Effect<void> => {
  const isHeld = verification.rewritten || verification.status === "False";
  return logEvent(
    isHeld ? events.sourceHeld : events.headMoved,
    isHeld ? "Warn" : "Info",
    `the head is ${head.slice(0, 12)}: ${verification.message}`,
    {
      [attributes.refRevision]: head,
      [attributes.reason]: verification.reason,
      ...remedyOf(verification.remedy ?? null),
    },
  );
};

/** Each fault has its place; a broken repository has few, and a huge one is cut. */
const mostFaults = 20;

const logFaults = ({ diagnostics }: Of<"faults">): Effect.Effect<void> =>
  Effect.forEach(
    diagnostics.slice(0, mostFaults),
    ({ file, line, column, severity, summary, hint }) =>
      logEvent(
        events.faultFound,
        severity === "error" ? "Error" : "Warn",
        `${file}:${line}:${column} ${summary}`,
        hint === undefined ? {} : { "muster.remedy": hint },
      ),
    { discard: true },
  ).pipe(
    Effect.andThen(
      logEvent(
        events.tickFailed,
        "Error",
        `the documents have ${diagnostics.length} faults; nothing is asked or changed until they are mended`,
      ),
    ),
  );

const logEnded = ({ ended }: Of<"ended">): Effect.Effect<void> => {
  const { standing, failure } = ended;
  const document = formatAddress(ended.document);
  const about = { "muster.document": document };
  if (failure !== null) {
    return logEvent(events.unitBackedOff, "Error", `${document}: ${failure.message}`, {
      ...about,
      ...remedyOf(failure.remedy ?? null),
    });
  }
  return standing === null || standing.trouble === null
    ? logEvent(events.unitEnded, "Info", `${document}: the work on it has ended`, about)
    : logStanding(document, standing);
};

/** Trouble of one document, or its end. */
const logStanding = (document: string, standing: Of<"standing">["standing"]): Effect.Effect<void> =>
  standing.trouble === null
    ? logEvent(events.unitRecovered, "Info", `${document}: it can be seen again`, {
        "muster.document": document,
      })
    : logEvent(events.unitBackedOff, "Warn", `${document}: ${standing.trouble}`, {
        "muster.document": document,
        "muster.failures": standing.failures,
        ...remedyOf(standing.remedy),
        ...againAt({ againAt: standing.dueAt }),
      });

const remedyOf = (remedy: string | null): Record<string, string> =>
  remedy === null ? {} : { "muster.remedy": remedy };

const againAt = ({ againAt: at }: { readonly againAt: number }): Record<string, string> => ({
  "muster.again_at": new Date(at).toISOString(),
});
