// The words of muster and its five verbs, for those who take the package whole.

export * from "./words/audit.ts";
export * from "./words/canonical.ts";
export * from "./words/diagnostic.ts";
export * from "./words/document.ts";
export * from "./words/json.ts";
export * from "./words/kind.ts";
export * from "./words/member.ts";
export * from "./words/plan.ts";
export * from "./words/policy.ts";
export * from "./words/provider.ts";
export * from "./words/record.ts";
export * from "./words/set.ts";
export * from "./words/status.ts";
export * from "./store/store.ts";
export * from "./lease/lease.ts";
