// Writes variables as the text of a file that a POSIX shell reads with a dot.

/** One line for each variable, in their order. */
export const envText = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoteArgument(value)}\n`)
    .join("");

/** The exact text as one word of a shell; in quotes only where it needs them. */
export const quoteArgument = (text: string): string =>
  /^[A-Za-z0-9_./:=@-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
