// What a FleetConfig accepts, what it refuses and with which words, and what it asks for.

import { describe, expect, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { stringify } from "yaml";
import { jsonSchemaOf, readDocuments } from "@muster/core/read/read";
import type { Document } from "@muster/core/words/document";
import { canonicalJson, sha256Hex } from "@muster/core/words/canonical";
import type { Json, JsonObject } from "@muster/core/words/json";
import { type Expansion, templateMark } from "@muster/core/words/set";
import { FleetConfig, type FleetSpec } from "../../src/fleet-config/kind.ts";

const subnet = "ocid1.subnet.oc1.phx.muster";

const base = {
  compartmentId: "ocid1.compartment.oc1..muster",
  imageId: "ocid1.image.oc1.phx.muster",
  availabilityDomain: "AD-1",
  shape: "VM.Standard.E4.Flex",
  shapeConfig: { ocpus: 1, memoryInGBs: 16 },
  subnetId: subnet,
  scaling: { parallelLaunch: 3, parallelTerminate: 4 },
  instances: [{ name: "web", count: 3 }],
} satisfies JsonObject;

const fleet = (spec: JsonObject): JsonObject => ({
  kind: "FleetConfig",
  metadata: { name: "shop" },
  spec,
});

/** A member set to `undefined` is left out. */
const read = (changes: Readonly<Record<string, Json | undefined>>, write = stringify) =>
  readDocuments(
    [FleetConfig],
    [{ file: "fleet.yaml", text: write(fleet({ ...base, ...changes })) }],
  );

const faults = (changes: Readonly<Record<string, Json | undefined>>) =>
  read(changes).diagnostics.map(
    ({ path, summary, hint }) => `${path} ${summary}${hint === undefined ? "" : ` | ${hint}`}`,
  );

const sound = (changes: Readonly<Record<string, Json | undefined>>): Document<FleetSpec> => {
  const { documents, diagnostics } = read(changes);
  expect(diagnostics).toEqual([]);
  return documents[0] as unknown as Document<FleetSpec>;
};

/** The file that the specification describes, with every field of it. */
const example = `
kind: FleetConfig
metadata:
  name: my-fleet
spec:
  compartmentId: ocid1.compartment.oc1..aaaaaaaaexample
  imageId: ocid1.image.oc1.phx.aaaaaaaaexample
  availabilityDomain: "Uocm:PHX-AD-1"
  shape: VM.Standard.E4.Flex
  shapeConfig:
    ocpus: 2
    memoryInGBs: 16
  subnetId: ocid1.subnet.oc1.phx.aaaaaaaaexample
  displayNamePrefix: my-fleet
  scaling:
    parallelLaunch: 5
    parallelTerminate: 10
  auth:
    method: user
    configFile: ~/.oci/config
    profile: DEFAULT
    region: us-phoenix-1
  definedTags:
    Operations.CostCenter: "42"
  freeformTags:
    environment: dev
  instances:
    - name: web
      count: 3
    - name: batch
      count: 0
      subnetId: ocid1.subnet.oc1.phx.aaaaaaaaother
`;

describe("FleetConfig accepts", () => {
  it("the specification's file", () => {
    const { documents, diagnostics } = readDocuments(
      [FleetConfig],
      [{ file: "fleet.yaml", text: example }],
    );
    expect(diagnostics).toEqual([]);
    expect(documents).toHaveLength(1);
  });

  it("and fills in what was left out", () => {
    expect(sound({ scaling: {} }).spec).toMatchObject({
      scaling: { parallelLaunch: 5, parallelTerminate: 10 },
      auth: { method: "instance" },
      definedTags: {},
      freeformTags: {},
    });
  });

  it("a default written out as the same thing", () => {
    const written = sound({
      scaling: { parallelTerminate: 10, parallelLaunch: 5 },
      auth: { method: "instance" },
      freeformTags: {},
    });
    expect(written.inputDigest).toBe(sound({ scaling: {} }).inputDigest);
  });

  it("both spellings of defined tags, also mixed", () => {
    const nested = sound({ definedTags: { Ops: { Cost: "42", Team: "a" } } });
    const flat = sound({ definedTags: { "Ops.Cost": "42", "Ops.Team": "a" } });
    const mixed = sound({ definedTags: { "Ops.Team": "a", Ops: { Cost: "42" } } });
    expect(nested.spec.definedTags).toEqual({ Ops: { Cost: "42", Team: "a" } });
    expect(flat.inputDigest).toBe(nested.inputDigest);
    expect(mixed.inputDigest).toBe(nested.inputDigest);
  });

  it("a fixed shape without shapeConfig, a tenancy, groups that all have a subnet", () => {
    sound({ shape: "VM.Standard2.1", shapeConfig: undefined });
    sound({ compartmentId: "ocid1.tenancy.oc1..muster" });
    sound({ subnetId: undefined, instances: [{ name: "a", count: 0, subnetId: subnet }] });
    sound({ shapeConfig: { ocpus: 0.5 } });
  });

  it("shapes of groups, each flexible or fixed by itself", () => {
    const count = 0;
    sound({ instances: [{ name: "a", count, shape: "VM.Standard2.1" }] });
    sound({ instances: [{ name: "a", count, shapeConfig: { ocpus: 4 } }] });
    sound({ instances: [{ name: "a", count, shape: "VM.Standard.A1.Flex" }] });
    const instances = [{ name: "a", count, shape: base.shape, shapeConfig: { ocpus: 2 } }];
    sound({ shape: "VM.Standard2.1", shapeConfig: undefined, instances });
  });

  it("every new field", () => {
    sound({ rollingRestart: {}, health: { tcp: { port: 22 } }, placement: {}, metadata: {} });
    sound({ rollingRestart: { maxUnavailable: 0, maxSurge: 1, pause: "30s" } });
    sound({
      health: { http: { port: 8080, path: "/healthz?all=1", status: 204 }, patience: "90s" },
    });
    sound({ restart: "2026-08-01 kernel", updatePolicy: "Rolling" });
    const availabilityDomains = ["Uocm:PHX-AD-1", "AD-2"];
    sound({ placement: { availabilityDomains, faultDomains: ["FAULT-DOMAIN-3"] } });
    sound({
      metadata: {
        ssh_authorized_keys: "ssh-ed25519 AAAA me\nssh-rsa BBBB\n",
        user_data: "aGk=",
        role: "",
      },
    });
    sound({ metadata: { role: "x".repeat(32_000 - 4) } });
  });

  it.prop("any order of fields as the same input", { seed: Schema.Int }, ({ seed }) => {
    const changes = { freeformTags: { b: "1", a: "2" }, definedTags: { Z: { b: "1", a: "2" } } };
    const shuffled = read(changes, (value: unknown) =>
      JSON.stringify(shuffle(value as Json, seed)),
    );
    expect(shuffled.documents[0]?.inputDigest).toBe(sound(changes).inputDigest);
  });
});

/** The same value with the fields of every map in an order that the seed decides. */
const shuffle = (value: Json, seed: number): Json => {
  if (Array.isArray(value)) return value.map((inner: Json) => shuffle(inner, seed));
  if (value === null || typeof value !== "object") return value;
  const rank = (name: string): number =>
    [...name].reduce((sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 16_777_619), seed);
  const names = Object.keys(value).toSorted((a, b) => rank(a) - rank(b));
  return Object.fromEntries(
    names.map((name) => [name, shuffle((value as JsonObject)[name]!, seed)]),
  );
};

describe("FleetConfig refuses", () => {
  it.each<[Readonly<Record<string, Json | undefined>>, string]>([
    [
      { scaling: { paralelLaunch: 5 } },
      '$.spec.scaling.paralelLaunch unknown field "paralelLaunch" | did you mean "parallelLaunch"?',
    ],
    [
      { scaling: undefined },
      '$.spec.scaling missing field "scaling" | "scaling: {}" takes the defaults: 5 launches and 10 terminations at a time',
    ],
    [
      { scaling: null },
      '$.spec.scaling "scaling" must be a map of fields, but is empty | "scaling: {}" takes the defaults: 5 launches and 10 terminations at a time',
    ],
    [
      { scaling: { parallelLaunch: 0 } },
      '$.spec.scaling.parallelLaunch "parallelLaunch" must be a whole number from 1 to 100, but is the number 0',
    ],
    [
      { scaling: { parallelTerminate: 101 } },
      '$.spec.scaling.parallelTerminate "parallelTerminate" must be a whole number from 1 to 100, but is the number 101',
    ],
    [
      { compartmentId: base.imageId },
      '$.spec.compartmentId "compartmentId" must be the OCID of a compartment or tenancy, but is the text "ocid1.image.oc1.phx.muster" | it looks like "ocid1.compartment.oc1..UNIQUE"; see: oci iam compartment list',
    ],
    [
      { imageId: "oracle-linux" },
      '$.spec.imageId "imageId" must be the OCID of an image, but is the text "oracle-linux" | it looks like "ocid1.image.oc1.REGION.UNIQUE"; see: oci compute image list',
    ],
    [
      { subnetId: "ocid1.vcn.oc1.phx.x" },
      '$.spec.subnetId "subnetId" must be the OCID of a subnet, but is the text "ocid1.vcn.oc1.phx.x" | it looks like "ocid1.subnet.oc1.REGION.UNIQUE"; see: oci network subnet list',
    ],
    [
      { availabilityDomain: "" },
      '$.spec.availabilityDomain "availabilityDomain" must be text of 1 to 255 characters, but is the text ""',
    ],
    [
      { displayNamePrefix: "a\nb" },
      '$.spec.displayNamePrefix "displayNamePrefix" must be text of 1 to 100 characters in one line, but is the text "a\\u{a}b"',
    ],
    [
      { shapeConfig: undefined },
      '$.spec.shapeConfig missing field "shapeConfig" | the shape "VM.Standard.E4.Flex" is flexible; say how large, such as "shapeConfig: { ocpus: 1 }"',
    ],
    [
      { shape: "VM.Standard2.1" },
      '$.spec.shapeConfig "shapeConfig" stands beside a shape of fixed size, "VM.Standard2.1" | remove it, or choose a shape that ends in ".Flex"',
    ],
    [
      { shapeConfig: { memoryInGBs: 1 } },
      '$.spec.shapeConfig.ocpus missing field "ocpus" | add it to $.spec.shapeConfig',
    ],
    [
      { shapeConfig: { ocpus: 0 } },
      '$.spec.shapeConfig.ocpus "ocpus" must be a number of OCPUs above 0, at most 1024, but is the number 0',
    ],
    [
      { subnetId: undefined },
      '$.spec.subnetId missing field "subnetId" | add it to $.spec, or to each group without one: "web"',
    ],
    [
      { auth: { method: "usr" } },
      '$.spec.auth.method "method" must be one of "instance", "user", but is the text "usr" | did you mean "user"?',
    ],
    [
      { auth: { profile: "x" } },
      '$.spec.auth.profile "profile" is only for the method "user" | write "method: user", or remove it',
    ],
    [
      { auth: { method: "instance", configFile: "x" } },
      '$.spec.auth.configFile "configFile" is only for the method "user" | write "method: user", or remove it',
    ],
    [
      { auth: { region: "Frankfurt!" } },
      '$.spec.auth.region "region" must be the name of a region, such as "eu-frankfurt-1", but is the text "Frankfurt!"',
    ],
    [
      { suspend: { reason: "moving" } },
      '$.spec.suspend.until missing field "until" | add it to $.spec.suspend',
    ],
    [
      { suspend: { until: "2026-08-01T18:00:00Z" } },
      '$.spec.suspend.reason missing field "reason" | add it to $.spec.suspend',
    ],
    [
      { suspend: { until: "2026-08-01T18:00:00", reason: "moving" } },
      '$.spec.suspend.until "until" must be a time in ISO 8601, with its zone, but is the text "2026-08-01T18:00:00" | such as "2026-08-01T18:00:00Z" or "2026-08-01T20:00:00+02:00"',
    ],
    [
      { suspend: { until: "2026-02-30T18:00:00Z", reason: "moving" } },
      '$.spec.suspend.until no calendar or clock has the time "2026-02-30T18:00:00Z" | such as "2026-08-01T18:00:00Z" or "2026-08-01T20:00:00+02:00"',
    ],
    [
      { suspend: true },
      '$.spec.suspend "suspend" must be a map of fields, but is true | say until when, and why: suspend: { until: "2026-08-01T18:00:00Z", reason: … }',
    ],
    [
      { suspend: { until: "2026-08-01T18:00:00Z", reason: "" } },
      '$.spec.suspend.reason "reason" must be text of 1 to 1000 characters, but is the text ""',
    ],
    [
      { freeformTags: { cost: 42 } },
      '$.spec.freeformTags.cost "cost" must be text of at most 256 characters, but is the number 42 | write "42" in quotes',
    ],
    [
      { freeformTags: { "fleetctl-fleet": "x" } },
      '$.spec.freeformTags.fleetctl-fleet the tag "fleetctl-fleet" is muster\'s own | choose another name; muster sets this one itself',
    ],
    [
      { freeformTags: { "Muster-Owner": "x" } },
      '$.spec.freeformTags.Muster-Owner the tag "Muster-Owner" is muster\'s own | choose another name; muster sets this one itself',
    ],
    [
      { freeformTags: { "": "x" } },
      '$.spec.freeformTags[""] the tag\'s name "" has 0 characters | names of tags have 1 to 100 characters',
    ],
    [
      { freeformTags: Object.fromEntries([..."abcdefg"].map((key) => [key, "x"])) },
      "$.spec.freeformTags more than 6 freeform tags | OCI keeps ten on an instance and muster needs four; use defined tags for the rest",
    ],
    [
      {
        restart: "1",
        freeformTags: Object.fromEntries([..."abcdef"].map((key) => [key, "x"])),
      },
      '$.spec.freeformTags more than 5 freeform tags beside "restart" | the restart is kept in a tag; use defined tags for the rest',
    ],
    [
      { restart: "a\nb" },
      '$.spec.restart "restart" must be text of 1 to 100 characters in one line, but is the text "a\\u{a}b"',
    ],
    [
      { restart: 7 },
      '$.spec.restart "restart" must be text of 1 to 100 characters in one line, but is the number 7 | write "7" in quotes',
    ],
    [
      { rollingRestart: { maxUnavailable: 0 } },
      '$.spec.rollingRestart.maxUnavailable "maxUnavailable" and "maxSurge" are both 0: no member could ever be replaced | write "maxSurge: 1" to launch first, or "maxUnavailable: 1"',
    ],
    [
      { rollingRestart: { maxSurge: -1 } },
      '$.spec.rollingRestart.maxSurge "maxSurge" must be a whole number from 0 to 10000, but is the number -1',
    ],
    [
      { rollingRestart: { pause: "30" } },
      '$.spec.rollingRestart.pause "pause" must be a whole number with its unit: ms, s, m or h, but is the text "30" | such as "30s" or "5m"',
    ],
    [
      { rollingRestart: { pause: "25h" } },
      '$.spec.rollingRestart.pause "pause" is longer than a day | write at most "24h"',
    ],
    [
      { health: { tcp: { port: 22 }, patience: "25h" } },
      '$.spec.health.patience "patience" is longer than a day | write at most "24h"',
    ],
    [
      { updatePolicy: "rolling" },
      '$.spec.updatePolicy "updatePolicy" must be one of "OnRestart", "Rolling", but is the text "rolling" | did you mean "Rolling"?',
    ],
    [
      { health: {} },
      '$.spec.health neither "tcp" nor "http" says how to ask | such as "health: { tcp: { port: 22 } }"',
    ],
    [
      { health: { tcp: { port: 22 }, http: { port: 80 } } },
      '$.spec.health "tcp" and "http" stand beside each other | remove one of them',
    ],
    [
      { health: { tcp: { port: 65_536 } } },
      '$.spec.health.tcp.port "port" must be a whole number from 1 to 65535, but is the number 65536',
    ],
    [
      { health: { http: { port: 80, path: "healthz" } } },
      '$.spec.health.http.path "path" must be a path that begins with /, of at most 1024 visible characters, but is the text "healthz"',
    ],
    [
      { metadata: { user_data: "#cloud-config" } },
      '$.spec.metadata.user_data "user_data" cannot be used | it must be base64, such as: base64 -w0 cloud-init.yaml',
    ],
    [
      { metadata: { ssh_authorized_keys: "~/.ssh/id.pub" } },
      '$.spec.metadata.ssh_authorized_keys "ssh_authorized_keys" cannot be used | it must be public keys, one a line, such as: ssh-ed25519 AAAA… me@example.com',
    ],
    [
      { metadata: { "user-data": "aGk=" } },
      '$.spec.metadata.user-data nothing on the member reads "user-data" | did you mean "user_data"?',
    ],
    [
      { metadata: { "a b": "x" } },
      '$.spec.metadata["a b"] "a b" is no name of metadata | names have 1 to 255 letters, digits and _ - . :',
    ],
    [
      { metadata: { role: "é".repeat(15_999) } },
      "$.spec.metadata the metadata has 32002 bytes, names included, and OCI takes 32000 | let user_data fetch what is large",
    ],
    [
      { placement: { faultDomains: ["FD-1"] } },
      '$.spec.placement.faultDomains[0] "faultDomains[0]" must be the name of a fault domain, but is the text "FD-1" | such as "FAULT-DOMAIN-1"',
    ],
    [
      { placement: { faultDomains: [] } },
      '$.spec.placement.faultDomains "faultDomains" must be a list of 1 to 9 fault domains, but is a list',
    ],
    [
      { placement: { availabilityDomains: ["AD-1", "AD-2", "AD-1"] } },
      '$.spec.placement.availabilityDomains[2] "AD-1" stands there twice | remove one of them',
    ],
    [
      { placement: { availabilityDomains: ["AD-2", "AD-3"] } },
      '$.spec.placement.availabilityDomains "availabilityDomain", "AD-1", is not among them | add it, or set availabilityDomain to one of them',
    ],
    [
      { instances: [{ name: "a", count: 1, shape: "VM.Standard2.1", shapeConfig: { ocpus: 1 } }] },
      '$.spec.instances[0].shapeConfig "shapeConfig" stands beside a shape of fixed size, "VM.Standard2.1" | remove it, or choose a shape that ends in ".Flex"',
    ],
    [
      {
        shape: "VM.Standard2.1",
        shapeConfig: undefined,
        instances: [{ name: "a", count: 1, shape: "VM.Standard.E4.Flex" }],
      },
      '$.spec.instances[0].shapeConfig missing field "shapeConfig" | the shape "VM.Standard.E4.Flex" is flexible; say how large, such as "shapeConfig: { ocpus: 1 }"',
    ],
    [
      { definedTags: { Cost: "x" } },
      '$.spec.definedTags.Cost the defined tag "Cost" has no namespace | write "NAMESPACE.Cost", or put it in a map named after its namespace',
    ],
    [
      { definedTags: { Ops: { "a.b": "x" } } },
      '$.spec.definedTags.Ops["a.b"] "Ops.a.b" is no namespace and key of a defined tag | both are 1 to 100 characters without dots and spaces: NAMESPACE.KEY',
    ],
    [
      { definedTags: { "Ops.a": "x", ops: { A: "y" } } },
      '$.spec.definedTags.ops.A the defined tag "ops.A" is written twice | OCI ignores upper and lower case here; remove one of them',
    ],
    [
      { definedTags: { Ops: 5 } },
      '$.spec.definedTags.Ops "Ops" must be text, or a map of tags, but is the number 5',
    ],
    [
      { definedTags: { Ops: { a: 5 } } },
      '$.spec.definedTags.Ops.a "a" must be text of at most 256 characters, but is the number 5 | write "5" in quotes',
    ],
    [
      { instances: [] },
      '$.spec.instances "instances" must be a list with at least one group, but is a list | to have no members, keep a group with "count: 0"',
    ],
    [
      { instances: [{ name: "web", count: -1 }] },
      '$.spec.instances[0].count "count" must be a whole number from 0 to 10000, but is the number -1',
    ],
    [
      { instances: [{ name: "web", count: 10_001 }] },
      '$.spec.instances[0].count "count" must be a whole number from 0 to 10000, but is the number 10001',
    ],
    [
      { instances: [{ name: "Web", count: 1 }] },
      '$.spec.instances[0].name "name" must be 1 to 63 lower-case letters, digits and dashes, with a letter or digit at both ends, but is the text "Web" | such as "web" or "batch-2"',
    ],
    [
      {
        instances: [
          { name: "a", count: 1 },
          { name: "a", count: 2 },
        ],
      },
      '$.spec.instances[1].name a group "a" is already at $.spec.instances[0] | rename one of the two',
    ],
    [
      {
        instances: [
          { name: "a", count: 1 },
          { name: "b", count: 2, previousName: "a" },
        ],
      },
      '$.spec.instances[1].previousName previousName "a" is another group\'s name | leave it out, or rename that group',
    ],
    [
      { instances: [{ name: "a", count: 1, previousName: "a" }] },
      '$.spec.instances[0].previousName previousName "a" is the group\'s own name | leave it out, or rename that group',
    ],
    [
      {
        instances: [
          { name: "a", count: 1, previousName: "c" },
          { name: "b", count: 2, previousName: "c" },
        ],
      },
      '$.spec.instances[1].previousName previousName "c" is already claimed at $.spec.instances[0] | only one group can take over the members of another',
    ],
  ])("%j", (changes, expected) => {
    expect(faults(changes)).toEqual([expected]);
  });

  const required = [
    "compartmentId",
    "imageId",
    "availabilityDomain",
    "shape",
    "shapeConfig",
    "subnetId",
    "scaling",
  ] as const;

  it.prop(
    "each missing field once",
    { present: Schema.Array(Schema.Literals(required)) },
    ({ present }) => {
      const kept = new Set<string>(present);
      const missing = required.filter((field) => !kept.has(field));
      // Whether a shape is flexible is unknown while there is none, so nothing is missing beside it.
      const told = missing.filter((field) => field !== "shapeConfig" || kept.has("shape"));
      const found = read(
        Object.fromEntries(missing.map((field) => [field, undefined])),
      ).diagnostics;
      expect(found.map(({ path }) => path).toSorted()).toEqual(
        told.map((field) => `$.spec.${field}`).toSorted(),
      );
      expect(
        found.every(({ summary, line }) => summary.startsWith("missing field") && line === 4),
      ).toBe(true);
    },
  );

  it("with the place of the key or value", () => {
    const text = example
      .replace("parallelLaunch: 5", "paralelLaunch: 5")
      .replace("count: 3", "count: three")
      .trimStart();
    const { diagnostics } = readDocuments([FleetConfig], [{ file: "fleet.yaml", text }]);
    expect(diagnostics).toMatchObject([
      { line: 15, column: 5, hint: 'did you mean "parallelLaunch"?' },
      {
        line: 28,
        column: 14,
        summary: '"count" must be a whole number from 0 to 10000, but is the text "three"',
      },
    ]);
  });
});

describe("FleetConfig expands", () => {
  const rich = {
    displayNamePrefix: "shop",
    auth: { method: "user", profile: "P" },
    freeformTags: { team: "a" },
    definedTags: { "Ops.Cost": "42" },
    instances: [
      { name: "web", count: 3 },
      { name: "batch", count: 0, subnetId: "ocid1.subnet.oc1.phx.other", previousName: "jobs" },
    ],
  };

  it("to one set per group", () => {
    const template = {
      imageId: base.imageId,
      shape: base.shape,
      shapeConfig: base.shapeConfig,
      subnetId: subnet,
      availabilityDomain: "AD-1",
      displayNamePrefix: "shop",
      freeformTags: { team: "a" },
      definedTags: { Ops: { Cost: "42" } },
    };
    const document = { kind: "FleetConfig", name: "shop" };
    expect(FleetConfig.expand(sound(rich))).toEqual({
      document,
      resource: "oci.instances",
      sets: [
        { resource: "oci.instances", document, name: "web", count: 3, template },
        {
          resource: "oci.instances",
          document,
          name: "batch",
          count: 0,
          previousName: "jobs",
          template: { ...template, subnetId: "ocid1.subnet.oc1.phx.other" },
        },
      ],
      scope: { compartmentId: base.compartmentId, auth: { method: "user", profile: "P" } },
      parallel: { create: 3, remove: 4 },
    });
  });

  it("as it always did where no newer field is used", () => {
    const marksOf = ({ sets }: Expansion) => sets.map(({ template }) => templateMark(template));
    const { documents } = readDocuments([FleetConfig], [{ file: "fleet.yaml", text: example }]);
    const specified = documents[0] as unknown as Document<FleetSpec>;
    // Taken before the fields were there: a change of these would replace every member that runs.
    expect(marksOf(FleetConfig.expand(specified))).toEqual([
      "2ba5246731a1ed48",
      "83dce960a26dfbe3",
    ]);
    expect(marksOf(FleetConfig.expand(sound({})))).toEqual(["77c59c2f2431baf3"]);
    expect([specified.inputDigest, sound({}).inputDigest]).toEqual([
      "sha256:b80ad48b476db4a014dac494cfb2c4f6fa79acd27ca093b1391d3f1d9ed64c29",
      "sha256:14ad441d82b394a2b0274beb7dc1359dc123aa7d6cd3e1653bc861a83418ef50",
    ]);
    expect(digestOf(FleetConfig.expand(specified))).toBe("f888fa7ba7df31f0");
    expect(digestOf(FleetConfig.expand(sound({})))).toBe("9f8e54aa52c98a92");
  });

  const digestOf = (expansion: Expansion): string =>
    sha256Hex(canonicalJson(expansion)).slice(0, 16);

  it("with how members are replaced, restarted and asked", () => {
    const plain = FleetConfig.expand(sound({}));
    const expanded = (changes: JsonObject) => FleetConfig.expand(sound(changes));
    const serial = { maxUnavailable: 1, maxSurge: 0, pauseMillis: 0 };
    expect(expanded({ restart: "1" })).toStrictEqual({ ...plain, restart: "1" });
    expect(expanded({ updatePolicy: "Rolling" }).replace).toEqual({ ...serial, onDrift: true });
    expect(expanded({ rollingRestart: {} }).replace).toEqual({ ...serial, onDrift: false });
    expect(expanded({ rollingRestart: { maxSurge: 2, pause: "5m" } }).replace).toEqual({
      maxUnavailable: 0,
      maxSurge: 2,
      pauseMillis: 300_000,
      onDrift: false,
    });
    const both = { maxSurge: 2, maxUnavailable: 3 };
    expect(expanded({ rollingRestart: both }).replace).toMatchObject(both);
    expect(expanded({ health: { tcp: { port: 22 } } }).health).toEqual({
      probe: { tcp: { port: 22 } },
      patienceMillis: 300_000,
    });
    expect(expanded({ health: { http: { port: 80 }, patience: "90s" } }).health).toEqual({
      probe: { http: { port: 80, path: "/" } },
      patienceMillis: 90_000,
    });
  });

  it("with the metadata in the template, and the placement outside of it", () => {
    const plain = FleetConfig.expand(sound({}));
    const metadata = { role: "web" };
    expect(FleetConfig.expand(sound({ metadata })).sets[0]?.template).toEqual({
      ...plain.sets[0]?.template,
      metadata,
    });
    const placement = { availabilityDomains: ["AD-1", "AD-2"], faultDomains: ["FAULT-DOMAIN-1"] };
    expect(FleetConfig.expand(sound({ placement }))).toStrictEqual({
      ...plain,
      scope: { ...plain.scope, placement },
    });
  });

  it("with the shape of each group", () => {
    const instances = [
      { name: "a", count: 1, shape: "VM.Standard2.1" },
      { name: "b", count: 1, shapeConfig: { ocpus: 4 } },
      { name: "c", count: 1, shape: "VM.Standard.A1.Flex" },
    ];
    const shapes = FleetConfig.expand(sound({ instances })).sets.map(({ template }) => [
      template["shape"],
      template["shapeConfig"],
    ]);
    expect(shapes).toEqual([
      ["VM.Standard2.1", undefined],
      [base.shape, { ocpus: 4 }],
      ["VM.Standard.A1.Flex", base.shapeConfig],
    ]);
  });

  it("with its suspension, which is no part of what members are made from", () => {
    const suspend = { until: "2026-08-01T20:00:00+02:00", reason: "moving" };
    const plain = FleetConfig.expand(sound({}));
    const suspended = FleetConfig.expand(sound({ suspend }));
    expect(suspended).toStrictEqual({ ...plain, suspend });
    expect("suspend" in plain).toBe(false);
  });

  it("with the document's previous name, and nothing undefined", () => {
    const expansion = FleetConfig.expand({ ...sound({}), previousName: "old" });
    expect(expansion.previousName).toBe("old");
    expect(JSON.parse(JSON.stringify(expansion))).toStrictEqual(expansion);
  });
});

describe("the JSON Schema of FleetConfig", () => {
  const schema = jsonSchemaOf([FleetConfig]) as unknown as SchemaNode;
  interface SchemaNode {
    readonly [key: string]: SchemaNode & ReadonlyArray<SchemaNode> & string & boolean & number;
  }
  const document = schema["oneOf"]![0];
  const spec = document["properties"]["spec"];

  it("names the kind and what it needs", () => {
    expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema");
    expect(document["title"]).toBe("FleetConfig");
    expect(document["properties"]["kind"]["const"]).toBe("FleetConfig");
    expect(document["required"]).toEqual(["kind", "metadata", "spec"]);
    expect(spec["required"]).toEqual([
      "compartmentId",
      "imageId",
      "availabilityDomain",
      "shape",
      "scaling",
      "instances",
    ]);
  });

  it("is closed wherever the reader is, and tells defaults, bounds and descriptions", () => {
    const open: Array<string> = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      if (
        "properties" in node &&
        (node as unknown as JsonObject)["additionalProperties"] !== false
      ) {
        if (!path.endsWith("properties")) open.push(path);
      }
      for (const [key, inner] of Object.entries(node)) walk(inner, `${path}/${key}`);
    };
    walk(schema, "");
    expect(open).toEqual([]);
    const fields = Object.entries<SchemaNode>(spec["properties"]);
    expect(fields.filter(([, field]) => !field["description"]).map(([name]) => name)).toEqual([]);
    expect(spec["properties"]["scaling"]["properties"]["parallelLaunch"]).toMatchObject({
      default: 5,
      minimum: 1,
      maximum: 100,
    });
    expect(spec["properties"]["auth"]["properties"]["method"]).toMatchObject({
      default: "instance",
      enum: ["instance", "user"],
    });
    expect(spec["properties"]["freeformTags"]).toMatchObject({ maxProperties: 6 });
    expect(spec["properties"]["suspend"]["required"]).toEqual(["until", "reason"]);
    expect(new RegExp(spec["properties"]["imageId"]["pattern"], "u").test(base.imageId)).toBe(true);
    expect(new RegExp(spec["properties"]["imageId"]["pattern"], "u").test(subnet)).toBe(false);
  });
});
