// The fields of hosts, as queries over an inventory name them.

import type { Vocabulary } from "./vocabulary.ts";

/** Times are in milliseconds since 1970; `stage` is the number of a stage, from 1. */
export const hostFields: Vocabulary = {
  fields: {
    host: { type: "text" },
    ip: { type: "list" },
    os: { type: "enum", values: ["linux", "macos", "windows", "other"] },
    role: { type: "text" },
    expected_role: { type: "text" },
    population: { type: "text" },
    sshable: { type: "boolean" },
    sudoable: { type: "boolean" },
    override_present: { type: "boolean" },
    override_sha: { type: "text" },
    override_branch: { type: "text" },
    drift: {
      type: "enum-list",
      values: ["override", "role", "unreachable", "tc-missing", "tc-mismatch", "disabled-active"],
      any: "any",
    },
    disabled: { type: "boolean" },
    discovered_at: { type: "time" },
    last_seen: { type: "time" },
    "tc.pool": { type: "text" },
    "tc.worker": { type: "text" },
    "tc.online": { type: "boolean" },
    "tc.quarantined": { type: "boolean" },
    "tc.last_active": { type: "time" },
    "puppet.success": { type: "boolean" },
    "puppet.sha": { type: "text" },
    "puppet.override_sha": { type: "text" },
    "puppet.last_run": { type: "time" },
    rollout: { type: "text" },
    stage: { type: "number" },
  },
  open: ["label"],
  // Only a disabled host has this drift: whoever asks for it means disabled hosts, too.
  scope: { unless: "disabled", implied: [{ field: "drift", value: "disabled-active" }] },
};
