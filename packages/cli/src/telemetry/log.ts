// Decides how a log line looks, as text and as JSON, and which events of a turn are logged.

import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Logger from "effect/Logger";
import type * as LogLevel from "effect/LogLevel";
import { CurrentLogAnnotations } from "effect/References";
import { escapeText } from "@muster/core/words/quote";
import type { Event, Outcome } from "@muster/core/apply/outcome";
import { attributes, events, type EventName } from "@muster/core/report/telemetry";
import { formatAddress } from "@muster/core/words/document";
import { formatMember } from "@muster/core/words/member";
import type { Change } from "@muster/core/words/plan";

export type LogFormat = "text" | "json";

/** What one line tells; all text in it is escaped. */
interface LogLine {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly trace_id?: string;
  readonly span_id?: string;
}

const textLimit = 2_000;

const logLine = (options: Logger.Options<unknown>): LogLine => {
  const span = options.fiber.cache.span;
  const cause = causeOf(options.cause);
  return {
    timestamp: options.date.toISOString(),
    level: options.logLevel.toUpperCase(),
    message: [options.message].flat().map(shown).join(" "),
    attributes: {
      ...Object.fromEntries(
        Object.entries(options.fiber.getRef(CurrentLogAnnotations)).map(([key, value]) => [
          escapeText(key, 100),
          plainValue(value),
        ]),
      ),
      ...(cause === null ? {} : { "exception.message": cause }),
    },
    // A span that nobody keeps leads nowhere.
    ...(span === undefined || !span.sampled
      ? {}
      : { trace_id: span.traceId, span_id: span.spanId }),
  };
};

const shown = (value: unknown): string =>
  escapeText(typeof value === "string" ? value : (JSON.stringify(value) ?? ""), textLimit);

const plainValue = (value: unknown): string | number | boolean =>
  typeof value === "number" || typeof value === "boolean" ? value : shown(value);

const causeOf = (cause: Cause.Cause<unknown>): string | null => {
  const [first] = Cause.prettyErrors(cause);
  return first === undefined ? null : escapeText(first.message, textLimit);
};

/** One JSON object. */
const jsonLine = (line: LogLine): string => JSON.stringify(line);

/** `2026-01-02T03:04:05.678Z INFO  message  key=value …`. */
const textLine = ({ timestamp, level, message, attributes: told }: LogLine): string => {
  const rest = Object.entries(told).map(
    ([key, value]) => `${key}=${/^[\w./:@+-]+$/u.test(`${value}`) ? value : JSON.stringify(value)}`,
  );
  return [`${timestamp} ${level.padEnd(5)} ${message}`, ...rest].join("  ");
};

const formats: Readonly<Record<LogFormat, (line: LogLine) => string>> = {
  json: jsonLine,
  text: textLine,
};

/** The exporter's own words about itself are told once, by us. */
const isOfExporter = ({ fiber }: Logger.Options<unknown>): boolean =>
  fiber.getRef(CurrentLogAnnotations)["package"] === "@effect/opentelemetry";

/** Lines go to `write`, each without its line break. */
export const makeLogger = (
  format: LogFormat,
  write: (line: string) => void,
): Logger.Logger<unknown, void> =>
  Logger.make((options) => {
    if (!isOfExporter(options)) write(formats[format](logLine(options)));
  });

/** One line of the log, with its event's name. Everything that varies is an attribute. */
export const logEvent = (
  event: EventName,
  level: LogLevel.Severity,
  message: string,
  told: Readonly<Record<string, string | number | boolean>> = {},
): Effect.Effect<void> =>
  Effect.logWithLevel(level)(message).pipe(Effect.annotateLogs({ "event.name": event, ...told }));

/** What a turn tells, as lines of the log. */
export const logTurn = (event: Event): Effect.Effect<void> => {
  switch (event.type) {
    case "observed":
    case "planned":
      return Effect.void;
    case "waiting":
      return logEvent(events.leaseWaiting, "Info", event.message, {
        "muster.millis": event.millis,
      });
    case "started":
      return logEvent(
        events.changeStarted,
        "Debug",
        `${nameChange(event.document, event.change)}: begun, ${event.change.reason.text}`,
        aboutChange(event.document, event.change),
      );
    case "progress":
      return logEvent(
        events.changeProgress,
        "Debug",
        `${nameChange(event.document, event.change)}: ${event.detail}`,
        aboutChange(event.document, event.change),
      );
    case "finished":
      return logOutcome(event.outcome);
  }
};

const levels: Readonly<Record<Outcome["result"], LogLevel.Severity>> = {
  done: "Info",
  stale: "Warn",
  skipped: "Warn",
  failed: "Error",
  unknown: "Error",
};

const logOutcome = ({ document, change, result, code, message, remedy }: Outcome) =>
  logEvent(
    events.changeFinished,
    levels[result],
    `${nameChange(document, change)}: ${result}, ${message}`,
    {
      ...aboutChange(document, change),
      [attributes.result]: result,
      ...(code === null ? {} : { [attributes.errorType]: code }),
      ...(remedy === null ? {} : { "muster.remedy": remedy }),
    },
  );

/** Who and what, in the words of a line: `FleetConfig/web: create web-3.1`. */
const nameChange = (document: Outcome["document"], change: Change): string =>
  change.action === "forget"
    ? `${formatAddress(change.document)}: ${change.action}`
    : `${formatAddress(document)}: ${change.action} ${formatMember(change.member)}`;

const aboutChange = (document: Outcome["document"], change: Change): Record<string, string> => ({
  "muster.document": formatAddress(document),
  [attributes.action]: change.action,
  ...("member" in change ? { [attributes.member]: formatMember(change.member) } : {}),
});
