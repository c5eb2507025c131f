import { describeSweep } from "./suite.ts";

describeSweep("run", "empty store, lagging list");
