// Draws the trace of a real run as docs/explanation/trace.svg: what was sent by OTLP, decoded again.
//
//     node --conditions=muster-source scripts/trace-picture.ts
//
// The run is `muster run --once` on the simulator and a repository on this machine, with one refused
// call planted. The rows are the same each time; how long they are is what was measured.

import { writeFile } from "node:fs/promises";
import * as path from "node:path";
import { openCollector, type Span } from "../packages/cli/test/collector.ts";
import { fleet } from "../packages/cli/test/fleet.ts";
import { openRepository } from "../packages/cli/test/repository.ts";
import { openWorld } from "../packages/cli/test/world.ts";

const target = path.resolve(import.meta.dirname, "../docs/explanation/trace.svg");

const recorded = async (): Promise<ReadonlyArray<Span>> => {
  const world = await openWorld({ launchDelayMs: 400 });
  const collector = await openCollector();
  try {
    const repository = await openRepository(world);
    await repository.commit({ "web.yaml": fleet(2) });
    const busy = { status: 429, code: "TooManyRequests", message: "slow down" };
    world.simulator.faults.set([{ operation: "LaunchInstance", nth: 1, answer: busy }]);
    const args = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
    const ran = await world.inside(args, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    if (ran.code !== 0) throw new Error(ran.stderr);
    return collector.spans();
  } finally {
    await collector.close();
    await world.close();
  }
};

/** Spans of one name below one parent row, drawn side by side. */
interface Row {
  readonly name: string;
  readonly depth: number;
  readonly spans: ReadonlyArray<Span>;
}

const byStart = (a: Span, b: Span): number => (a.start < b.start ? -1 : 1);

const rowsBelow = (
  spans: ReadonlyArray<Span>,
  parents: ReadonlySet<string | null>,
  depth: number,
): ReadonlyArray<Row> => {
  const below = spans.filter(({ parentId }) => parents.has(parentId)).toSorted(byStart);
  return [...Map.groupBy(below, ({ name }) => name)].flatMap(([name, same]) => [
    { name, depth, spans: same },
    ...rowsBelow(spans, new Set(same.map(({ spanId }) => spanId)), depth + 1),
  ]);
};

const [rowHeight, left, width, margin] = [19, 250, 640, 12];

const colours: ReadonlyArray<readonly [string, string]> = [
  ["git", "#c2410c"],
  ["oci", "#0369a1"],
  ["store", "#6d28d9"],
  ["", "#475569"],
];

const colourOf = (name: string): string =>
  colours.find(([begin]) => name.startsWith(begin))?.[1] ?? "#475569";

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const draw = (spans: ReadonlyArray<Span>): string => {
  const rows = rowsBelow(spans, new Set([null]), 0);
  const root = rows[0]!.spans[0]!;
  const whole = Number(root.end - root.start);
  const at = (time: bigint): number => left + (Number(time - root.start) / whole) * width;
  const height = margin * 2 + 24 + rows.length * rowHeight;
  const full = left + width + margin;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const x = (left + share * width).toFixed(1);
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    const label = `${Math.round((share * whole) / 1e6)} ms`;
    return `<line class="tick" x1="${x}" x2="${x}" y1="${margin + 18}" y2="${height - margin}"/><text class="time" x="${x}" y="${margin + 10}" text-anchor="${anchor}">${label}</text>`;
  });
  const drawn = rows.map((row, index) => {
    const y = margin + 24 + index * rowHeight;
    const more = row.spans.length > 1 ? `\u00a0× ${row.spans.length}` : "";
    const bars = row.spans.map((span) => {
      const failed = span.attributes["error.type"];
      const x = at(span.start);
      const wide = Math.max(1.5, at(span.end) - x);
      const said = `${span.name}, ${(Number(span.end - span.start) / 1e6).toFixed(1)} ms${failed === undefined ? "" : `, ${JSON.stringify(failed)}`}`;
      return `<rect x="${x.toFixed(1)}" y="${y + 3}" width="${wide.toFixed(1)}" height="${rowHeight - 7}" rx="2" fill="${failed === undefined ? colourOf(span.name) : "#dc2626"}"><title>${escaped(said)}</title></rect>`;
    });
    const label = `<text x="${margin + row.depth * 12}" y="${y + 13}">${escaped(row.name)}<tspan class="time">${more}</tspan></text>`;
    return `<g>${label}${bars.join("")}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${full} ${height}" width="${full}" height="${height}" role="img" aria-label="The trace of one run, ${rows.length} rows of spans below SYNC muster">`,
    `<style>text{font:11.5px ui-monospace,SFMono-Regular,Menlo,monospace;fill:#1e293b}.time{fill:#64748b;font-size:10.5px}.tick{stroke:#cbd5e1;stroke-dasharray:2 3}rect{fill-opacity:.85}</style>`,
    `<rect width="${full}" height="${height}" fill="#ffffff" style="fill-opacity:1"/>`,
    ...ticks,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
};

await writeFile(target, draw(await recorded()));
process.stdout.write(`${path.relative(process.cwd(), target)}\n`);
// What the simulator's clients keep open needs no end of its own.
process.exit(0);
