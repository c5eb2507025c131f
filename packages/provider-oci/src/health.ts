// Decides whether members are well, by what their private addresses answer; what is not known is no pass.

import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { Health, MemberSighting, ProviderError } from "@muster/core/words/provider";
import { escapeText } from "@muster/core/words/quote";
import type { Expansion } from "@muster/core/words/set";
import type { Facts } from "./connections.ts";
import { askHttp, askTcp, type Measured } from "./probe.ts";

const Probe = Schema.Union([
  Schema.Struct({ tcp: Schema.Struct({ port: Schema.Int }) }),
  Schema.Struct({
    http: Schema.Struct({
      port: Schema.Int,
      path: Schema.String,
      status: Schema.optionalKey(Schema.Int),
    }),
  }),
]);

export type Probe = typeof Probe.Type;

const decodeProbe = Schema.decodeUnknownEffect(Probe);

/** How long one question may take, in milliseconds, and how many are asked at a time. */
const probeMillis = 2_000;
const probesAtOnce = 32;
/** How long it may take to learn an address, in milliseconds. */
const addressMillis = 5_000;

export interface HealthRequest {
  readonly expansion: Expansion;
  readonly compartmentId: string;
  readonly members: ReadonlyArray<MemberSighting>;
}

/** The members with how they are, where the document asks: only who runs is asked. */
export const withHealth = (
  facts: Pick<Facts, "address">,
  { expansion, compartmentId, members }: HealthRequest,
): Effect.Effect<ReadonlyArray<MemberSighting>> => {
  if (expansion.health === undefined) return Effect.succeed(members);
  return decodeProbe(expansion.health.probe).pipe(
    Effect.flatMap((probe) =>
      Effect.forEach(
        members,
        (member) =>
          member.phase === "running"
            ? Effect.map(healthAt(facts.address(compartmentId, member.id), probe), (health) => ({
                ...member,
                health,
              }))
            : Effect.succeed(member),
        { concurrency: probesAtOnce },
      ),
    ),
    // Without a question that can be read nobody was asked, and nobody is well.
    Effect.orElseSucceed(() => members),
  );
};

const healthAt = (
  address: Effect.Effect<string | null, ProviderError>,
  probe: Probe,
): Effect.Effect<Health> =>
  address.pipe(
    Effect.timeoutOrElse({
      duration: addressMillis,
      orElse: () => Effect.succeed("late" as const),
    }),
    Effect.flatMap((found) => {
      if (found === "late") {
        return Effect.succeed(unknown(`no address within ${addressMillis / 1_000} s`));
      }
      if (found === null) return Effect.succeed(unknown("it has no private address yet"));
      return Effect.map(ask(found, probe), (measured) => judge(found, probe, measured));
    }),
    Effect.catch(({ operation, message }) =>
      Effect.succeed(unknown(`its address cannot be read: ${operation}: ${escapeText(message)}`)),
    ),
  );

const ask = (address: string, probe: Probe): Effect.Effect<Measured> =>
  "tcp" in probe
    ? askTcp(address, probe.tcp.port, probeMillis)
    : askHttp(address, probe.http, probeMillis);

/**
 * What was measured, in words that stay the same as long as it does. Who was not reached is not
 * known to be unwell: the way there may be closed to us alone.
 */
export const judge = (address: string, probe: Probe, measured: Measured): Health => {
  const there = `${escapeText(address, 64)}:${"tcp" in probe ? probe.tcp.port : probe.http.port}`;
  switch (measured.end) {
    case "connected":
      return { verdict: "pass", text: `${there} accepts connections` };
    case "answered":
      return judgeStatus(there, probe, measured.status);
    case "refused":
      return { verdict: "fail", text: `${there} refuses (${measured.code})` };
    case "silent":
      return {
        verdict: "fail",
        text: `${there} accepts a connection, and no answer comes within ${probeMillis / 1_000} s`,
      };
    case "unreached":
      return unknown(
        measured.code === null
          ? `${there} was not reached within ${probeMillis / 1_000} s`
          : `${there} was not reached (${measured.code})`,
      );
  }
};

const judgeStatus = (there: string, probe: Probe, status: number): Health => {
  const wanted = "http" in probe ? probe.http.status : undefined;
  const isWell = wanted === undefined ? status >= 200 && status <= 299 : status === wanted;
  const text = `${there} answers ${status}`;
  if (isWell) return { verdict: "pass", text };
  return { verdict: "fail", text: `${text}, not ${wanted ?? "200 to 299"}` };
};

const unknown = (text: string): Health => ({ verdict: "unknown", text });
