// Checks `muster completions` in the shells themselves: they load the script and complete by it.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { inWorld, type World } from "../world.ts";

const isInstalled = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`));

/** What one shell needs to answer what it would offer for a line; one word a line. */
const bash = `
source "$1"
COMP_LINE="$2"
read -r -a COMP_WORDS <<<"$COMP_LINE"
[[ "$COMP_LINE" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
COMP_POINT=\${#COMP_LINE}
registered="$(complete -p muster)"
[[ "$registered" =~ -F\\ ([^ ]+) ]]
"\${BASH_REMATCH[1]}" muster "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "\${COMPREPLY[@]}"
`;

const fish = `source $argv[1]; complete --do-complete "$argv[2]"`;

/** zsh completes only at a terminal: zpty gives it one. Markers are split where they are typed. */
const zsh = `
zmodload zsh/zpty
until_seen() {
  local seen="" part
  while zpty -r z part; do seen+="$part"; [[ "$seen" == *"$1"* ]] && break; done
  print -r -- "$seen"
}
zpty z zsh -f -i
zpty -w z "PS1=; fpath=(\${1:h} \\$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=9999"
zpty -w z "show() { zle list-choices; zle -R; print SHO''WN }; zle -N show; bindkey '^I' show"
zpty -w z "print REA''DY"
until_seen READY >/dev/null
zpty -n -w z "$2"$'\\t'
until_seen SHOWN
zpty -d z
`;

interface Shell {
  readonly name: "bash" | "zsh" | "fish";
  readonly args: (script: string, line: string) => ReadonlyArray<string>;
}

const shells: ReadonlyArray<Shell> = [
  { name: "bash", args: (script, line) => ["-c", bash, "-", script, line] },
  { name: "zsh", args: (script, line) => ["-f", "-c", zsh, "-", script, line] },
  { name: "fish", args: (script, line) => ["--no-config", "-c", fish, script, line] },
];

const offered = ({ name, args }: Shell, world: World, line: string): ReadonlyArray<string> =>
  execFileSync(name, [...args(world.at("_muster"), line)], {
    cwd: world.folder,
    env: { ...world.env, TERM: "xterm" },
    encoding: "utf8",
    timeout: 20_000,
    stdio: ["ignore", "pipe", "pipe"],
  })
    // What moves and colours on a terminal.
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/gu, " ")
    .split(/\s+/u);

describe("muster completions", () => {
  for (const shell of shells) {
    it.skipIf(!isInstalled(shell.name))(
      `lets ${shell.name} complete a command, a flag, a choice and a file`,
      inWorld(async (world) => {
        const ran = await world.inside(["completions", shell.name]);
        expect(ran).toMatchObject({ code: 0, stderr: "" });
        await world.write("_muster", ran.stdout);
        await world.write("fleets-of-mine/web.yaml", "");

        expect(offered(shell, world, "muster ap")).toEqual(
          expect.arrayContaining(["apply", "approve"]),
        );
        expect(offered(shell, world, "muster audit ")).toContain("verify");
        expect(offered(shell, world, "muster run --allow-")).toContain("--allow-profile");
        expect(offered(shell, world, "muster plan --output ")).toEqual(
          expect.arrayContaining(["human", "json"]),
        );
        expect(offered(shell, world, "muster plan fleets-").join(" ")).toContain("fleets-of-mine");
        expect(offered(shell, world, "muster plan --out fleets-").join(" ")).toContain(
          "fleets-of-mine",
        );
      }),
    );
  }

  it(
    "completes files behind every flag that takes one",
    inWorld(async (world) => {
      const { stdout: script } = await world.inside(["completions", "bash"]);
      const help = await Promise.all(
        [["run"], ["plan"], ["apply"], ["approve"], ["validate"], ["dev", "oci"]].map(
          async (command) => (await world.inside([...command, "--help"])).stdout,
        ),
      );
      const flags = [...help.join("").matchAll(/^ +--([a-z-]+)(?:, -\w)? (?:FILE|PATH) /gmu)];
      expect(flags.length).toBeGreaterThan(8);
      for (const [, flag] of flags) {
        expect(script, flag).toMatch(
          new RegExp(`--${flag}(?:\\|-\\w)?\\)\\n +_muster--paths`, "u"),
        );
      }
    }),
  );

  it(
    "refuses another shell, and names those that it knows",
    inWorld(async (world) => {
      const ran = await world.inside(["completions", "tcsh"]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/bash.*zsh.*fish/u);
    }),
  );
});
