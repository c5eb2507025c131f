// Reads what a module imports, in whatever way it says so, and which of Node's globals it uses.

import { parseSync } from "oxc-parser";

export interface Import {
  /** The text between the quotes, or null when it is computed. */
  readonly specifier: string | null;
  /** Whether running the module loads it at once, later, or never because it is only a type. */
  readonly when: "load" | "later" | "never";
  readonly line: number;
}

export interface Module {
  readonly imports: ReadonlyArray<Import>;
  /** Names of Node's globals that the module uses, with their lines. */
  readonly globals: ReadonlyArray<{ readonly name: string; readonly line: number }>;
  /** What the parser does not understand. */
  readonly faults: ReadonlyArray<string>;
}

/** Reads TypeScript or JavaScript. */
export const readModule = (file: string, text: string): Module => {
  const { program, comments, errors } = parseSync(file, text);
  const lineOf = (offset: number): number => text.slice(0, offset).split("\n").length;
  const imports: Array<Import> = [];
  const globals: Array<{ name: string; line: number }> = [];
  walk(program as unknown as Node, (node, role) => {
    const line = lineOf(Number(node["start"]));
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, line });
    const name = globalOf(node, role);
    if (name !== undefined) globals.push({ name, line });
  });
  for (const { value, start } of comments) {
    if (/^\/\s*<reference\s+types="node"/.test(value)) {
      globals.push({ name: "<reference>", line: lineOf(start) });
    }
  }
  return { imports, globals, faults: errors.map(({ message }) => message) };
};

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node)["type"] === "string";

/** Calls `visit` for every node with the role that its parent gives it, such as `Property.key`. */
const walk = (node: Node, visit: (node: Node, role: string) => void, role = ""): void => {
  visit(node, role);
  for (const [field, value] of Object.entries(node)) {
    const named = `${String(node["type"])}.${field}${node["computed"] === true ? "!" : ""}`;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit, named);
    }
  }
};

const importOf = (node: Node): Omit<Import, "line"> | undefined => {
  switch (node["type"]) {
    case "ImportDeclaration":
      return imported(node["source"], node["importKind"] === "type" ? "never" : "load");
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
      if (!isNode(node["source"])) return undefined;
      return imported(node["source"], node["exportKind"] === "type" ? "never" : "load");
    case "ImportExpression":
      return imported(node["source"], "later");
    case "TSImportType":
      return imported(node["source"], "never");
    case "TSExternalModuleReference":
      return imported(node["expression"], "load");
    case "CallExpression":
      return isRequire(node["callee"]) ? imported(argumentOf(node), "load") : undefined;
    default:
      return undefined;
  }
};

const imported = (source: unknown, when: Import["when"]): Omit<Import, "line"> => ({
  specifier: textOf(source),
  when,
});

const textOf = (source: unknown): string | null => {
  if (!isNode(source)) return null;
  if (source["type"] === "Literal" && typeof source["value"] === "string") return source["value"];
  const [part, ...rest] = source["type"] === "TemplateLiteral" ? (source["quasis"] as Node[]) : [];
  if (part === undefined || rest.length > 0) return null;
  return (part["value"] as { readonly cooked: string }).cooked;
};

/** `require(…)` by that name. */
const isRequire = (callee: unknown): boolean =>
  isNode(callee) && callee["type"] === "Identifier" && callee["name"] === "require";

const argumentOf = (call: Node): unknown => (call["arguments"] as ReadonlyArray<unknown>)[0];

const nodeGlobals = new Set([
  "process",
  "Buffer",
  "global",
  "NodeJS",
  "require",
  "__dirname",
  "__filename",
  "setImmediate",
  "clearImmediate",
]);

/** Roles in which a name is not a use of the variable of that name. */
const namings = new Set([
  "Property.key",
  "MethodDefinition.key",
  "PropertyDefinition.key",
  "TSPropertySignature.key",
  "TSMethodSignature.key",
  "ImportSpecifier.imported",
  "ExportSpecifier.exported",
  "TSQualifiedName.right",
  "TSImportType.qualifier",
  "LabeledStatement.label",
]);

const globalOf = (node: Node, role: string): string | undefined => {
  const name = nameOf(node);
  if (name === undefined || !nodeGlobals.has(name) || namings.has(role)) return undefined;
  // `globalThis.process` is Node's as well; `plan.process` is somebody's field.
  return role === "MemberExpression.property" ? undefined : name;
};

const nameOf = (node: Node): string | undefined => {
  if (node["type"] === "Identifier") return String(node["name"]);
  if (node["type"] !== "MemberExpression" || !isNode(node["object"])) return undefined;
  if (nameOf(node["object"]) !== "globalThis" || !isNode(node["property"])) return undefined;
  return nameOf(node["property"]) ?? textOf(node["property"]) ?? undefined;
};
