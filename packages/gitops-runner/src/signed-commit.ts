// Takes a raw commit apart into its signature and what was signed. Pure.

export interface SignedCommit {
  /** The commit without its signature header: what was signed. */
  readonly payload: Buffer;
  readonly signature: string;
}

/**
 * The signature of a raw commit object, or why there is none that can be judged.
 * Only one `gpgsig` header is read; a second one, or one of another hash, could hide what was signed.
 */
export const splitSignature = (raw: Buffer): SignedCommit | "Unsigned" | "Malformed" => {
  const end = raw.indexOf("\n\n");
  const headers = raw.toString("latin1", 0, end === -1 ? raw.length : end + 1).split("\n");
  const kept: Array<string> = [];
  const signature: Array<string> = [];
  let count = 0;
  let inside = false;
  for (const line of headers) {
    if (line.startsWith("gpgsig-") || line.includes("\0")) return "Malformed";
    if (line.startsWith("gpgsig ")) {
      count++;
      inside = true;
      signature.push(line.slice("gpgsig ".length));
    } else if (inside && line.startsWith(" ")) {
      signature.push(line.slice(1));
    } else {
      inside = false;
      kept.push(line);
    }
  }
  if (count === 0) return "Unsigned";
  if (count > 1) return "Malformed";
  const rest = end === -1 ? Buffer.alloc(0) : raw.subarray(end + 1);
  return {
    payload: Buffer.concat([Buffer.from(kept.join("\n"), "latin1"), rest]),
    signature: `${signature.join("\n")}\n`,
  };
};
