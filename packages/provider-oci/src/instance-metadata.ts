// Asks the metadata service of the machine which region of OCI it is in.

import { isRegion } from "./credentials.ts";

/** What every instance finds its metadata service under. */
export const usualMetadataUrl = "http://169.254.169.254/opc/v2/";

/** The metadata service answers at once or not at all, in milliseconds. */
export const metadataTimeoutMillis = 5_000;

export interface InstanceRegion {
  /** Such as `us-phoenix-1`, or a short code such as `phx` where `realm` is not known. */
  readonly name: string;
  readonly realm: {
    /** Such as `oc1`. */
    readonly key: string;
    /** Such as `oraclecloud.com`. */
    readonly domain: string;
    /** Such as `PHX`. */
    readonly regionKey: string;
  } | null;
}

/** Rejects when nothing answers there, or something else than a metadata service. */
export const readInstanceRegion = async (
  metadataUrl: string,
  signal: AbortSignal,
): Promise<InstanceRegion> => {
  const ask = async (path: string): Promise<Response> =>
    fetch(new URL(path, metadataUrl), {
      headers: { authorization: "Bearer Oracle" },
      redirect: "error",
      signal,
    });
  const info = await ask("instance/regionInfo");
  const known = info.ok ? regionIn(await info.text()) : undefined;
  if (known !== undefined) return known;
  // Older metadata services do not tell the realm.
  const region = await ask("instance/region");
  if (!region.ok) throw new Error(`the metadata service answered ${region.status}`);
  const name = (await region.text()).trim();
  if (!/^[a-z0-9-]+$/i.test(name)) throw new Error("what answers there is no metadata service");
  return { name, realm: null };
};

const regionIn = (text: string): InstanceRegion | undefined => {
  try {
    const said = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    const name = said?.["regionIdentifier"];
    const key = said?.["realmKey"];
    const domain = said?.["realmDomainComponent"];
    const regionKey = said?.["regionKey"];
    if (typeof name !== "string" || !isRegion(name)) return undefined;
    if (typeof key !== "string" || typeof regionKey !== "string") return undefined;
    // It becomes the end of every host name that requests are sent to.
    if (typeof domain !== "string" || !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(domain)) {
      return undefined;
    }
    return { name, realm: { key, domain, regionKey } };
  } catch {
    return undefined;
  }
};
