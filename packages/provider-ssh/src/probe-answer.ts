// Decides what a probe's answer says, and that it is whole and the script's own.

import { createHash } from "node:crypto";
import type { HostFacts, Probed, PuppetRun } from "@muster/core/words/contact";
import { quote } from "@muster/core/words/quote";
import { maxFileBytes } from "./probe-script.ts";

/** What a file is known to be. */
interface SeenFile {
  /** Nothing: it is there, and longer than what is brought. */
  readonly bytes: Buffer | null;
  /** Nothing: unknown. */
  readonly sha: string | null;
}

/** `absent` is seen to be so; what is not there at all could not be seen. */
type Seen = ReadonlyMap<string, string | SeenFile>;

const absent = "";

/** Keys of one line each. */
const plainKeys = new Set(["os", "boot", "uptime", "booted", "now", "sudo", "role"]);
const files = ["override", "puppet"];

/**
 * Facts, and the override; a text says why it is no answer. Whatever a host prints before and after
 * is passed over; between the markers nothing may stand that the script does not write.
 */
export const readProbeAnswer = (stdout: Uint8Array, marker: string): Probed | string => {
  const lines = Buffer.from(stdout).toString("latin1").split("\n");
  const begin = lines.indexOf(`${marker} begin`);
  if (begin < 0) return "it did not begin to answer";
  const end = lines.indexOf(`${marker} end`, begin);
  if (end < 0) return "its answer was cut";
  if (lines.filter((line) => line.includes(marker)).length > 2) return "its answer was forged";
  const seen = readLines(lines.slice(begin + 1, end));
  return typeof seen === "string" ? seen : probedOf(seen);
};

const readLines = (lines: ReadonlyArray<string>): Seen | string => {
  const seen = new Map<string, string | SeenFile>();
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]!;
    const [, key = "", form, value = ""] = /^([a-z]+)(-[a-z0-9]+)?(?:=(.*))?$/s.exec(line) ?? [];
    const strange = `its answer has a strange line: ${quote(line)}`;
    if (seen.has(key)) return strange;
    if (form === undefined && plainKeys.has(key) && line.includes("=")) {
      // Some shells keep NUL, and most drop it.
      seen.set(key, Buffer.from(value, "latin1").toString("utf8").replaceAll("\0", ""));
    } else if (form === "-absent" && (files.includes(key) || key === "role")) {
      seen.set(key, absent);
    } else if (form === "-long" && files.includes(key)) {
      seen.set(key, { bytes: null, sha: /^[0-9a-f]{64}$/.test(value) ? value : null });
    } else if ((form === "-base64" || form === "-hex") && files.includes(key)) {
      const end = lines.indexOf(`${key}-end`, at);
      if (end < 0) return strange;
      const bytes = decode(form, lines.slice(at + 1, end));
      // One that has another length was changed while it was read: nothing is known of it.
      if (bytes !== null && bytes.length === Number(value) && bytes.length <= maxFileBytes) {
        seen.set(key, { bytes, sha: createHash("sha256").update(bytes).digest("hex") });
      }
      at = end;
    } else {
      return strange;
    }
  }
  return seen;
};

const decode = (form: "-base64" | "-hex", lines: ReadonlyArray<string>): Buffer | null => {
  const text = lines.join("").replaceAll(/[ \r]/g, "");
  if (form === "-hex") return /^(?:[0-9a-f]{2})*$/.test(text) ? Buffer.from(text, "hex") : null;
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, "base64") : null;
};

const probedOf = (seen: Seen): Probed => {
  const override = seen.get("override");
  const bytes = typeof override === "object" ? override.bytes : null;
  const facts: HostFacts = {
    ...fact("os", osOf(text(seen, "os"))),
    ...fact("role", roleOf(seen.get("role"))),
    ...fact("overrideSha", shaOf(override)),
    ...fact("sudo", sudoOf(text(seen, "sudo"))),
    ...fact("puppet", puppetOf(seen.get("puppet"))),
    ...fact("bootId", bootOf(text(seen, "boot"))),
    ...fact("uptimeSeconds", uptimeOf(seen)),
  };
  return { facts, override: bytes === null ? null : new Uint8Array(bytes) };
};

/** A fact that is unknown is left out. */
const fact = <Key extends keyof HostFacts>(
  key: Key,
  value: HostFacts[Key] | undefined,
): Partial<Pick<HostFacts, Key>> =>
  value === undefined ? {} : ({ [key]: value } as Pick<HostFacts, Key>);

const text = (seen: Seen, key: string): string | undefined => {
  const value = seen.get(key);
  return typeof value === "string" ? value : undefined;
};

/** The longest text of a fact, in characters; a longer one is none. */
const maxText = 200;

const osOf = (value: string | undefined): string | undefined => {
  const name = value?.replace(/^(["'])(.*)\1$/, "$2").trim();
  return name === undefined || name === "" || name.length > maxText ? undefined : name;
};

const roleOf = (value: string | SeenFile | undefined): string | null | undefined => {
  if (typeof value !== "string") return undefined;
  const role = value.trim();
  if (role.length > maxText) return undefined;
  return role === "" ? null : role;
};

const shaOf = (value: string | SeenFile | undefined): string | null | undefined => {
  if (value === absent) return null;
  return typeof value === "object" ? (value.sha ?? undefined) : undefined;
};

const sudoOf = (value: string | undefined): "yes" | "no" | undefined =>
  value === "yes" || value === "no" ? value : undefined;

const bootOf = (value: string | undefined): string | undefined =>
  value !== undefined && /^[0-9A-Fa-f-]{8,64}$/.test(value) ? value.toLowerCase() : undefined;

const uptimeOf = (seen: Seen): number | undefined => {
  const uptime = Number(text(seen, "uptime") || Number.NaN);
  if (Number.isFinite(uptime) && uptime >= 0) return uptime;
  const booted = /sec = (\d+)/.exec(text(seen, "booted") ?? "")?.[1];
  const since = Number(text(seen, "now") || Number.NaN) - Number(booted ?? Number.NaN);
  return Number.isFinite(since) && since >= 0 ? since : undefined;
};

/** What cannot be read as such a file is unknown. */
const puppetOf = (value: string | SeenFile | undefined): PuppetRun | null | undefined => {
  if (value === absent) return null;
  if (typeof value !== "object" || value.bytes === null) return undefined;
  const run = parsed(value.bytes.toString("utf8"));
  if (typeof run !== "object" || run === null || Array.isArray(run)) return undefined;
  const { success, ts, git_sha: sha, override_sha: override } = run as Record<string, unknown>;
  return {
    success: typeof success === "boolean" ? success : null,
    at: timeOf(ts),
    sha: shortText(sha),
    overrideSha: shortText(override),
  };
};

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

const shortText = (value: unknown): string | null =>
  typeof value === "string" && value !== "" && value.length <= maxText ? value : null;

/** As ISO 8601; a number counts seconds since 1970. */
const timeOf = (value: unknown): string | null => {
  const millis =
    typeof value === "number"
      ? value * 1_000
      : typeof value === "string" && value.length <= maxText
        ? Date.parse(value)
        : Number.NaN;
  return Number.isFinite(millis) && Math.abs(millis) < 8.64e15
    ? new Date(millis).toISOString()
    : null;
};
