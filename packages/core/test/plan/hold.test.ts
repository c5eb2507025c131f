// Checks which of several brakes holds a document, for how long, and what the refusal tells to do.

import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import { holdOf, type HoldInput } from "../../src/plan/hold.ts";

const now = Date.parse("2026-05-01T12:00:00.000Z");
const document = { kind: "FakeFleet", name: "site" };
const inputDigest = "sha256:asked";
const at = (minutes: number) => new Date(now + minutes * 60_000).toISOString();
const minutes = Schema.Int.check(Schema.isBetween({ minimum: -2, maximum: 2 }));

const suspension = (end: string, name = "site") => ({
  _tag: "Suspension" as const,
  document: { kind: "FakeFleet", name },
  by: "ann@host",
  reason: "moving\u001b[2J",
  at: at(-10),
  until: end,
});

const quarantine = (digest: string, since: number) => ({
  _tag: "Quarantine" as const,
  document,
  inputDigest: digest,
  message: "LaunchInstance: no such image\u001b[2J",
  remedy: "check imageId",
  at: at(since),
});

const approval = (digest: string, since: number) => ({
  _tag: "Approval" as const,
  digest,
  by: "ann",
  reason: "the image is there now",
  at: at(since),
});

const free: HoldInput = {
  document,
  inputDigest,
  suspend: undefined,
  remembered: { suspensions: [], quarantines: [], approvals: [] },
  policy: { hold: null, quarantine: true },
  now,
};

const codeOf = (input: HoldInput) => holdOf(input).refusal?.reason.code ?? null;

describe("holdOf", () => {
  it.prop(
    "source before record before document before quarantine; what has ended or is for another input holds nothing",
    {
      source: Schema.Boolean,
      record: Schema.NullOr(minutes),
      former: Schema.NullOr(minutes),
      own: Schema.NullOr(minutes),
      quarantined: Schema.NullOr(minutes),
      same: Schema.Boolean,
      approved: Schema.NullOr(minutes),
      allowed: Schema.Boolean,
    },
    ({ allowed, approved, former, own, quarantined, record, same, source }) => {
      const rewritten = { reason: { code: "HistoryRewritten", text: "" }, remedy: "" };
      const hold = holdOf({
        ...free,
        suspend: own === null ? undefined : { until: at(own), reason: "said" },
        remembered: {
          suspensions: [
            ...(record === null ? [] : [suspension(at(record))]),
            ...(former === null ? [] : [suspension(at(former), "before")]),
          ],
          quarantines:
            quarantined === null ? [] : [quarantine(same ? inputDigest : "sha256:x", quarantined)],
          approvals: approved === null ? [] : [approval(inputDigest, approved)],
        },
        policy: { hold: source ? rewritten : null, quarantine: allowed },
      });
      const inForce = (end: number | null) => end !== null && end > 0;
      const lifted = approved !== null && quarantined !== null && approved > quarantined;
      const end = inForce(record) ? record : inForce(former) ? former : inForce(own) ? own : null;
      const isQuarantined = allowed && same && quarantined !== null && !lifted;
      assert.strictEqual(
        hold.refusal?.reason.code ?? null,
        source
          ? "HistoryRewritten"
          : end !== null
            ? "Suspended"
            : isQuarantined
              ? "Quarantined"
              : null,
      );
      assert.strictEqual(hold.dueAt, source || end === null ? null : now + end * 60_000);
      if (!source && end !== null) {
        const text = inForce(record) || inForce(former) ? "ann@host" : "itself";
        assert.include(hold.refusal?.reason.text, text);
        assert.include(hold.refusal?.reason.text, at(end));
      }
    },
    { arbitrary: { runs: 500 } },
  );

  it("names the command that lifts it, under the name that the record bears", () => {
    const suspended = holdOf({
      ...free,
      remembered: { ...free.remembered, suspensions: [suspension(at(5), "before")] },
    });
    assert.include(suspended.refusal!.remedy, "muster resume FakeFleet/before ");
    assert.notInclude(suspended.refusal!.reason.text, "\u001b");
    const quarantined = holdOf({
      ...free,
      remembered: { ...free.remembered, quarantines: [quarantine(inputDigest, -1)] },
    });
    assert.strictEqual(quarantined.refusal!.consent, inputDigest);
    assert.include(quarantined.refusal!.remedy, `muster approve ${inputDigest} --reason TEXT`);
    assert.match(quarantined.refusal!.remedy, /^check imageId; it is tried again when/u);
    assert.notInclude(quarantined.refusal!.reason.text, "\u001b");
  });

  it("an end that cannot be read never comes", () => {
    const suspensions = [suspension("soon")];
    const hold = holdOf({ ...free, remembered: { ...free.remembered, suspensions } });
    assert.strictEqual(hold.refusal?.reason.code, "Suspended");
    assert.strictEqual(hold.dueAt, null);
    assert.strictEqual(codeOf({ ...free, suspend: { until: "", reason: "" } }), "Suspended");
  });
});
