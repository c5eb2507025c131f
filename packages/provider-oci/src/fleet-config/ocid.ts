// Decides which texts are the OCID of what sort of resource.

import * as Schema from "effect/Schema";

/** `ocid1.<type>.<realm>.[region].[more.]<unique>`, at most 255 characters. */
const ocid = (types: string, noun: string, example: string, hint: string) =>
  Schema.String.check(
    Schema.isPattern(
      new RegExp(
        `^(?=.{1,255}$)ocid1\\.(?:${types})\\.[a-z0-9-]+\\.[a-z0-9-]*\\.(?:[a-z0-9-]+\\.)?[A-Za-z0-9_-]+$`,
        "u",
      ),
      { expected: noun, hint: `it looks like "${example}"; ${hint}` },
    ),
  );

/** The root compartment's OCID is the tenancy's. */
export const CompartmentId = ocid(
  "compartment|tenancy",
  "the OCID of a compartment or tenancy",
  "ocid1.compartment.oc1..UNIQUE",
  "see: oci iam compartment list",
);

export const ImageId = ocid(
  "image",
  "the OCID of an image",
  "ocid1.image.oc1.REGION.UNIQUE",
  "see: oci compute image list",
);

export const SubnetId = ocid(
  "subnet",
  "the OCID of a subnet",
  "ocid1.subnet.oc1.REGION.UNIQUE",
  "see: oci network subnet list",
);
