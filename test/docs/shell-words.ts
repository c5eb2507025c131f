// Decides which muster commands stand in a piece of shell, without running any of it.

/** Ends one simple command and begins another. */
const operators = /^(?:\|\||&&|[|;&\n()])/u;
/** Words that only start another program. */
const starters = new Set([
  "npx",
  "sudo",
  "exec",
  "env",
  "time",
  "command",
  "if",
  "!",
  "then",
  "do",
]);

/** The arguments of each `muster …` in the text, and of `fleetroll …`, whose commands are the same. */
export const musterCommands = (shell: string): ReadonlyArray<ReadonlyArray<string>> =>
  simpleCommands(shell).flatMap((words) => {
    const rest = inContainer(withoutStarters(words));
    const [program] = rest;
    return program !== undefined && /^(?:.*\/)?(?:muster|fleetroll)$/u.test(program)
      ? [rest.slice(1)]
      : [];
  });

/** `podman run … IMAGE ARGUMENT…`, with an image that is called muster. */
const inContainer = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [program, verb] = words;
  if (verb !== "run" || (program !== "podman" && program !== "docker")) return words;
  return words.slice(words.lastIndexOf("muster"));
};

const withoutStarters = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [first, second] = words;
  if (first === undefined) return words;
  if (first === "-u" && second !== undefined) return withoutStarters(words.slice(2));
  const skipped = starters.has(first) || /^[A-Za-z_]\w*=/u.test(first);
  return skipped ? withoutStarters(words.slice(1)) : words;
};

/** Each command as its words: quotes are taken off, comments and redirections left out. */
const simpleCommands = (shell: string): ReadonlyArray<ReadonlyArray<string>> => {
  const commands: Array<ReadonlyArray<string>> = [];
  let words: Array<string> = [];
  let rest = shell.replaceAll("\\\n", " ");
  while (rest !== "") {
    const operator = operators.exec(rest)?.[0];
    const blank = /^[ \t]+/u.exec(rest)?.[0];
    const comment = /^#[^\n]*/u.exec(rest)?.[0];
    const redirection = /^\d?(?:>>|>|<)(?:&\d|[ \t]*[^\s;&|]+)/u.exec(rest)?.[0];
    const taken = operator ?? blank ?? comment ?? redirection ?? wordAt(rest);
    if (operator !== undefined) {
      commands.push(words);
      words = [];
    } else if (blank === undefined && comment === undefined && redirection === undefined) {
      words.push(plain(taken));
    }
    rest = rest.slice(taken.length);
  }
  return [...commands, words].filter((command) => command.length > 0);
};

/** Quoted or not, up to a blank or an operator; what a substitution prints is not looked at. */
const wordAt = (rest: string): string =>
  /^(?:'[^']*'|"(?:[^"\\]|\\[\s\S])*"|\$\([^)]*\)|\\[\s\S]|[^\s'"|;&()<>\\])+/u.exec(rest)?.[0] ??
  rest[0]!;

const plain = (word: string): string =>
  word.replaceAll(/'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"/gu, (_, single, double) =>
    String(single ?? double),
  );
