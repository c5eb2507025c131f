import { describeSweep } from "./suite.ts";

describeSweep("apply", "empty store, lagging list");
