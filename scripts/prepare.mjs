// What npm runs after an install: notes that it was done, and builds, so that `npx muster` works.

import { build, markInstalled } from "./setup.mjs";

markInstalled();
build();
