// Decides how a name becomes column text: databases would silently fold, or refuse, names that are no valid Unicode.

/**
 * The text itself, or its JSON spelling when it holds half a surrogate pair (or could be mistaken
 * for such a spelling): two different names stay two.
 */
export const toColumn = (name: string): string =>
  name.isWellFormed() && !name.startsWith('"') ? name : JSON.stringify(name);

/** The same for Postgres, whose text holds no NUL. */
export const toPostgresColumn = (name: string): string =>
  name.includes("\0") ? JSON.stringify(name) : toColumn(name);

/** The name that `toColumn` or `toPostgresColumn` spelled. */
export const fromColumn = (text: string): string =>
  text.startsWith('"') ? (JSON.parse(text) as string) : text;
