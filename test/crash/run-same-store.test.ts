import { describeSweep } from "./suite.ts";

describeSweep("run", "same store");
