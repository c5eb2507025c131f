import { symlinkSync } from "node:fs";
import { it } from "@effect/vitest";
import { accepted, fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld } from "../world.ts";
it("x", inWorld(async (world) => {
  const say = (n: string, r: unknown) => console.log(n, JSON.stringify(r));
  const file = await world.write("fleets/web.yaml", fleet(1));
  for (const owner of ["", " ", "x".repeat(300), "a\u001b[31mb\nc", "ü".repeat(200)]) {
    say(`owner ${owner.slice(0,5)}`, await world.inside(["apply", file, `--owner=${owner}`]));
    say("acc", [accepted(world.simulator), world.simulator.instances().map((i) => i.freeformTags)]);
    world.simulator.reset();
  }
  await world.inside(["apply", file]);
  say("reason empty", await world.inside(["approve", `sha256:${"0".repeat(64)}`, "--reason=", "--file", file]));
  say("dup", await world.inside(["validate", world.at("fleets"), `${world.folder}/./fleets/web.yaml`]));
  symlinkSync(file, world.at("fleets/link.yaml"));
  say("link", await world.inside(["validate", world.at("fleets")]));
  say("link named", await world.inside(["validate", world.at("fleets/link.yaml")]));
  const repository = await openRepository(world);
  await repository.commit({ "web.yaml": fleet(1, { name: "api" }) });
  await world.write("fleets.git/hooks/pre-receive", "#!/bin/sh\necho 'go away, \u001b[31mred' >&2; exit 1\n");
  const { chmodSync } = await import("node:fs"); chmodSync(world.at("fleets.git/hooks/pre-receive"), 0o755);
  say("refusing remote", await world.inside(["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"]));
  say("acc", accepted(world.simulator));
  say("branch odd", await world.inside(["run", "--repo", repository.url, "--once", "--branch", "--x"]));
  say("branch odd", await world.inside(["run", "--repo", repository.url, "--once", "--branch=a b:c"]));
  say("branch muster", await world.inside(["run", "--repo", repository.url, "--once", "--branch=muster/status/default"]));
  say("profile odd", await world.inside(["run", "--repo", repository.url, "--once", "--allow-profile", "=x"]));
}));
