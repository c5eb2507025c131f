// The values that cross a border of muster: what JSON can say, and nothing else.

/** A JSON value. Numbers are finite; `undefined` never occurs. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json;
}
