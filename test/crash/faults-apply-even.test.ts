import { describeFaults } from "./fault-suite.ts";

describeFaults("apply", "even");
