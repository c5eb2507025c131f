// Holds that the example's dashboard and the reference name what exists: metrics, labels, spans, events.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { attributes, events, metrics, prometheusName, spans } from "@muster/core/report/telemetry";

const root = path.resolve(import.meta.dirname, "..");
const example = path.join(root, "examples/observability");
const read = (...parts: ReadonlyArray<string>) => readFileSync(path.join(root, ...parts), "utf8");
const files = readdirSync(example, { recursive: true, encoding: "utf8" });

const yaml = (file: string): Record<string, unknown> => {
  const document = parseDocument(readFileSync(path.join(example, file), "utf8"));
  expect(document.errors, file).toEqual([]);
  return document.toJS() as Record<string, unknown>;
};

interface Target {
  readonly refId: string;
  readonly expr?: string;
  readonly query?: string;
  readonly datasource: { readonly uid: string };
}

const dashboard = JSON.parse(
  readFileSync(path.join(example, "grafana/dashboards/muster.json"), "utf8"),
) as {
  readonly panels: ReadonlyArray<{
    readonly id: number;
    readonly title: string;
    readonly targets: ReadonlyArray<Target>;
  }>;
};
const targets = dashboard.panels.flatMap((panel) => panel.targets);
const queries = targets.flatMap(({ expr }) => (expr === undefined ? [] : [expr]));

/** Every name of a series: a histogram has three. */
const series = new Set(
  Object.values(metrics).flatMap((metric) => {
    const name = prometheusName(metric.id);
    return metric.type === "Histogram"
      ? [`${name}_bucket`, `${name}_sum`, `${name}_count`]
      : [name];
  }),
);

const labels = new Set([
  "le",
  ...Object.values(attributes).map((name) => name.replaceAll(/[^A-Za-z0-9_]/gu, "_")),
]);

/** What stands in braces, quoted texts taken out. */
const selectors = (query: string): ReadonlyArray<string> =>
  [...query.replaceAll(/"[^"]*"/gu, '""').matchAll(/\{([^}]*)\}/gu)].map(([, inside]) => inside!);

describe("the example", () => {
  it("has files that can be read, and names only files and services that are there", () => {
    const known = files.filter((file) => file.endsWith(".yaml"));
    expect(known.length).toBe(6);
    for (const file of known) yaml(file);
    const { services } = yaml("compose.yaml") as {
      readonly services: Readonly<
        Record<string, { readonly image: string; readonly volumes: ReadonlyArray<string> }>
      >;
    };
    for (const [name, { image, volumes }] of Object.entries(services)) {
      expect(image, name).toMatch(/^[a-z]+\/[a-z-]+:v?\d+\.\d+\.\d+$/u);
      for (const volume of volumes) {
        expect(existsSync(path.join(example, volume.split(":")[0]!)), volume).toBe(true);
      }
    }
    const uids = JSON.stringify(yaml("grafana/provisioning/datasources/muster.yaml"));
    for (const { datasource } of targets) expect(uids).toContain(`"${datasource.uid}"`);
  });

  it("asks only for metrics and labels that exist", () => {
    expect(queries.length).toBeGreaterThan(15);
    const asked = new Set<string>();
    for (const query of queries) {
      const bare = query.replaceAll(/"[^"]*"/gu, '""').replaceAll(/\{[^}]*\}/gu, "");
      const names = bare.match(/\b(?:muster|cicd)_[a-z0-9_]+/gu) ?? [];
      const found = names.filter((name) => series.has(name));
      expect(found.length, query).toBeGreaterThan(0);
      for (const name of found) asked.add(name);
      const rest = names.filter((name) => !series.has(name) && !labels.has(name));
      expect(rest, query).toEqual([]);
      const used = [
        ...selectors(query).flatMap((inside) => inside.match(/[a-z_]+(?=\s*[=!])/gu) ?? []),
        ...[...query.matchAll(/\bby \(([^)]*)\)/gu)].flatMap(([, list]) => list!.split(/,\s*/u)),
      ];
      for (const label of used) expect(labels.has(label), `${label} in ${query}`).toBe(true);
    }
    // Whoever adds a metric shows it, or says here that it is not for the dashboard.
    const bases = new Set([...asked].map((name) => name.replace(/_(?:bucket|sum|count)$/u, "")));
    const shown = Object.values(metrics).map(({ id }) => prometheusName(id));
    expect(shown.filter((name) => !bases.has(name))).toEqual([]);
  });

  it("asks only for spans that exist", () => {
    const asked = targets.flatMap(({ query }) => (query === undefined ? [] : [query]));
    expect(asked.length).toBe(2);
    const first = Object.values(spans).map((name) => name.split(" ")[0]!);
    for (const query of asked) {
      for (const [, names = ""] of query.matchAll(/(?<![.\w])name =~? "([^"]*)"/gu)) {
        for (const name of names.split("|")) expect(first, query).toContain(name.split(" ")[0]);
      }
      for (const [, name = ""] of query.matchAll(/span\.([a-z_.]+)/gu)) {
        expect(Object.values(attributes) as ReadonlyArray<string>, query).toContain(name);
      }
    }
  });
});

describe("the reference", () => {
  const page = read("docs/reference/telemetry.md");
  const rows = (heading: string): ReadonlyArray<string> => {
    const section = page.split(/^## /mu).find((one) => one.startsWith(heading)) ?? "";
    return [...section.matchAll(/^\| `([^`]+)`/gmu)].map(([, name]) => name!);
  };

  it("lists every metric, with the name that Prometheus knows", () => {
    expect(rows("Metrics").toSorted()).toEqual(
      Object.values(metrics)
        .map(({ id }) => id)
        .toSorted(),
    );
    for (const { id } of Object.values(metrics)) {
      expect(page).toContain(`| \`${id}\` | \`${prometheusName(id)}\` |`);
    }
  });

  it("lists every event of the log", () => {
    expect(rows("Log events").toSorted()).toEqual(Object.values(events).toSorted());
  });

  it("lists every span and attribute", () => {
    const made = ["core", "gitops-runner"].flatMap((name) => {
      const folder = path.join(root, "packages", name, "src");
      const texts = readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => readFileSync(path.join(folder, file), "utf8"));
      return texts.flatMap((text) =>
        [...text.matchAll(/Effect\.fn\("([^"]+)"/gu)].map(([, span]) => span!),
      );
    });
    expect(made.length).toBeGreaterThan(5);
    for (const span of made) expect(Object.values(spans) as ReadonlyArray<string>).toContain(span);
    const named = rows("Spans").map((name) => name.replace(/ (?:muster|…).*$/u, ""));
    expect(named.toSorted()).toEqual(Object.values(spans).toSorted());
    expect(rows("Attributes").toSorted()).toEqual(Object.values(attributes).toSorted());
  });
});
