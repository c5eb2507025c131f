// Decides which traces are kept; a span is kept when its trace is.

import * as Tracer from "effect/Tracer";
import type { Sampler } from "./settings.ts";

type Options = Parameters<Tracer.Tracer["span"]>[0];

/** The tracer with a sampler before it: asked where a trace enters this process, and only there. */
export const sampling = (tracer: Tracer.Tracer, sampler: Sampler): Tracer.Tracer =>
  Tracer.make({
    ...tracer,
    span: (options) =>
      tracer.span({ ...options, sampled: options.sampled && isKept(options, sampler) }),
  });

const isKept = ({ parent, root }: Options, { parentBased, ratio }: Sampler): boolean => {
  if (parent._tag === "None" || root) return Math.random() < ratio;
  if (parent.value._tag === "Span") return parent.value.sampled;
  return parentBased ? parent.value.sampled : shareOf(parent.value.traceId) < ratio;
};

/** Where a trace lies between 0 and 1: the same for all who take part in it. */
const shareOf = (traceId: string): number => Number.parseInt(traceId.slice(-13), 16) / 16 ** 13;
