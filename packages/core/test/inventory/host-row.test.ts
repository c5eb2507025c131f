import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { defaultDriftThresholds, driftOf } from "../../src/inventory/drift.ts";
import { hostRow, type HostView } from "../../src/inventory/host-row.ts";
import { neverSeen, sight } from "../../src/inventory/sighting.ts";
import { hostFields } from "../../src/query/host-fields.ts";
import { selectRows } from "../../src/query/judge.ts";
import { parseQuery } from "../../src/query/parse.ts";
import { inDefaultScope } from "../../src/query/scope.ts";
import type { Host, HostObservation } from "../../src/words/host.ts";

const now = Date.parse("2026-05-01T12:00:00.000Z");
const at = "2026-05-01T11:50:00.000Z";
const answered = { reason: null, step: null, message: null };

const viewOf = (
  name: string,
  look: Partial<HostObservation> | null,
  given: Partial<Host> = {},
  override: string | null = null,
): HostView => {
  const host: Host = {
    address: { host: name },
    discoveredAt: "2026-04-01T00:00:00.000Z",
    population: null,
    expectedRole: null,
    disabled: null,
    labels: {},
    ...given,
  };
  const sighting =
    look === null ? neverSeen(name) : sight(neverSeen(name), { host: name, at, ...look });
  const drift = driftOf({
    host,
    sighting,
    expectations: { population: null, override: null },
    thresholds: defaultDriftThresholds,
    now,
  });
  return { host, sighting, drift, override };
};

const talos = { role: "gecko_t_linux_talos", os: "Linux", overrideSha: null, sudo: "yes" } as const;

const views = [
  viewOf("new", null),
  viewOf("talos", {
    contact: answered,
    facts: talos,
    dns: { addresses: ["10.0.0.1", "fd00::1"], trouble: null },
  }),
  viewOf(
    "kept",
    { contact: answered, facts: { ...talos, role: null } },
    { expectedRole: "gecko_t_linux_talos", population: "p", labels: { rack: "3" } },
  ),
  viewOf(
    "over",
    { contact: answered, facts: { ...talos, os: "Darwin", overrideSha: "aa", sudo: "no" } },
    {},
    "# by hand\nexport PUPPET_BRANCH='feature_xyz'\n",
  ),
  viewOf("down", { contact: { reason: "timeout", step: "tcp", message: "10 s" } }),
  viewOf(
    "off",
    { contact: answered, facts: talos },
    { disabled: { reason: "disk", by: "me", at: "2026-05-01T11:00:00.000Z" } },
  ),
  viewOf("worker", {
    contact: answered,
    facts: { ...talos, puppet: { success: false, at: null, sha: "cc", overrideSha: null } },
    worker: {
      provisioner: "releng",
      workerType: "talos",
      id: "worker",
      lastActive: at,
      quarantined: null,
    },
  }),
];

const context = { labels: ["rack"], workerMillis: 7_200_000, now };

const find = (text: string): string => {
  const parsed = parseQuery(text, hostFields);
  if (Result.isFailure(parsed)) return assert.fail(JSON.stringify(parsed.failure));
  return selectRows(
    inDefaultScope(parsed.success, hostFields),
    views,
    (view) => hostRow(view, context),
    now,
  )
    .map(({ host }) => host.address.host)
    .join(" ");
};

describe("the fields of a host", () => {
  it("answer the queries of the onboarding as they are written", () => {
    assert.strictEqual(find("expected_role:null"), "new talos over down worker");
    assert.strictEqual(
      find("role:gecko_t_linux_talos AND expected_role:null"),
      "talos over worker",
    );
    assert.strictEqual(find("expected_role:gecko_t_linux_talos"), "kept");
  });

  it("never take a host that nobody has looked at for one without", () => {
    assert.strictEqual(find("NOT role:gecko_t_linux_talos"), "kept");
    assert.strictEqual(find("role:null"), "kept");
    assert.strictEqual(find("role:unknown"), "new down");
    assert.strictEqual(find("sshable:false"), "down");
    assert.strictEqual(find("last_seen:null"), "down");
    assert.strictEqual(find("last_seen:unknown"), "new");
    assert.strictEqual(find("override_present:false"), "talos kept worker");
    assert.strictEqual(find("drift:unknown"), "new down");
    assert.strictEqual(find("drift:null"), "talos worker");
  });

  it("tell drift, and disabled hosts where they are named", () => {
    assert.strictEqual(find("drift:override"), "over");
    assert.strictEqual(find("drift:role"), "kept");
    assert.strictEqual(find("drift:any"), "kept over");
    // Of `down` nothing but its silence is known, of `new` nothing at all.
    assert.strictEqual(find("NOT drift:override"), "talos kept worker");
    assert.strictEqual(find("NOT drift:role"), "new talos over down worker");
    assert.strictEqual(find("disabled:true"), "off");
    assert.strictEqual(find("drift:disabled-active"), "off");
  });

  it("tell what the override sets, the system, the worker and the last run", () => {
    assert.strictEqual(find("override_branch:feature_xyz"), "over");
    assert.strictEqual(find("override_branch:null"), "talos kept worker");
    assert.strictEqual(find("os:macos sudoable:false"), "over");
    assert.strictEqual(find("ip:10.0.0.1"), "talos");
    assert.strictEqual(find("ip:fd00:*"), "talos");
    assert.strictEqual(find("tc.last_active:<1h"), "worker");
    assert.strictEqual(find("tc.online:true tc.pool:releng/talos"), "worker");
    assert.strictEqual(find("tc.quarantined:unknown tc.pool:*"), "worker");
    assert.strictEqual(find("puppet.success:false puppet.last_run:null"), "worker");
    assert.strictEqual(find("label.rack:3"), "kept");
    assert.strictEqual(find("label.rack:null os:linux"), "talos worker");
    assert.strictEqual(find("rollout:null role:null"), "kept");
  });

  it.each([
    ["Ubuntu 22.04.4 LTS", "linux"],
    ["Debian GNU/Linux 12 (bookworm)", "linux"],
    ["Alpine Linux v3.19", "linux"],
    ["Microsoft Azure Linux 3.0", "linux"],
    ["Linux 6.1.0-18-amd64", "linux"],
    ["Darwin 23.4.0", "macos"],
    ["macOS 14.4", "macos"],
    ["Mac OS X 10.15", "macos"],
    ["Windows", "windows"],
    ["MINGW64_NT-10.0-19045 3.4.10", "windows"],
    ["MSYS_NT-10.0-22631 3.4", "windows"],
    ["CYGWIN_NT-10.0-20348 3.5", "windows"],
    ["FreeBSD 14.0-RELEASE", "other"],
    ["OpenBSD 7.5", "other"],
    ["SunOS 5.11", "other"],
    ["OmniOS v11 r151046", "other"],
    ["AIX 3", "other"],
    ["GNU 0.9", "other"],
  ])("%s is %s", (os, word) => {
    const row = hostRow(viewOf("a", { facts: { os } }), context);
    assert.strictEqual(row["os"], word);
  });

  it.each([
    [5, 119, true],
    [5, 120, true],
    [5, 121, undefined],
    [180, 190, undefined],
    [180, 300, undefined],
    [180, 301, false],
    [5, 126, false],
  ])(
    "looked at %i minutes ago, active %i minutes ago, a worker is online: %s",
    (looked, ago, online) => {
      const before = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
      const worker = {
        ...{ provisioner: "releng", workerType: "talos", id: "a", quarantined: false },
        lastActive: before(ago),
      };
      const row = hostRow(viewOf("a", { at: before(looked), worker }), context);
      assert.strictEqual(row["tc.online"], online);
    },
  );

  it.each([
    ["PUPPET_BRANCH=a", "a"],
    ["PUPPET_BRANCH=a\n# PUPPET_BRANCH=b\n", "a"],
    ['PUPPET_BRANCH=a\nexport PUPPET_BRANCH="b c" # why\n', "b c"],
    ["PUPPET_BRANCH=\n", null],
    ["PUPPET_BRANCH=''\n", null],
    ["OTHER_PUPPET_BRANCH=a\n", null],
    ["", null],
  ])("the override %j sets the branch %j", (override, branch) => {
    const row = hostRow(viewOf("a", { facts: { overrideSha: "aa" } }, {}, override), context);
    assert.strictEqual(row["override_branch"], branch);
  });

  it("are unknown where a look did not tell them, and null where there are none", () => {
    const worker = { provisioner: "p", workerType: "t", id: "w", quarantined: null };
    const silent = viewOf("a", { worker: { ...worker, lastActive: null } });
    const row = hostRow(silent, context);
    assert.deepStrictEqual(
      ["tc.pool", "tc.worker", "tc.online", "tc.quarantined", "tc.last_active"].map(
        (field) => row[field],
      ),
      ["p/t", "w", undefined, undefined, undefined],
    );
    const none = hostRow(viewOf("a", { worker: null, facts: { puppet: null } }), context);
    assert.deepStrictEqual(
      ["tc.pool", "tc.worker", "tc.online", "tc.quarantined", "tc.last_active"].map(
        (field) => none[field],
      ),
      [null, null, false, null, null],
    );
    assert.deepStrictEqual(
      ["success", "sha", "override_sha", "last_run"].map((field) => none[`puppet.${field}`]),
      [null, null, null, null],
    );
    const unseen = hostRow(viewOf("a", null), context);
    const known = Object.keys(unseen).filter((field) => unseen[field] !== undefined);
    assert.deepStrictEqual(known.toSorted(), [
      ...["disabled", "discovered_at", "drift", "expected_role", "host", "label.rack"],
      ...["population", "rollout", "stage"],
    ]);
  });

  it("are all that queries name, and no others", () => {
    const row = hostRow(views.at(-1)!, context);
    const named = Object.keys(row).filter((field) => !field.startsWith("label."));
    assert.sameMembers(named, Object.keys(hostFields.fields));
  });
});
