// Reading and validating documents, held against only parsing the same text with the YAML library.

import { parseAllDocuments } from "yaml";
import { readDocuments, type SourceText } from "@muster/core/read/read";
import { FleetConfig } from "@muster/provider-oci/fleet-config/kind";
import { manyFiles, oneFile, wideLimits } from "./fleets.ts";
import { compare, type Figure, report } from "./runner.ts";

const read = (sources: ReadonlyArray<SourceText>, documents: number): void => {
  const result = readDocuments([FleetConfig], sources, wideLimits);
  if (result.documents.length !== documents) throw new Error(JSON.stringify(result.diagnostics[0]));
};

/** The faults that one wrong field in every document makes: telling them must not cost the world. */
const readFaulty = (sources: ReadonlyArray<SourceText>, faults: number): void => {
  const result = readDocuments([FleetConfig], sources, wideLimits);
  if (result.diagnostics.length < faults) throw new Error("faults were not told");
};

const parse = (sources: ReadonlyArray<SourceText>): void => {
  for (const { text } of sources) parseAllDocuments(text);
};

async function* figures(): AsyncGenerator<Figure> {
  const one = oneFile(10_000);
  const many = manyFiles(10_000);
  yield await compare({
    what: "read 10,000 documents in one file",
    run: () => read(one, 10_000),
    against: "parseAllDocuments",
    peer: () => parse(one),
    bound: 3,
    rounds: 3,
  });
  yield await compare({
    what: "read 10,000 files of one document",
    run: () => read(many, 10_000),
    against: "parseAllDocuments",
    peer: () => parse(many),
    bound: 3,
    rounds: 3,
  });
  const faulty = many.slice(0, 1_000).map(({ file, text }) => ({
    file,
    text: text.replace("count: 2", "cuont: 2"),
  }));
  yield await compare({
    what: "read 1,000 files with a fault in each",
    run: () => readFaulty(faulty, 1_000),
    against: "parseAllDocuments",
    peer: () => parse(faulty),
    bound: null,
    rounds: 3,
  });
  yield await timesTen("one file", one, oneFile(1_000));
  yield await timesTen("a file each", many, manyFiles(1_000));
}

const timesTen = (
  how: string,
  large: ReadonlyArray<SourceText>,
  small: ReadonlyArray<SourceText>,
): Promise<Figure> =>
  compare({
    what: `read ten times the documents, ${how}`,
    run: () => read(large, 10_000),
    against: "1,000 documents, ten times",
    // As long as the other side, so that the machine's moods weigh the same: × 1.2 of this is × 12.
    peer: () => {
      for (let time = 0; time < 10; time += 1) read(small, 1_000);
    },
    bound: 1.2,
    rounds: 3,
  });

await report("read", figures());
