// Decides which operation a method and a path mean.

import { instanceAction, terminateInstance, updateInstance } from "./changing.ts";
import {
  getCompartment,
  getTenancy,
  getUser,
  listAvailabilityDomains,
  listCompartments,
  listFaultDomains,
  listRegions,
  listRegionSubscriptions,
} from "./identity.ts";
import { getImage, listImages, listShapes } from "./images.ts";
import { getInstance, listInstances } from "./instances.ts";
import { launchInstance } from "./launch.ts";
import {
  getSubnet,
  getVnic,
  getVnicAttachment,
  listSubnets,
  listVnicAttachments,
} from "./network.ts";
import type { Decide } from "./call.ts";
import type { Operation } from "./operation.ts";
import {
  getWorkRequest,
  listWorkRequestErrors,
  listWorkRequestLogs,
  listWorkRequests,
} from "./work-requests.ts";

export interface Route {
  readonly operation: Operation;
  readonly method: string;
  readonly segments: readonly string[];
  readonly decide: Decide;
}

const route = (operation: Operation, method: string, path: string, decide: Decide): Route => ({
  operation,
  method,
  segments: path.split("/").slice(1),
  decide,
});

const routes: readonly Route[] = [
  route("ListInstances", "GET", "/instances", listInstances),
  route("LaunchInstance", "POST", "/instances", launchInstance),
  route("GetInstance", "GET", "/instances/{instanceId}", getInstance),
  route("UpdateInstance", "PUT", "/instances/{instanceId}", updateInstance),
  route("InstanceAction", "POST", "/instances/{instanceId}", instanceAction),
  route("TerminateInstance", "DELETE", "/instances/{instanceId}", terminateInstance),
  route("ListImages", "GET", "/images", listImages),
  route("GetImage", "GET", "/images/{imageId}", getImage),
  route("ListShapes", "GET", "/shapes", listShapes),
  route("ListSubnets", "GET", "/subnets", listSubnets),
  route("GetSubnet", "GET", "/subnets/{subnetId}", getSubnet),
  route("ListVnicAttachments", "GET", "/vnicAttachments", listVnicAttachments),
  route("GetVnicAttachment", "GET", "/vnicAttachments/{vnicAttachmentId}", getVnicAttachment),
  route("GetVnic", "GET", "/vnics/{vnicId}", getVnic),
  route("ListWorkRequests", "GET", "/workRequests", listWorkRequests),
  route("GetWorkRequest", "GET", "/workRequests/{workRequestId}", getWorkRequest),
  route(
    "ListWorkRequestErrors",
    "GET",
    "/workRequests/{workRequestId}/errors",
    listWorkRequestErrors,
  ),
  route("ListWorkRequestLogs", "GET", "/workRequests/{workRequestId}/logs", listWorkRequestLogs),
  route("ListAvailabilityDomains", "GET", "/availabilityDomains", listAvailabilityDomains),
  route("ListFaultDomains", "GET", "/faultDomains", listFaultDomains),
  route("ListRegions", "GET", "/regions", listRegions),
  route("GetTenancy", "GET", "/tenancies/{tenancyId}", getTenancy),
  route(
    "ListRegionSubscriptions",
    "GET",
    "/tenancies/{tenancyId}/regionSubscriptions",
    listRegionSubscriptions,
  ),
  route("GetUser", "GET", "/users/{userId}", getUser),
  route("ListCompartments", "GET", "/compartments", listCompartments),
  route("GetCompartment", "GET", "/compartments/{compartmentId}", getCompartment),
];

const apiVersion = "20160918";

export type Routed =
  | {
      readonly route: Route;
      readonly path: Readonly<Record<string, string>>;
      readonly query: URLSearchParams;
    }
  | "no-path"
  | "no-method";

/** Finds the operation; `target` is the path with the query, as it was sent. */
export const findRoute = (method: string, target: string): Routed => {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const segments = segmentsOf(path);
  if (segments === undefined) return "no-path";
  const here = routes.filter((candidate) => fits(candidate.segments, segments));
  if (here.length === 0) return "no-path";
  const found = here.find((candidate) => candidate.method === method);
  if (found === undefined) return "no-method";
  return {
    route: found,
    path: parametersOf(found.segments, segments),
    query: new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1)),
  };
};

const segmentsOf = (path: string): readonly string[] | undefined => {
  // Some clients end the paths of the identity service with a slash.
  const [empty, version, ...rest] = path.replace(/\/$/, "").split("/");
  if (empty !== "" || version !== apiVersion) return undefined;
  try {
    return rest.map(decodeURIComponent);
  } catch {
    return undefined;
  }
};

const isParameter = (segment: string): boolean => segment.startsWith("{");

const fits = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, index) =>
    isParameter(part) ? segments[index] !== "" : part === segments[index],
  );

const parametersOf = (
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    pattern.flatMap((part, index) =>
      isParameter(part) ? [[part.slice(1, -1), segments[index] ?? ""]] : [],
    ),
  );
