// Holds the daemon's page end to end: real Chromium, the real command, and a simulator whose time the test moves.

import { existsSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { type Browser, chromium, type Page } from "playwright-core";
import { virtualClock } from "@muster/testkit/oci/index";
import { accepted, fleet } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

/** Debian's; no browser is downloaded. */
const executablePath = "/usr/bin/chromium";
const isThere = existsSync(executablePath);
if (!isThere) {
  if (process.env["CI"]) throw new Error(`${executablePath} must be installed on CI`);
  console.warn(`the page is not tested: there is no ${executablePath}`);
}

const launchDelayMs = 1_000;

/** A fleet that launches one member after the other, each only when the test lets its time pass. */
const inSlowWorld = (use: (world: World, browser: Browser) => Promise<void>) =>
  inWorld(
    async (world) => {
      const browser = await chromium.launch({ executablePath });
      try {
        await use(world, browser);
      } finally {
        await browser.close();
      }
    },
    { clock: virtualClock(), launchDelayMs, terminateDelayMs: launchDelayMs },
  );

const serve = async (world: World, count: number) => {
  const oneByOne = fleet(count).replace("scaling: {}", "scaling: { parallelLaunch: 1 }");
  const file = await world.write("f/fleet.yaml", oneByOne);
  const daemon = world.start(
    ["fleet", "serve", "-f", file, "--http", "127.0.0.1:0", "--reconcile-every", "10m"],
    { env: { MUSTER_OCI_POLL: "50ms" } },
  );
  await daemon.until("the token for changes");
  return {
    daemon,
    url: /listening on (http:\/\/\S+?)\/?(?:\s|$)/u.exec(daemon.said())![1]!,
    token: /shown this once: (\S+)/u.exec(daemon.said())![1]!,
  };
};

/** Waits until so many launches were accepted, and lets the last one come to its end. */
const finishLaunch = async ({ simulator }: World, number: number): Promise<void> => {
  while (accepted(simulator).launches < number) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  simulator.advance(launchDelayMs);
};

const visit = async (browser: Browser, url: string, width: number) => {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  page.setDefaultTimeout(20_000);
  const faults: Array<string> = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.goto(url);
  await page.locator('#link[data-state="live"]').waitFor();
  return { page, faults };
};

/** Waits until an element says so. */
const says = (page: Page, selector: string, text: string | RegExp) =>
  page.locator(selector).filter({ hasText: text }).waitFor();

const askForScale = async (page: Page, desired: number): Promise<void> => {
  await page.getByLabel("Members", { exact: true }).fill(String(desired));
  await page.getByRole("button", { name: "Scale…" }).click();
};

/** What it says of the fleet after so many launches. */
const sentences = [
  "1 of 4 members is there; 3 missing.",
  "2 of 4 members are there; 2 missing.",
  "3 of 4 members are there; 1 missing.",
];

const widest = (page: Page): Promise<number> =>
  page.evaluate<number>(
    `Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll("body *:not(.skip)")].map((one) => Math.ceil(one.getBoundingClientRect().right)))`,
  );

describe.skipIf(!isThere)("the page of a real daemon", () => {
  it.each([1_280, 320])(
    "at %i px scales with the token alone, tells how far it is, and how it ended",
    (width) =>
      inSlowWorld(async (world, browser) => {
        const { daemon, url, token } = await serve(world, 1);
        const { page, faults } = await visit(browser, url, width);
        await finishLaunch(world, 1);
        await says(page, "#sentence", "The one member is there.");

        await askForScale(page, 4);
        await says(page, "#outcome", "The token is missing");
        await page.getByLabel("Token").fill("a-guess");
        await askForScale(page, 4);
        await page.locator("#confirm-yes").click();
        await says(page, "#outcome", "That is not the daemon's token");
        expect(faults.splice(0)).toEqual([expect.stringContaining("401 (Unauthorized)")]);
        expect(accepted(world.simulator).launches).toBe(1);
        expect(await widest(page)).toBeLessThanOrEqual(width);

        await page.getByLabel("Token").fill(token);
        await askForScale(page, 4);
        await says(page, "#confirm-what", "3 members will be launched: from 1 to 4.");
        expect(await widest(page)).toBeLessThanOrEqual(width);
        await page.locator("#confirm-yes").click();
        for (const launched of [0, 1, 2]) {
          await says(page, ".bar .count", `${launched} of 3`);
          await says(page, "#sentence", sentences[launched]!);
          await says(page, "#override", "web: 4 instead of 1");
          await says(page, "#busy", "Scaling up is under way.");
          expect(await page.getByRole("button", { name: "Restart…" }).isDisabled()).toBe(true);
          expect(await widest(page)).toBeLessThanOrEqual(width);
          await finishLaunch(world, 2 + launched);
        }
        await says(page, "#outcome", "3 members launched, 0 terminated; 4 of 4 there.");
        await says(page, "#operation-what", "Scaling up: done");
        await says(page, "#sentence", "All 4 members are there.");
        await says(page, "#override", "token holder");
        expect(await widest(page)).toBeLessThanOrEqual(width);
        expect(faults).toEqual([]);
        expect(accepted(world.simulator)).toEqual({ launches: 4, terminations: 0, others: 0 });

        daemon.process.kill("SIGTERM");
        expect((await daemon.ended).code).toBe(0);
      })(),
  );
});
