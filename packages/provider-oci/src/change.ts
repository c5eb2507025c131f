// Carries out one change of one member, and decides what OCI's answer to it means.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { formatMember, type MemberName } from "@muster/core/words/member";
import {
  ProviderError,
  type Accepted,
  type CreateRequest,
  type MarkRequest,
  type MemberSighting,
  type RemoveRequest,
} from "@muster/core/words/provider";
import { quote } from "@muster/core/words/quote";
import type { LaunchRequest, OciInstance } from "./api.ts";
import type { Connection } from "./connections.ts";
import { isWithin, placedIn } from "./places.ts";
import { readTemplate, type OciTemplate } from "./scope.ts";
import { compareSightings, isDead, marksOf, phaseOf, sightingOf, tagFaultOf } from "./sighting.ts";
import type { SpentTokens } from "./spent-tokens.ts";

/**
 * Launches a member. The same token may be sent again at any time: OCI answers with the instance
 * that it made before.
 *
 * Fails with `occupantDead` when the token is spent and what it made is dead or has another name.
 */
export const createMember = (
  connection: Connection,
  compartmentId: string,
  request: CreateRequest,
  spent: SpentTokens,
): Effect.Effect<Accepted, ProviderError> =>
  Effect.gen(function* () {
    const template = yield* readTemplate(request.set);
    const launch = yield* launchOf(compartmentId, template, request);
    const answer = yield* connection.api.launchInstance(launch);
    return answer.kind === "launched"
      ? yield* acceptLaunched(request, answer.instance, answer.workRequestId)
      : yield* settleSpentToken(connection, compartmentId, request, spent, answer.error);
  });

/** The member may live although OCI calls its token invalidated: only what is seen decides. */
const settleSpentToken = (
  connection: Connection,
  compartmentId: string,
  request: CreateRequest,
  spent: SpentTokens,
  error: ProviderError,
): Effect.Effect<Accepted, ProviderError> =>
  Effect.gen(function* () {
    const document = request.expansion.document.name;
    const named = yield* namedMembers(connection, compartmentId, document, request.member);
    const ours = named.filter((seen) => seen.owner === request.owner);
    const live = ours.find((seen) => !isDead(seen.phase));
    if (live !== undefined) {
      spent.forget(request.token);
      return { id: live.id, operation: null };
    }
    // Each place has a token of its own.
    if (ours.some((seen) => isWithin(seen.place, request.place))) {
      spent.forget(request.token);
      return yield* occupantDead(request, "its launch token is spent", error.requestId);
    }
    const left = spent.noteAbsence(request.token, yield* Clock.currentTimeMillis);
    if (left === 0) {
      return yield* occupantDead(
        request,
        "its launch token is spent, and no list shows what it made",
        error.requestId,
      );
    }
    return yield* new ProviderError({
      reason: "Unreachable",
      operation: "LaunchInstance",
      message:
        `the launch token of ${formatMember(request.member)} was used before, and what it made ` +
        `cannot be seen yet (absence counts in ${Math.ceil(left / 1_000)} s)`,
      ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    });
  });

const launchOf = (
  compartmentId: string,
  template: OciTemplate,
  request: CreateRequest,
): Effect.Effect<LaunchRequest, ProviderError> =>
  Effect.suspend(() => {
    const freeformTags = {
      ...template.freeformTags,
      ...marksOf({
        document: request.expansion.document.name,
        owner: request.owner,
        name: request.member,
        template: request.template,
        ...(request.expansion.restart === undefined ? {} : { restart: request.expansion.restart }),
      }),
    };
    const fault = tagFaultOf(freeformTags);
    if (fault !== undefined) {
      return Effect.fail(invalid("LaunchInstance", fault.message, fault.remedy));
    }
    return Effect.succeed({
      token: request.token,
      compartmentId,
      ...placedIn(request.place),
      displayName: displayNameOf(template, request),
      imageId: template.imageId,
      shape: template.shape,
      shapeConfig: template.shapeConfig ?? null,
      subnetId: template.subnetId,
      freeformTags,
      definedTags: template.definedTags ?? {},
      metadata: template.metadata ?? {},
    });
  });

/** OCI allows 255 characters in a display name. */
const maxDisplayName = 255;

const displayNameOf = (template: OciTemplate, request: CreateRequest): string => {
  const member = formatMember(request.member);
  const prefix = template.displayNamePrefix ?? request.expansion.document.name;
  return `${prefix.slice(0, maxDisplayName - member.length - 1)}-${member}`;
};

const acceptLaunched = (
  request: CreateRequest,
  instance: OciInstance,
  workRequestId: string | null,
): Effect.Effect<Accepted, ProviderError> => {
  const seen = sightingOf(instance);
  const asked = formatMember(request.member);
  if (seen.owner !== request.owner || seen.name === null) {
    return Effect.fail(
      invalid(
        "LaunchInstance",
        `the launch token of ${asked} had made ${instance.id}, which does not carry our marks`,
        "give the instance its tags back, or terminate it: muster touches only what is marked",
      ),
    );
  }
  const { document } = request.expansion;
  if (seen.document !== document.name || formatMember(seen.name) !== asked) {
    const name = `${seen.document}/${formatMember(seen.name)}`;
    return Effect.fail(occupantDead(request, `what its token had made is now ${quote(name)}`));
  }
  if (isDead(seen.phase)) {
    const why = `it was launched before as ${instance.id}, which is ${instance.lifecycleState}`;
    return Effect.fail(occupantDead(request, why));
  }
  return Effect.succeed({ id: instance.id, operation: workRequestId });
};

const occupantDead = (request: CreateRequest, why: string, requestId?: string): ProviderError =>
  new ProviderError({
    reason: "Conflict",
    operation: "LaunchInstance",
    message: `the member ${formatMember(request.member)} is dead: ${why}`,
    occupantDead: true,
    ...(requestId === undefined ? {} : { requestId }),
  });

/** Live members of exactly this name, by their marks: a display name may change, a mark may not. */
export const findMembers = (
  connection: Connection,
  compartmentId: string,
  document: string,
  member: MemberName,
): Effect.Effect<ReadonlyArray<MemberSighting>, ProviderError> =>
  Effect.map(namedMembers(connection, compartmentId, document, member, sharedForMillis), (named) =>
    named.filter((seen) => !isDead(seen.phase)),
  );

/**
 * How old a list may be for the look before a launch, in milliseconds: all launches of a moment
 * share one. Whoever launched the same member within it had the same token.
 */
const sharedForMillis = 1_000;

const namedMembers = (
  connection: Connection,
  compartmentId: string,
  document: string,
  member: MemberName,
  maxAgeMillis = 0,
): Effect.Effect<ReadonlyArray<MemberSighting>, ProviderError> =>
  Effect.map(connection.instances(compartmentId, maxAgeMillis), (instances) =>
    instances
      .map(sightingOf)
      .filter(({ document: fleet, name }) => {
        if (fleet !== document || name === null) return false;
        return formatMember(name) === formatMember(member);
      })
      .sort(compareSightings),
  );

/**
 * Writes muster's marks beside the tags that are there. The write is conditional on the version
 * that was looked at, or on the one read just before.
 */
export const markMember = (
  connection: Connection,
  request: MarkRequest,
): Effect.Effect<MemberSighting, ProviderError> =>
  Effect.gen(function* () {
    const instance = yield* connection.api.getInstance(request.id);
    if (instance === null) {
      return yield* conflict("UpdateInstance", `${request.id} is not found any more`);
    }
    if (request.version !== null && instance.etag !== request.version) {
      return yield* conflict("UpdateInstance", `${request.id} has changed since it was looked at`);
    }
    const freeformTags = {
      ...instance.freeformTags,
      ...marksOf({
        document: request.document.name,
        owner: request.owner,
        name: request.member,
      }),
    };
    const fault = tagFaultOf(freeformTags);
    if (fault !== undefined) return yield* invalid("UpdateInstance", fault.message, fault.remedy);
    const version = request.version ?? instance.etag;
    return sightingOf(
      yield* connection.api.updateInstance({ id: request.id, freeformTags, version }),
    );
  });

/** Terminates a member with its boot volume; one that is leaving already is accepted. */
export const removeMember = (
  connection: Connection,
  compartmentId: string,
  request: RemoveRequest,
): Effect.Effect<Accepted, ProviderError> =>
  Effect.gen(function* () {
    const { id, version } = request;
    const answer = yield* connection.api.terminateInstance({ id, version });
    if (answer.kind === "accepted") return { id, operation: answer.workRequestId };
    // Absent may also mean that it may be read and not be terminated.
    const member = yield* lookAtMember(connection, compartmentId, id);
    if (member === null || isDead(member.phase)) return { id, operation: null };
    return yield* answer.error;
  });

/**
 * The member now, or nothing when it is gone. OCI says 404 also of what may not be read, and of what
 * ended it goes on telling for hours: so a 404 is no death while the list shows it alive. Fails with
 * `Denied` then.
 */
export const lookAtMember = (
  connection: Connection,
  compartmentId: string,
  id: string,
): Effect.Effect<MemberSighting | null, ProviderError> =>
  Effect.gen(function* () {
    const instance = yield* connection.api.getInstance(id);
    if (instance !== null) return sightingOf(instance);
    const listed = (yield* connection.instances(compartmentId)).find((one) => one.id === id);
    if (listed === undefined || isDead(phaseOf(listed.lifecycleState))) return null;
    return yield* new ProviderError({
      reason: "Denied",
      operation: "GetInstance",
      message: `${id} is in the list as ${listed.lifecycleState}, and is not found when asked for`,
      remedy: "check that a policy lets this account read instances; if it does, run this again",
    });
  });

const conflict = (operation: string, message: string): ProviderError =>
  new ProviderError({ reason: "Conflict", operation, message });

const invalid = (operation: string, message: string, remedy: string): ProviderError =>
  new ProviderError({ reason: "Invalid", operation, message, remedy });
