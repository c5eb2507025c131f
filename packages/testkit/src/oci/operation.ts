// Keeps the names of the operations that the simulator knows.

export const operations = [
  "ListInstances",
  "GetInstance",
  "LaunchInstance",
  "UpdateInstance",
  "InstanceAction",
  "TerminateInstance",
  "ListImages",
  "GetImage",
  "ListShapes",
  "ListSubnets",
  "GetSubnet",
  "ListVnicAttachments",
  "GetVnicAttachment",
  "GetVnic",
  "ListWorkRequests",
  "GetWorkRequest",
  "ListWorkRequestErrors",
  "ListWorkRequestLogs",
  "ListAvailabilityDomains",
  "ListFaultDomains",
  "ListRegions",
  "GetTenancy",
  "ListRegionSubscriptions",
  "GetUser",
  "ListCompartments",
  "GetCompartment",
] as const;

export type Operation = (typeof operations)[number];
