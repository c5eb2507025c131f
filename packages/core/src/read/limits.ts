// Decides how much text is read at most, so that no file can exhaust the reader.

/** Every limit can be raised by whoever reads; a file beyond one is refused with a diagnostic. */
export interface ReadLimits {
  /** Bytes, or UTF-16 code units once decoded, of one file. Default 1 MiB. */
  readonly fileSize: number;
  /** UTF-16 code units of all files. Default 64 MiB. */
  readonly totalSize: number;
  /** Documents in one file. Default 10,000. */
  readonly documentsPerFile: number;
  /** Documents in all files. Default 100,000. */
  readonly documents: number;
  /** Lists and maps within each other. Default 64. */
  readonly depth: number;
  /** Values that aliases may add to one document. Default 10,000. */
  readonly aliasValues: number;
  /** Faults shown per file; one more diagnostic counts the rest. Default 1,000. */
  readonly faultsPerFile: number;
}

export const defaultLimits: ReadLimits = {
  fileSize: 1_048_576,
  totalSize: 67_108_864,
  documentsPerFile: 10_000,
  documents: 100_000,
  depth: 64,
  aliasValues: 10_000,
  faultsPerFile: 1_000,
};

/** `1 MiB`, `1.5 KiB` or `12 bytes`. */
export const formatSize = (bytes: number): string => {
  if (bytes >= 1_048_576) return `${trimmed(bytes / 1_048_576)} MiB`;
  if (bytes >= 1024) return `${trimmed(bytes / 1024)} KiB`;
  return `${bytes} bytes`;
};

const trimmed = (value: number): string => value.toFixed(1).replace(/\.0$/u, "");
