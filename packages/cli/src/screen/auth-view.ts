// Decides how a validation of credentials is told: as whom OCI is called, and what is wrong with that.

import { canonicalJson, escapeText, type JsonObject } from "@muster/core";
import type { AuthDetails, AuthFinding, AuthReport } from "@muster/provider-oci";
import type { Paint } from "./paint.ts";

export const viewAuth = ({ ok, details, findings }: AuthReport, paint: Paint): string =>
  [
    `${paint("bold", "authentication")}  ${ok ? paint("green", "valid") : paint("red", "failed")}`,
    ...(details === null ? [] : viewDetails(details)),
    ...findings.flatMap((finding) => viewFinding(finding, paint)),
  ].join("\n");

const viewDetails = (details: AuthDetails): ReadonlyArray<string> => {
  const { method, account, region, tenancyId, userId, subscribedRegions, regionsCount } = details;
  const of = regionsCount === null ? "" : ` of ${regionsCount}`;
  const regions =
    subscribedRegions === null
      ? null
      : `${subscribedRegions.length}${of} subscribed: ${subscribedRegions.join(", ")}`;
  return [
    ...line("method", method),
    ...line("account", account),
    ...line("region", region),
    ...line("tenancy", tenancyId),
    ...line("user", userId),
    ...line("regions", regions),
  ];
};

const line = (name: string, value: string | null): ReadonlyArray<string> =>
  value === null ? [] : [`  ${name.padEnd(8)} ${escapeText(value, 600)}`];

const viewFinding = (
  { what, severity, message, remedy }: AuthFinding,
  paint: Paint,
): ReadonlyArray<string> => [
  paint(severity === "error" ? "red" : "yellow", `  ! ${what}: ${escapeText(message, 600)}`),
  `    ${escapeText(remedy, 600)}`,
];

export const authAsJson = (report: AuthReport): string =>
  canonicalJson(JSON.parse(JSON.stringify(report)) as JsonObject);
