// Finds links of a page that lead nowhere: to no file, or to no heading of it.

import { existsSync, readFileSync, statSync } from "node:fs";
import * as path from "node:path";
import type { Page } from "./blocks.ts";

export const deadLinks = ({ file, text }: Page, root: string): ReadonlyArray<string> =>
  [...prose(text).matchAll(/\]\(([^)\s]+)\)/gu)]
    .map(([, link]) => link!)
    .filter((link) => !/^[a-z]+:/u.test(link) && !leads(link, file, root))
    .map((link) => `${file}: ${link}`);

const leads = (link: string, from: string, root: string): boolean => {
  const [target = "", anchor] = link.split("#");
  const at = target === "" ? path.join(root, from) : path.join(root, path.dirname(from), target);
  if (!existsSync(at)) return false;
  if (anchor === undefined) return true;
  return statSync(at).isFile() && anchorsOf(readFileSync(at, "utf8")).has(anchor);
};

/** As forges make them of headings. */
const anchorsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...withoutBlocks(text).matchAll(/^#+ (.*)$/gmu)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );

/** Without code blocks, and without code in lines that looks like a link. */
const prose = (text: string): string => withoutBlocks(text).replaceAll(/`[^`\n]*`/gu, "");

const withoutBlocks = (text: string): string => text.replaceAll(/^ *```[\s\S]*?^ *```$/gmu, "");
