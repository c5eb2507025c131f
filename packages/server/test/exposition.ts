// Reads the Prometheus text format 0.0.4 strictly: what a lenient scraper would let pass is a fault here.

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string | null;
  readonly samples: ReadonlyArray<Sample>;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/u;
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/u;
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/uy;
const numberForm = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/u;

/** The families by name. Throws for the first thing that is not as the format says. */
export const parseExposition = (text: string): ReadonlyMap<string, Family> => {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, { type: string; help: string | null; samples: Array<Sample> }>();
  let current: string | null = null;
  let help: readonly [string, string] | null = null;
  for (const line of text.split("\n").slice(0, -1)) {
    if (line.startsWith("# HELP ")) {
      const [, name = "", said = ""] = /^# HELP (\S+) (.*)$/u.exec(line) ?? [];
      help = [name, said];
      continue;
    }
    if (line.startsWith("# TYPE ")) {
      const [, name = "", type = ""] = /^# TYPE (\S+) (\S+)$/u.exec(line) ?? [];
      if (!metricName.test(name)) throw new Error(`no name of a metric: ${line}`);
      if (!["counter", "gauge", "histogram", "summary"].includes(type)) throw new Error(line);
      if (families.has(name)) throw new Error(`${name} is told twice`);
      families.set(name, { type, help: help?.[0] === name ? help[1] : null, samples: [] });
      current = name;
      continue;
    }
    const sample = parseSample(line);
    const family = current === null ? undefined : families.get(current);
    if (family === undefined || !belongs(sample.name, current!, family.type)) {
      throw new Error(`${sample.name} stands outside of its family`);
    }
    family.samples.push(sample);
  }
  for (const [name, family] of families) check(name, family);
  return families;
};

const parseSample = (line: string): Sample => {
  const [, name, list = "", value = ""] = sampleLine.exec(line) ?? [];
  if (name === undefined || !numberForm.test(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  labelPair.lastIndex = 0;
  while (labelPair.lastIndex < list.length) {
    const pair = labelPair.exec(list);
    if (pair === null) throw new Error(`no labels: ${line}`);
    if (Object.hasOwn(labels, pair[1]!)) throw new Error(`a label twice: ${line}`);
    labels[pair[1]!] = pair[2]!.replaceAll(/\\(.)/gu, (_, one: string) =>
      one === "n" ? "\n" : one,
    );
  }
  return { name, labels, value: Number(value.replace("Inf", "Infinity")) };
};

const belongs = (sample: string, family: string, type: string): boolean =>
  type === "histogram"
    ? ["_bucket", "_sum", "_count"].some((part) => sample === `${family}${part}`)
    : sample === family;

const check = (name: string, { type, samples }: Family): void => {
  const keys = samples.map((one) => JSON.stringify([one.name, Object.entries(one.labels).sort()]));
  if (new Set(keys).size !== keys.length) throw new Error(`${name} tells a series twice`);
  if (type === "counter" && !name.endsWith("_total")) throw new Error(`${name} is no ..._total`);
  if (type === "counter" && samples.some(({ value }) => !(value >= 0))) throw new Error(name);
  if (type === "histogram") checkHistogram(name, samples);
};

const checkHistogram = (name: string, samples: ReadonlyArray<Sample>): void => {
  const bySeries = Map.groupBy(samples, ({ labels: { le: _le, ...others } }) =>
    JSON.stringify(Object.entries(others).sort()),
  );
  for (const series of bySeries.values()) {
    const buckets = series.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) =>
      Number((labels["le"] ?? "").replace("+Inf", "Infinity")),
    );
    const counts = buckets.map(({ value }) => value);
    const rises = (list: ReadonlyArray<number>) =>
      list.every((one, at) => at === 0 || one >= list[at - 1]!);
    if (!rises(bounds) || !rises(counts)) throw new Error(`the buckets of ${name} fall`);
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name} has no last bucket`);
    const total = series.find((one) => one.name === `${name}_count`)?.value;
    if (total !== counts.at(-1)) throw new Error(`${name} counts something else than it holds`);
    if (!series.some((one) => one.name === `${name}_sum`)) throw new Error(`${name} has no sum`);
  }
};
