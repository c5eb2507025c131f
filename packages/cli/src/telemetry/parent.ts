// Reads the span that whoever started us stands in: W3C trace context in the environment.

import * as Tracer from "effect/Tracer";

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/u;

/** Nothing when there is none, or none that can be read: then the trace is our own. */
export const parentFrom = (traceparent: string | undefined): Tracer.ExternalSpan | null => {
  const [, version, traceId = "", spanId = "", flags = "", more] =
    pattern.exec(traceparent?.trim() ?? "") ?? [];
  if (version === undefined || version === "ff") return null;
  if (version === "00" && more !== undefined) return null;
  if (/^0+$/u.test(traceId) || /^0+$/u.test(spanId)) return null;
  const sampled = (Number.parseInt(flags, 16) & 1) === 1;
  return Tracer.externalSpan({ traceId, spanId, sampled });
};
