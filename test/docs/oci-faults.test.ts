// Holds the tables of docs/reference/oci-faults.md to the tests that they name, and to be whole.

import { describe, expect, it } from "vitest";
import { readPage, rowsOf, unheld } from "./named-tests.ts";

const page = readPage("docs/reference/oci-faults.md");

/** Every answer that OCI documents for what muster asks, and those that are none. */
const answers = [
  "400 CannotParseRequest",
  "400 InvalidParameter",
  "400 MissingParameter",
  "400 LimitExceeded",
  "400 QuotaExceeded",
  "400 RelatedResourceNotAuthorizedOrNotFound",
  "400 InsufficientServicePermissions",
  "400 ResourceDisabled",
  "401 NotAuthenticated",
  "403 NotAuthorized",
  "403 NotAllowed",
  "404 NotAuthorizedOrNotFound",
  "404 NotFound",
  "405 MethodNotAllowed",
  "409 IncorrectState",
  "409 Conflict",
  "409 InvalidatedRetryToken",
  "409 NotAuthorizedOrResourceAlreadyExists",
  "412 NoEtagMatch",
  "429 TooManyRequests",
  '500 InternalError "Out of host capacity."',
  "500 InternalServerError",
  "502 ",
  "503 ",
  "504 ",
  "none: reset",
  "none: time-out",
];
/** How many faults of such tools are numbered. */
const faults = 18;

describe("the faults of OCI and of fleet managers", () => {
  it("name tests that are there", () => {
    expect(rowsOf(page).length).toBeGreaterThan(answers.length + faults);
    expect(unheld(page)).toEqual([]);
  });

  it("are not held by a test that is not there", () => {
    const [row] = rowsOf(page);
    const planted = page.replaceAll(`| ${row!.test} |`, "| a test that nobody wrote |");
    expect(unheld(planted).map(({ line }) => line)).toEqual([row!.line]);
  });

  it("are all there", () => {
    const lines = rowsOf(page).map(({ line }) => line);
    expect(answers.filter((one) => !lines.some((line) => line.startsWith(one)))).toEqual([]);
    const numbers = new Set(lines.flatMap((line) => /^(\d+) \|/u.exec(line)?.[1] ?? []));
    expect([...numbers]).toEqual(Array.from({ length: faults }, (_, index) => `${index + 1}`));
  });
});
