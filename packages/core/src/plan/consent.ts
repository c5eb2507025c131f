// Decides how many members of a set a person's numbers stand for.

import type { AppliedRecord } from "../words/record.ts";
import type { SetResource } from "../words/set.ts";

/** What the store knows of a set under any of its names; nothing when it never saw it. */
export const consentLevel = (
  records: ReadonlyArray<AppliedRecord>,
  name: string,
  previousName: string | undefined,
  set: Pick<SetResource, "name" | "previousName">,
): number | undefined => {
  const under = (document: string | undefined, setName: string | undefined) =>
    records.find((record) => record.document.name === document && record.set === setName);
  const record =
    under(name, set.name) ??
    under(name, set.previousName ?? set.name) ??
    under(previousName, set.name) ??
    under(previousName, set.previousName ?? set.name);
  return record?.count;
};
