// Planning members that are all as asked, held against parsing 10,000 documents of YAML.

import { parseAllDocuments } from "yaml";
import { expand, plan } from "@muster/core/plan/plan";
import type { PlanInput } from "@muster/core/plan/input";
import { readDocuments } from "@muster/core/read/read";
import { documentRecord } from "@muster/core/report/bookkeeping";
import type { Document } from "@muster/core/words/document";
import type { MemberName } from "@muster/core/words/member";
import { defaultPolicy } from "@muster/core/words/policy";
import type { MemberSighting, Observation } from "@muster/core/words/provider";
import type { StoreRecord } from "@muster/core/words/record";
import { type SetResource, templateMark } from "@muster/core/words/set";
import { FakeFleet } from "@muster/testkit/fleet/fake-fleet";
import { oneFile, wideLimits } from "./fleets.ts";
import { compare, type Figure, report } from "./runner.ts";

const owner = "us";
const createdAt = Date.UTC(2026, 0, 1);
const now = Date.UTC(2026, 0, 2);

/** What plan is given when so many documents of so many members each have converged. */
const convergedInput = (documents: number, members: number): PlanInput => {
  const text = JSON.stringify(
    Array.from({ length: documents }, (_, index) => ({
      kind: "FakeFleet",
      metadata: { name: `site-${index}` },
      spec: { groups: [{ name: "web", count: members }] },
    })),
  );
  const read = readDocuments([FakeFleet], [{ file: "fleet.json", text }], wideLimits);
  const known = read.documents.map((document) => knownOf(document));
  return {
    kinds: [FakeFleet],
    documents: read.documents,
    complete: true,
    observations: known.map(({ observation }) => observation),
    records: known.flatMap(({ records }) => records),
    policy: defaultPolicy(owner),
    now,
  };
};

const knownOf = (
  document: Document,
): { readonly observation: Observation; readonly records: ReadonlyArray<StoreRecord> } => {
  const expansion = expand([FakeFleet], document);
  const address = expansion.document;
  const set = expansion.sets[0]!;
  const mark = templateMark(set.template);
  const members = Array.from({ length: set.count }, (_, index) =>
    sightingOf(set, { set: set.name, slot: index + 1, generation: 1 }, mark),
  );
  return {
    observation: {
      document: address,
      complete: true,
      members,
      places: { [set.name]: { spread: ["place-1"], fallback: [] } },
      blockers: [],
    },
    records: [
      documentRecord(document, expansion, undefined, null),
      {
        _tag: "Applied",
        document: address,
        set: set.name,
        count: set.count,
        template: mark,
        knownSince: new Date(createdAt).toISOString(),
      },
      ...members.map((seen): StoreRecord => ({
        _tag: "Member",
        document: address,
        member: seen.name!,
        id: seen.id,
        alive: true,
      })),
    ],
  };
};

const sightingOf = (set: SetResource, name: MemberName, template: string): MemberSighting => ({
  id: `ocid1.instance.oc1.phx.${set.document.name}.${name.slot}`,
  displayName: `${set.document.name}-${name.slot}`,
  document: set.document.name,
  name,
  owner,
  phase: "running",
  createdAt: new Date(createdAt + name.slot).toISOString(),
  place: "place-1",
  template,
  restart: null,
  health: null,
  version: "v1",
});

const planAll = (input: PlanInput, members: number): void => {
  const plans = plan(input);
  const kept = plans.reduce(
    (sum, one) => sum + one.changes.filter((change) => change.action === "keep").length,
    0,
  );
  if (kept !== members || plans.some((one) => one.changes.length > one.counts[0]!.asked)) {
    throw new Error(`${kept} of ${members} members are kept`);
  }
};

async function* figures(): AsyncGenerator<Figure> {
  const texts = oneFile(10_000);
  const parse = () => texts.forEach(({ text }) => parseAllDocuments(text));
  const shapes = [
    ["in one document", 1, 10_000],
    ["in 1,000 documents of 10", 1_000, 10],
    ["in 10,000 documents of one", 10_000, 1],
  ] as const;
  for (const [how, documents, members] of shapes) {
    const input = convergedInput(documents, members);
    yield await compare({
      what: `plan 10,000 unchanged members ${how}`,
      run: () => planAll(input, 10_000),
      against: "parseAllDocuments of 10,000",
      peer: parse,
      bound: 1,
      rounds: 3,
    });
  }
  yield await timesTen("in one document", convergedInput(1, 10_000), convergedInput(1, 1_000));
  yield await timesTen("in documents of 10", convergedInput(1_000, 10), convergedInput(100, 10));
}

const timesTen = (how: string, large: PlanInput, small: PlanInput): Promise<Figure> =>
  compare({
    what: `plan ten times the members, ${how}`,
    run: () => planAll(large, 10_000),
    against: "1,000 members, ten times",
    // As long as the other side, so that the machine's moods weigh the same: × 1.2 of this is × 12.
    peer: () => {
      for (let time = 0; time < 10; time += 1) planAll(small, 1_000);
    },
    bound: 1.2,
    rounds: 9,
  });

await report("plan", figures());
