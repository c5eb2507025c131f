// Keeps what the simulated tenancy holds before anybody calls: places, images, subnets, shapes.

/** The well-known names of the seeded tenancy. */
export const seedIds = {
  tenancyId: "ocid1.tenancy.oc1..muster",
  userId: "ocid1.user.oc1..muster",
  compartmentId: "ocid1.compartment.oc1..muster",
  /** Holds only `sharedSubnetId`: subnets often live apart from the instances. */
  networkCompartmentId: "ocid1.compartment.oc1..musternetwork",
  imageId: "ocid1.image.oc1.phx.muster",
  nextImageId: "ocid1.image.oc1.phx.musternext",
  vcnId: "ocid1.vcn.oc1.phx.muster",
  subnetId: "ocid1.subnet.oc1.phx.muster",
  adSubnetId: "ocid1.subnet.oc1.phx.musterad1",
  sharedSubnetId: "ocid1.subnet.oc1.phx.mustershared",
  region: "us-phoenix-1",
  regionKey: "PHX",
} as const;

export interface Compartment {
  readonly id: string;
  readonly parentId: string;
  readonly name: string;
}

export interface Image {
  readonly id: string;
  readonly displayName: string;
  readonly operatingSystem: string;
  readonly operatingSystemVersion: string;
}

export interface Subnet {
  readonly id: string;
  readonly compartmentId: string;
  readonly displayName: string;
  /** First two numbers of its addresses: `10.0` means 10.0.0.0/16. */
  readonly network: string;
  /** Absent on a regional subnet. */
  readonly availabilityDomain?: string;
}

export interface Shape {
  readonly name: string;
  readonly ocpus: number;
  readonly memoryInGBs: number;
  /** Present on flexible shapes only. */
  readonly flexible?: {
    readonly ocpus: { readonly min: number; readonly max: number };
    readonly memoryPerOcpu: {
      readonly min: number;
      readonly max: number;
      readonly default: number;
    };
    readonly memory: { readonly min: number; readonly max: number };
  };
}

export interface Seed {
  readonly tenancyId: string;
  readonly tenancyName: string;
  readonly region: string;
  readonly regionKey: string;
  readonly availabilityDomains: readonly string[];
  readonly faultDomains: readonly string[];
  readonly compartments: readonly Compartment[];
  readonly images: readonly Image[];
  readonly subnets: readonly Subnet[];
  readonly shapes: readonly Shape[];
}

/** What every simulator holds unless `options.seed` says otherwise. */
export const defaultSeed: Seed = {
  tenancyId: seedIds.tenancyId,
  tenancyName: "muster",
  region: seedIds.region,
  regionKey: seedIds.regionKey,
  availabilityDomains: ["Uocm:PHX-AD-1", "Uocm:PHX-AD-2", "Uocm:PHX-AD-3"],
  faultDomains: ["FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3"],
  compartments: [
    { id: seedIds.compartmentId, parentId: seedIds.tenancyId, name: "muster" },
    { id: seedIds.networkCompartmentId, parentId: seedIds.tenancyId, name: "muster-network" },
  ],
  images: [
    {
      id: seedIds.imageId,
      displayName: "Oracle-Linux-9.5-2025.09.16-0",
      operatingSystem: "Oracle Linux",
      operatingSystemVersion: "9",
    },
    {
      id: seedIds.nextImageId,
      displayName: "Oracle-Linux-9.6-2025.11.20-0",
      operatingSystem: "Oracle Linux",
      operatingSystemVersion: "9",
    },
  ],
  subnets: [
    {
      id: seedIds.subnetId,
      compartmentId: seedIds.compartmentId,
      displayName: "regional",
      network: "10.0",
    },
    {
      id: seedIds.adSubnetId,
      compartmentId: seedIds.compartmentId,
      displayName: "only-ad-1",
      network: "10.1",
      availabilityDomain: "Uocm:PHX-AD-1",
    },
    {
      id: seedIds.sharedSubnetId,
      compartmentId: seedIds.networkCompartmentId,
      displayName: "shared",
      network: "10.2",
    },
  ],
  shapes: [
    {
      name: "VM.Standard.E4.Flex",
      ocpus: 1,
      memoryInGBs: 16,
      flexible: {
        ocpus: { min: 1, max: 64 },
        memoryPerOcpu: { min: 1, max: 64, default: 16 },
        memory: { min: 1, max: 1024 },
      },
    },
    { name: "VM.Standard2.1", ocpus: 1, memoryInGBs: 15 },
  ],
};

/** When the seeded things were made, as the API writes it. */
export const seededAt = "2025-12-01T00:00:00.000Z";

/** Whether `id` names the tenancy (its root compartment) or one of its compartments. */
export const isKnownCompartment = (seed: Seed, id: string): boolean =>
  id === seed.tenancyId || seed.compartments.some((compartment) => compartment.id === id);
