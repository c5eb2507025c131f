// The schema of a FleetConfig's spec: fields, units, bounds and defaults.

import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { nameExpected, namePattern } from "@muster/core/read/names";
import { timeExpected, timeHint, timePattern } from "@muster/core/words/time";
import { CompartmentId, ImageId, SubnetId } from "./ocid.ts";
import { DefinedTags, FreeformTags } from "./tags.ts";

const text = (longest: number) => {
  const expected = `text of 1 to ${longest} characters`;
  return Schema.String.check(
    Schema.isMinLength(1, { expected }),
    Schema.isMaxLength(longest, { expected }),
  );
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

export const Group = Schema.Struct({
  name: Name.annotate({ title: "Name", description: "The group's name, unique in the fleet." }),
  count: whole(0, countLimit).annotate({
    title: "Count",
    description: "How many members the group has. 0 removes them all.",
  }),
  subnetId: Schema.optionalKey(
    SubnetId.annotate({ title: "Subnet", description: "Goes before the fleet's subnet." }),
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
    Schema.String.check(
      Schema.isPattern(/^[^\u0000-\u001f\u007f-\u009f]{1,100}$/u, {
        expected: "text of 1 to 100 characters in one line",
      }),
    ).annotate({
      title: "Display name prefix",
      description: "What the members' display names begin with. Without it: the fleet's name.",
    }),
  ),
  suspend: Schema.optionalKey(Suspend),
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
