import { describeFaults } from "./fault-suite.ts";

describeFaults("apply", (index) => index % 2 === 1);
