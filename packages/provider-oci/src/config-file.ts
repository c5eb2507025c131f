// Decides what an OCI config file says: profiles of keys and values, each with its line.

/** A value and the line of the file that holds it, from 1. */
export interface ConfigEntry {
  readonly value: string;
  readonly line: number;
}

export interface ConfigProfile {
  readonly name: string;
  readonly line: number;
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

/** A line that cannot be read. Never the line itself: it may hold a secret. */
export interface ConfigFault {
  readonly line: number;
  readonly summary: string;
}

export interface ConfigText {
  readonly profiles: ReadonlyMap<string, ConfigProfile>;
  readonly faults: ReadonlyArray<ConfigFault>;
}

export const defaultProfile = "DEFAULT";

interface OpenProfile {
  readonly name: string;
  readonly line: number;
  readonly entries: Map<string, ConfigEntry>;
}

/** Reads INI text as the OCI tools do: `#` and `;` begin a comment line, quotes stay in values. */
export const parseConfig = (text: string): ConfigText => {
  const profiles = new Map<string, OpenProfile>();
  const faults: Array<ConfigFault> = [];
  let open: OpenProfile | undefined;
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const trimmed = raw.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith(";")) continue;
    const heading = /^\[(.*)\]$/.exec(trimmed);
    if (heading !== null) {
      const name = heading[1]!.trim();
      if (name === "") faults.push({ line, summary: "a profile without a name" });
      // A second section of one name adds to the first.
      open = profiles.get(name) ?? { name, line, entries: new Map<string, ConfigEntry>() };
      profiles.set(name, open);
      continue;
    }
    const entry = /^([^=]*)=(.*)$/.exec(trimmed);
    const key = entry?.[1]?.trim() ?? "";
    if (entry === null) faults.push({ line, summary: "neither a [profile] nor a key=value" });
    else if (key === "") faults.push({ line, summary: "a value without a key" });
    else if (open === undefined) faults.push({ line, summary: "a key before the first [profile]" });
    else open.entries.set(key, { value: entry[2]!.trim(), line });
  }
  return { profiles, faults };
};

/** The entries of a profile together with those it inherits from DEFAULT; nothing when absent. */
export const entriesOf = (
  config: ConfigText,
  profile: string,
): ReadonlyMap<string, ConfigEntry> | undefined => {
  const own = config.profiles.get(profile);
  if (own === undefined) return undefined;
  return new Map([...(config.profiles.get(defaultProfile)?.entries ?? []), ...own.entries]);
};
