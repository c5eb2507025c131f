// The store on SQLite keeps every promise of a store.

import { storeConformance } from "@muster/testkit/store/conformance";
import { sqliteGround } from "./ground.ts";

storeConformance("SQLite", sqliteGround);
