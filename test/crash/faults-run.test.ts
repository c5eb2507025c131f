import { describeFaults } from "./fault-suite.ts";

describeFaults("run", "few");
