// The schema of a FleetConfig's spec: fields, units, bounds and defaults.

import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { nameExpected, namePattern } from "@muster/core/read/names";
import { durationExpected, durationHint, durationPattern } from "@muster/core/words/duration";
import { timeExpected, timeHint, timePattern } from "@muster/core/words/time";
import { CompartmentId, ImageId, SubnetId } from "./ocid.ts";
import { Metadata } from "./metadata.ts";
import { DefinedTags, FreeformTags } from "./tags.ts";

const text = (longest: number) => {
  const expected = `text of 1 to ${longest} characters`;
  return Schema.String.check(
    Schema.isMinLength(1, { expected }),
    Schema.isMaxLength(longest, { expected }),
  );
};

const line = (longest: number) =>
  Schema.String.check(
    Schema.isPattern(new RegExp(`^[^\\u0000-\\u001f\\u007f-\\u009f]{1,${longest}}$`, "u"), {
      expected: `text of 1 to ${longest} characters in one line`,
    }),
  );

const duration = Schema.String.check(
  Schema.isPattern(durationPattern, { expected: durationExpected, hint: durationHint }),
);

const between = (least: number, most: number, of: string) => {
  const expected = `a list of ${least} to ${most} ${of}`;
  return [Schema.isMinLength(least, { expected }), Schema.isMaxLength(most, { expected })] as const;
};

const whole = (minimum: number, maximum: number) =>
  Schema.Int.check(
    Schema.isBetween(
      { minimum, maximum },
      { expected: `a whole number from ${minimum} to ${maximum}` },
    ),
  );

const amount = (maximum: number, unit: string) =>
  Schema.Finite.check(
    Schema.isBetween(
      { minimum: 0, maximum, exclusiveMinimum: true },
      { expected: `a number of ${unit} above 0, at most ${maximum}` },
    ),
  );

const Name = Schema.String.check(
  Schema.isPattern(namePattern, { expected: nameExpected, hint: 'such as "web" or "batch-2"' }),
);

/** For shapes that end in `.Flex`. */
export const ShapeConfig = Schema.Struct({
  ocpus: amount(1024, "OCPUs").annotate({
    title: "OCPUs",
    description: "How many OCPUs each member has.",
  }),
  memoryInGBs: Schema.optionalKey(
    amount(16_384, "gigabytes").annotate({
      title: "Memory",
      description: "How much memory each member has, in gigabytes. Without it OCI chooses.",
    }),
  ),
}).annotate({ title: "Shape configuration", description: "How large a flexible shape is." });

export const defaultParallelLaunch = 5;
export const defaultParallelTerminate = 10;

const scalingHint =
  `"scaling: {}" takes the defaults: ${defaultParallelLaunch} launches and ` +
  `${defaultParallelTerminate} terminations at a time`;

export const Scaling = Schema.Struct({
  parallelLaunch: whole(1, 100)
    .annotate({
      title: "Parallel launches",
      description: "How many members may be launching at a time.",
      default: defaultParallelLaunch,
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(defaultParallelLaunch))),
  parallelTerminate: whole(1, 100)
    .annotate({
      title: "Parallel terminations",
      description: "How many members may be terminating at a time.",
      default: defaultParallelTerminate,
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(defaultParallelTerminate))),
}).annotate({
  title: "Scaling",
  description: "How many changes may be in flight.",
  hint: scalingHint,
});

export const Auth = Schema.Struct({
  method: Schema.Literals(["instance", "user"])
    .annotate({
      title: "Method",
      description:
        "`instance`: the instance principal. `user`: the OCI command line's config file.",
      default: "instance",
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("instance" as const))),
  configFile: Schema.optionalKey(
    text(4096).annotate({
      title: "Config file",
      description:
        "Only with `method: user`. Without it: OCI_CLI_CONFIG_FILE, then `~/.oci/config`.",
    }),
  ),
  profile: Schema.optionalKey(
    text(100).annotate({
      title: "Profile",
      description: "Only with `method: user`: the section of the config file.",
    }),
  ),
  region: Schema.optionalKey(
    Schema.String.check(
      Schema.isPattern(/^[a-z0-9][-a-z0-9]{0,63}$/u, {
        expected: 'the name of a region, such as "eu-frankfurt-1"',
      }),
    ).annotate({
      title: "Region",
      description: "Without it: OCI_REGION, then the region of the credentials.",
    }),
  ),
}).annotate({ title: "Authentication", description: "How to sign in to OCI." });

const suspendHint =
  'say until when, and why: suspend: { until: "2026-08-01T18:00:00Z", reason: … }';

export const Suspend = Schema.Struct({
  until: Schema.String.check(
    Schema.isPattern(timePattern, { expected: timeExpected, hint: timeHint }),
  ).annotate({
    title: "Until",
    description: "When it ends by itself: a time in ISO 8601, with its zone.",
  }),
  reason: text(1000).annotate({ title: "Reason", description: "Why; it stands in the status." }),
}).annotate({
  title: "Suspend",
  description: "Leaves the fleet as it is until a time. Both fields are required.",
  hint: suspendHint,
});

export const countLimit = 10_000;

export const RollingRestart = Schema.Struct({
  maxUnavailable: Schema.optionalKey(
    whole(0, countLimit).annotate({
      title: "Most unavailable",
      description:
        "How many of the members asked for may be missing at a time. " +
        "Without it: 1, and 0 beside a `maxSurge` above 0.",
    }),
  ),
  maxSurge: whole(0, countLimit)
    .annotate({
      title: "Most surge",
      description: "How many members may be there beyond the count while it lasts.",
      default: 0,
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
  pause: duration
    .annotate({
      title: "Pause",
      description: "How long to wait after a replacement before the next one, such as `30s`.",
      default: "0s",
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("0s"))),
}).annotate({
  title: "Rolling restart",
  description: "How members are replaced. Without it: one after the other, one missing at most.",
});

const port = whole(1, 65_535);

const TcpProbe = Schema.Struct({
  port: port.annotate({ title: "Port", description: "Well is who accepts a connection there." }),
}).annotate({ title: "TCP", description: "Asks by a connection to the member's private address." });

const HttpProbe = Schema.Struct({
  port: port.annotate({ title: "Port", description: "Where the member answers HTTP." }),
  path: Schema.String.check(
    Schema.isPattern(/^\/[!-~]{0,1023}$/u, {
      expected: "a path that begins with /, of at most 1024 visible characters",
    }),
  )
    .annotate({ title: "Path", description: "What is asked for by GET.", default: "/" })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("/"))),
  status: Schema.optionalKey(
    whole(100, 599).annotate({
      title: "Status",
      description: "Well is who answers it. Without it: any from 200 to 299.",
    }),
  ),
}).annotate({
  title: "HTTP",
  description: "Asks by a GET to the member's private address. Redirections are not followed.",
});

export const Health = Schema.Struct({
  tcp: Schema.optionalKey(TcpProbe),
  http: Schema.optionalKey(HttpProbe),
  patience: duration
    .annotate({
      title: "Patience",
      description: "How long a new member may take until it is well.",
      default: "5m",
    })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed("5m"))),
}).annotate({
  title: "Health",
  description:
    "How members are asked whether they are well: `tcp` or `http`. Without it: who runs is well.",
});

export const faultDomainPattern = /^FAULT-DOMAIN-[1-9]$/u;

export const Placement = Schema.Struct({
  availabilityDomains: Schema.optionalKey(
    Schema.Array(text(255))
      .check(...between(1, 10, "availability domains"))
      .annotate({
        title: "Availability domains",
        description: "Where members go in turn; `availabilityDomain` is one of them.",
      }),
  ),
  faultDomains: Schema.optionalKey(
    Schema.Array(
      Schema.String.check(
        Schema.isPattern(faultDomainPattern, {
          expected: "the name of a fault domain",
          hint: 'such as "FAULT-DOMAIN-1"',
        }),
      ),
    )
      .check(...between(1, 9, "fault domains"))
      .annotate({
        title: "Fault domains",
        description: "Where members go in turn within a domain. Without it: where OCI chooses.",
      }),
  ),
}).annotate({
  title: "Placement",
  description: "Where members are spread. Without it: over `availabilityDomain` as OCI chooses.",
});

export const Group = Schema.Struct({
  name: Name.annotate({ title: "Name", description: "The group's name, unique in the fleet." }),
  count: whole(0, countLimit).annotate({
    title: "Count",
    description: "How many members the group has. 0 removes them all.",
  }),
  subnetId: Schema.optionalKey(
    SubnetId.annotate({ title: "Subnet", description: "Goes before the fleet's subnet." }),
  ),
  shape: Schema.optionalKey(
    text(255).annotate({ title: "Shape", description: "Goes before the fleet's shape." }),
  ),
  shapeConfig: Schema.optionalKey(
    ShapeConfig.annotate({
      description: "Goes before the fleet's, as a whole; only for a flexible shape.",
    }),
  ),
  previousName: Schema.optionalKey(
    Name.annotate({
      title: "Previous name",
      description: "What the group was called before; its members move along.",
    }),
  ),
}).annotate({ title: "Group", description: "Members that are alike." });

const noTags = Effect.succeed({});

export const FleetSpec = Schema.Struct({
  compartmentId: CompartmentId.annotate({
    title: "Compartment",
    description: "The OCID of the compartment, or tenancy, that holds the members.",
  }),
  imageId: ImageId.annotate({
    title: "Image",
    description: "The OCID of the image that members start from.",
  }),
  availabilityDomain: text(255).annotate({
    title: "Availability domain",
    description: "A full name such as `Uocm:PHX-AD-1`, or its suffix such as `AD-1`.",
  }),
  shape: text(255).annotate({
    title: "Shape",
    description: "The shape of the members, such as `VM.Standard.E4.Flex`.",
  }),
  shapeConfig: Schema.optionalKey(ShapeConfig),
  subnetId: Schema.optionalKey(
    SubnetId.annotate({
      title: "Subnet",
      description: "The OCID of the subnet. Required unless every group has its own.",
    }),
  ),
  displayNamePrefix: Schema.optionalKey(
    line(100).annotate({
      title: "Display name prefix",
      description: "What the members' display names begin with. Without it: the fleet's name.",
    }),
  ),
  metadata: Schema.optionalKey(Metadata),
  placement: Schema.optionalKey(Placement),
  suspend: Schema.optionalKey(Suspend),
  restart: Schema.optionalKey(
    line(100).annotate({
      title: "Restart",
      description:
        "A word that is kept on each member; members that bear another are replaced. " +
        "Write a new one to replace them all.",
    }),
  ),
  rollingRestart: Schema.optionalKey(RollingRestart),
  updatePolicy: Schema.optionalKey(
    Schema.Literals(["OnRestart", "Rolling"]).annotate({
      title: "Update policy",
      description:
        "Whether members made from another template wait for a restart, or are replaced at once.",
      default: "OnRestart",
    }),
  ),
  health: Schema.optionalKey(Health),
  scaling: Scaling.pipe(Schema.annotateKey({ hint: scalingHint })),
  auth: Auth.pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  definedTags: DefinedTags.pipe(Schema.withDecodingDefaultKey(noTags)),
  freeformTags: FreeformTags.pipe(Schema.withDecodingDefaultKey(noTags)),
  instances: Schema.Array(Group)
    .check(
      Schema.isMinLength(1, {
        expected: "a list with at least one group",
        hint: 'to have no members, keep a group with "count: 0"',
      }),
      Schema.isMaxLength(1000, { expected: "a list of at most 1000 groups" }),
    )
    .annotate({ title: "Instances", description: "The groups of the fleet." }),
}).annotate({ title: "Fleet", description: "A fleet of OCI compute instances." });

export type FleetSpec = typeof FleetSpec.Type;
export type Group = typeof Group.Type;
