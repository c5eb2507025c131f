import { describeSweep } from "./suite.ts";

describeSweep("apply", "same store");
