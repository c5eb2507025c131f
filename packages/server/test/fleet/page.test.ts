// Holds the daemon's page in real Chromium: that a person can use it, and that no other page can.

import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { assert, describe, it } from "@effect/vitest";
import type { AxeResults } from "axe-core";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Redacted from "effect/Redacted";
import * as Scope from "effect/Scope";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type FleetAnswer, FleetFailed } from "@muster/sdk/fleet-contract";
import { answerOf, calm, override, token } from "./fake-control.ts";
import { open } from "./opened.ts";

/** Debian's; no browser is downloaded. */
const executablePath = "/usr/bin/chromium";
const isThere = existsSync(executablePath);
if (!isThere) {
  if (process.env["CI"]) throw new Error(`${executablePath} must be installed on CI`);
  console.warn(`the page is not tested: there is no ${executablePath}`);
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const launch = (...args: ReadonlyArray<string>): Effect.Effect<Browser> =>
  Effect.promise(() => chromium.launch({ executablePath, args: [...args] }));

const browser = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(launch(...args), (opened) => Effect.promise(() => opened.close()));

/** A page, and all that its console says is wrong. */
const visit = (opened: Browser, url: string, options: BrowserContextOptions = {}) =>
  Effect.promise(async () => {
    const page = await opened.newPage(options);
    page.setDefaultTimeout(20_000);
    const faults: Array<string> = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) faults.push(message.text());
    });
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(url);
    return { page, faults };
  });

const act = <A>(does: () => Promise<A>): Effect.Effect<A> => Effect.promise(does);

const isLive = (page: Page) => act(() => page.locator('#link[data-state="live"]').waitFor());

/** Waits until an element says so, in whole. */
const says = (page: Page, selector: string, text: string | RegExp) =>
  act(() => page.locator(selector).filter({ hasText: text }).waitFor());

const giveToken = (page: Page, text: string) => act(() => page.getByLabel("Token").fill(text));

const scaleTo = (page: Page, desired: number) =>
  act(async () => {
    await page.getByLabel("Members", { exact: true }).fill(String(desired));
    await page.getByRole("button", { name: "Scale…" }).click();
  });

const confirm = (page: Page) => act(() => page.locator("#confirm-yes").click());

const serious = (page: Page): Effect.Effect<ReadonlyArray<string>> =>
  act(async () => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>("axe.run()");
    return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html}`);
  });

const widest = (page: Page): Effect.Effect<number> =>
  act(() =>
    page.evaluate<number>(
      `Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll("body *:not(.skip)")].map((one) => Math.ceil(one.getBoundingClientRect().right)))`,
    ),
  );

const scaling = (launchSucceeded: number) =>
  ({
    operation: "scale-up",
    phase: "launch",
    startedAt: "2026-11-25T10:00:00Z",
    launchRequested: 4,
    launchSucceeded,
  }) as const;

describe.skipIf(!isThere)("the page", () => {
  it.live("loads without a fault, and tells the fleet", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const { page, faults } = yield* visit(yield* browser(), daemon.url);
      yield* isLive(page);
      assert.strictEqual(yield* act(() => page.title()), "web-fleet · muster");
      yield* says(page, "#sentence", /^All 3 members are there\.$/u);
      yield* says(page, "#loop", "on, every 30s");
      yield* act(() => page.locator("summary", { hasText: "Status" }).click());
      yield* says(page, 'details[data-path="/status"] pre', "web-fleet: 3 local, 3 remote");
      yield* act(() => page.locator("summary", { hasText: "Metrics" }).click());
      yield* says(page, 'details[data-path="/metrics"] pre', '"remoteActive": 3');
      yield* act(() => page.locator("summary", { hasText: "Control" }).click());
      yield* says(page, 'details[data-path="/control"] pre', '"loopCount": 7');
      const openApi = page.getByRole("link", { name: "OpenAPI" });
      assert.strictEqual(yield* act(() => openApi.getAttribute("href")), "/openapi.json");
      assert.deepStrictEqual(faults, []);
    }).pipe(Effect.scoped),
  );

  it.live("shows a scale as it goes on, and lets nobody begin another", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const { page, faults } = yield* visit(yield* browser(), daemon.url);
      yield* isLive(page);
      const gate = yield* daemon.hold();
      yield* giveToken(page, Redacted.value(token));
      yield* scaleTo(page, 7);
      yield* says(page, "#confirm-title", /^Scale to 7 members\?$/u);
      yield* says(page, "#confirm-what", "4 members will be launched: from 3 to 7.");
      yield* says(
        page,
        "#confirm-what",
        "Then the document’s 3 count again, and 4 members will be",
      );
      assert.deepStrictEqual(daemon.asked, []);
      yield* confirm(page);
      for (const launched of [0, 1, 3]) {
        yield* daemon.set((metrics) => ({
          ...metrics,
          remoteActive: 3 + launched,
          control: { ...metrics.control, override: { ...override, desired: 7 } },
          actions: { ...metrics.actions, ...scaling(launched) },
        }));
        yield* says(page, ".bar .count", `${launched} of 4`);
        const bar = page.getByRole("progressbar", { name: "Launched" });
        const value = yield* act(() => bar.getAttribute("value"));
        assert.strictEqual(value, String(launched));
      }
      yield* says(page, "#sentence", "6 of 7 members are there; 1 missing.");
      yield* says(page, "#phases [aria-current]", /^launch$/u);
      yield* says(page, "#operation-said", "Scaling up: launch. Launched: 75 percent");
      yield* says(page, "#override", "Then: 2 members are removed");
      yield* says(page, "#busy", "Scaling up is under way.");
      for (const button of ["Scale…", "Restart…", "Sync…"]) {
        assert.isTrue(yield* act(() => page.getByRole("button", { name: button }).isDisabled()));
      }
      yield* daemon.set((metrics) => ({
        ...metrics,
        actions: { ...calm.actions, ...scaling(4), phase: "done" },
      }));
      yield* Deferred.succeed(gate, answerOf("scale-up", 7));
      yield* says(page, "#outcome", "4 members launched, 0 terminated; 7 of 7 there.");
      yield* says(page, "#outcome", "nothing will undo it until 11:00");
      yield* says(page, "#operation-what", /^Scaling up: done$/u);
      assert.deepStrictEqual(daemon.asked, [
        ["scale-up", { desired: 7, for: "1h" }, "token holder at 127.0.0.1"],
      ]);
      assert.deepStrictEqual(faults, []);
    }).pipe(Effect.scoped),
  );

  it.live("changes nothing without the token, without consent, or with a wrong number", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const { page } = yield* visit(yield* browser(), daemon.url);
      yield* isLive(page);
      yield* scaleTo(page, 5);
      yield* says(page, "#outcome", "The token is missing");
      assert.strictEqual(yield* act(() => page.locator(":focus").getAttribute("id")), "token");
      for (const button of ["Restart…", "Sync…"]) {
        yield* act(() => page.getByRole("button", { name: button }).click());
        yield* says(page, "#outcome", "The token is missing");
      }
      yield* giveToken(page, "wrong");
      yield* scaleTo(page, 5);
      yield* confirm(page);
      yield* says(page, "#outcome", "That is not the daemon's token");
      yield* giveToken(page, Redacted.value(token));
      for (const wrong of ["-1", "1.5", "10001", ""]) {
        yield* act(() => page.getByLabel("Members", { exact: true }).fill(wrong));
        yield* act(() => page.getByRole("button", { name: "Scale…" }).click());
        yield* says(page, "#outcome", "Give a whole number from 0 to 10000.");
      }
      yield* scaleTo(page, 5);
      yield* act(() => page.keyboard.press("Escape"));
      yield* scaleTo(page, 5);
      yield* act(() => page.getByRole("button", { name: "Cancel" }).click());
      assert.deepStrictEqual(daemon.asked, []);
      // Only the memory of this page holds it.
      const kept = yield* act(() =>
        page.evaluate<string>("JSON.stringify([localStorage, sessionStorage, document.cookie])"),
      );
      assert.strictEqual(kept, '[{},{},""]');
      yield* act(() => page.reload());
      assert.strictEqual(yield* act(() => page.getByLabel("Token").inputValue()), "");
    }).pipe(Effect.scoped),
  );

  it.live("is used by keyboard alone, in the order that it is read", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const { page } = yield* visit(yield* browser(), daemon.url);
      yield* isLive(page);
      const order: Array<string> = [];
      for (let step = 0; step < 8; step += 1) {
        yield* act(() => page.keyboard.press("Tab"));
        const [name = "", outline = ""] = yield* act(() =>
          page.evaluate<ReadonlyArray<string>>(
            `[document.activeElement.id || document.activeElement.textContent.trim(), getComputedStyle(document.activeElement).outlineStyle]`,
          ),
        );
        assert.strictEqual(outline, "solid", name);
        order.push(name);
      }
      assert.deepStrictEqual(order, [
        ...["Skip to the controls", "token", "scale-desired", "scale-for", "scale-reason"],
        ...["Scale…", "Restart…", "Sync…"],
      ]);
      yield* giveToken(page, Redacted.value(token));
      yield* act(() => page.getByRole("button", { name: "Sync…" }).focus());
      yield* act(() => page.keyboard.press("Enter"));
      yield* says(page, "#confirm-what", "Nothing is launched or terminated.");
      yield* act(() => page.keyboard.press("Tab"));
      yield* act(() => page.keyboard.press("Enter"));
      yield* says(page, "#outcome", "Syncing the state: done");
      yield* act(() => page.getByRole("button", { name: "Restart…" }).focus());
      yield* act(() => page.keyboard.press("Enter"));
      yield* says(page, "#confirm-what", "3 members will be replaced, the newest first.");
      yield* act(() => page.keyboard.press("Tab"));
      yield* act(() => page.keyboard.press("Enter"));
      yield* says(page, "#outcome", "Rolling restart: done");
      assert.deepStrictEqual(
        daemon.asked.map(([operation]) => operation),
        ["sync-state", "rolling-restart"],
      );
    }).pipe(Effect.scoped),
  );

  it.live("says why a change failed, and shows text from outside as text", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const { page, faults } = yield* visit(yield* browser(), daemon.url);
      yield* isLive(page);
      const hostile = `<img src=x onerror="document.title='owned'"><b>bold</b>`;
      const gate: Deferred.Deferred<FleetAnswer, FleetFailed> = yield* daemon.hold();
      yield* daemon.set((metrics) => ({
        ...metrics,
        fleet: hostile,
        control: {
          ...metrics.control,
          lastError: hostile,
          lastAction: hostile,
          override: { ...override, reason: hostile, by: hostile, afterwards: hostile },
        },
        actions: { ...metrics.actions, ...scaling(1), phase: "done", lastError: hostile },
      }));
      yield* says(page, "#fleet", hostile);
      yield* giveToken(page, Redacted.value(token));
      yield* scaleTo(page, 5);
      yield* confirm(page);
      const error = new FleetFailed({
        reason: "Refused",
        message: `a guard forbids it: ${hostile}`,
        remedy: hostile,
        answer: { ...answerOf("scale-up", 4), messages: [hostile] },
      });
      yield* Deferred.fail(gate, error);
      yield* says(page, "#outcome h3", "A guard forbids it: <img");
      yield* says(page, "#outcome", "It came this far: 1 launched, 0 terminated; 4 of 4 there.");
      for (const place of ["#operation-error", "#loop-error", "#loop", "#override", "#outcome"]) {
        yield* says(page, place, hostile);
      }
      assert.strictEqual(yield* act(() => page.locator("main img, main b").count()), 0);
      assert.notStrictEqual(yield* act(() => page.title()), "owned");
      assert.deepStrictEqual(faults, [
        "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)",
      ]);
    }).pipe(Effect.scoped),
  );

  it.live("makes up no number where nobody could look at the end", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const { page } = yield* visit(yield* browser(), daemon.url);
      yield* isLive(page);
      const gate = yield* daemon.hold();
      yield* giveToken(page, Redacted.value(token));
      yield* scaleTo(page, 5);
      yield* confirm(page);
      const { actual: _, ...blind } = answerOf("scale-up", 5);
      const answer = { ...blind, groups: [] };
      const said = { message: "it cannot be seen", remedy: "ask again" };
      yield* Deferred.fail(gate, new FleetFailed({ reason: "Failed", ...said, answer }));
      yield* says(page, "#outcome", "how many of 5 are there could not be seen.");
    }).pipe(Effect.scoped),
  );

  it.live("says that it is not connected, and comes back by itself", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make();
      const daemon = yield* open().pipe(Scope.provide(scope));
      const { page } = yield* visit(yield* browser(), daemon.url);
      yield* isLive(page);
      yield* Scope.close(scope, Exit.void);
      yield* says(page, "#link", "Not connected, trying again. What stands here is of");
      const again = yield* open({ address: `127.0.0.1:${daemon.port}` });
      yield* again.set((metrics) => ({ ...metrics, remoteActive: 2 }));
      yield* isLive(page);
      yield* says(page, "#sentence", "2 of 3 members are there; 1 missing.");
    }).pipe(Effect.scoped),
  );

  it.live("needs no sideways scrolling at 320 px, and has no finding of axe, light or dark", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const opened = yield* browser();
      yield* daemon.set((metrics) => ({
        ...metrics,
        fleet: "a-fleet-with-a-name-that-is-as-long-as-names-may-be-63-characters",
        control: { ...metrics.control, override, lastError: `no answer from ${"x".repeat(200)}` },
        actions: { ...metrics.actions, ...scaling(1), lastError: "y".repeat(300) },
      }));
      for (const colorScheme of ["light", "dark"] as const) {
        for (const width of [320, 1280]) {
          const options = { colorScheme, viewport: { width, height: 800 } };
          const { page } = yield* visit(opened, daemon.url, options);
          yield* isLive(page);
          yield* says(page, "#override", "2 members are removed");
          for (const summary of yield* act(() => page.locator("summary").all())) {
            yield* act(() => summary.click());
          }
          yield* says(page, 'details[data-path="/control"] pre', '"loopCount"');
          assert.isAtMost(yield* widest(page), width, `${colorScheme} ${width}`);
          assert.deepStrictEqual(yield* serious(page), [], `${colorScheme} ${width}`);
          yield* act(() => page.close());
        }
      }
      const { page } = yield* visit(opened, daemon.url, { viewport: { width: 320, height: 600 } });
      yield* daemon.set((metrics) => ({
        ...metrics,
        actions: { ...metrics.actions, phase: "done" },
      }));
      yield* giveToken(page, "wrong");
      yield* says(page, "#operation-what", "ended with an error");
      yield* scaleTo(page, 5);
      assert.deepStrictEqual(yield* serious(page), []);
      assert.isAtMost(yield* widest(page), 320);
      yield* confirm(page);
      yield* says(page, "#outcome", "That is not");
      assert.isAtMost(yield* widest(page), 320);
      assert.deepStrictEqual(yield* serious(page), []);
    }).pipe(Effect.scoped),
  );
});

/** A page of somebody else, on this machine too: for a browser another origin. */
const elsewhere = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    const server = createServer((_request, response) =>
      response.setHeader("content-type", "text/html").end("<title>evil</title>"),
    );
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }));
    });
  }),
  ({ close }) => Effect.sync(close),
);

/** All the ways in which a page can try to reach another server, and what each got. */
const attack = (daemon: string, secret: string) => `(async () => {
  const got = {};
  const tried = async (name, does) => {
    try { got[name] = await does(); } catch { got[name] = "nothing"; }
  };
  for (const path of ["/metrics", "/status", "/control", "/openapi.json"]) {
    await tried("fetch " + path, async () => (await fetch("${daemon}" + path)).text());
    await tried("opaque " + path, async () => (await fetch("${daemon}" + path, { mode: "no-cors" })).text());
  }
  const headers = { authorization: "Bearer ${secret}", "content-type": "application/json" };
  const body = '{"desired":9}';
  await tried("post", async () => (await fetch("${daemon}/scale", { method: "POST", headers, body })).text());
  await tried("simple post", async () =>
    (await fetch("${daemon}/scale", { method: "POST", mode: "no-cors", body })).text());
  await tried("events", () => new Promise((resolve, reject) => {
    const source = new EventSource("${daemon}/events");
    source.addEventListener("metrics", (event) => resolve(event.data));
    source.addEventListener("error", reject);
  }));
  const element = (tag, attributes) => new Promise((resolve, reject) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.addEventListener("load", () => resolve(tag === "iframe" ? made.contentDocument?.body?.textContent || "nothing" : "loaded"));
    made.addEventListener("error", reject);
    document.body.append(made);
  });
  await tried("script", () => element("script", { src: "${daemon}/page.js" }));
  await tried("image", () => element("img", { src: "${daemon}/icon.svg" }));
  await tried("frame", () => element("iframe", { src: "${daemon}/" }));
  const form = Object.assign(document.createElement("form"),
    { method: "POST", action: "${daemon}/scale", enctype: "text/plain", target: "sink" });
  form.append(Object.assign(document.createElement("input"), { name: body, value: "" }));
  const sink = Object.assign(document.createElement("iframe"), { name: "sink" });
  document.body.append(sink, form);
  await tried("form", () => new Promise((resolve) => {
    sink.addEventListener("load", () => resolve(sink.contentDocument?.body?.textContent || "nothing"));
    form.submit();
  }));
  return got;
})()`;

describe.skipIf(!isThere)("a page of another origin", () => {
  it.live("gets nothing and changes nothing, though it knew the token", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const evil = yield* elsewhere;
      const { page } = yield* visit(yield* browser(), evil.url);
      const statuses: Array<number> = [];
      page.on("response", (answer) => {
        if (answer.url().startsWith(daemon.url)) statuses.push(answer.status());
      });
      const got = yield* act(() =>
        page.evaluate<Readonly<Record<string, string>>>(attack(daemon.url, Redacted.value(token))),
      );
      assert.isAbove(Object.keys(got).length, 12);
      for (const [way, answer] of Object.entries(got)) {
        assert.include(["nothing", ""], answer, way);
      }
      // Not only the browser kept it from that page: it tells of the frame and the form.
      assert.isAtLeast(statuses.length, 2);
      assert.deepStrictEqual(
        statuses.filter((status) => status !== 403),
        [],
      );
      assert.deepStrictEqual(daemon.asked, []);
    }).pipe(Effect.scoped),
  );

  it.live("gets nothing under a name that it made to mean this machine", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const opened = yield* browser("--host-resolver-rules=MAP evil.example 127.0.0.1");
      const rebound = `http://evil.example:${daemon.port}`;
      const { page } = yield* visit(opened, `${rebound}/`);
      const shown = yield* act(() => page.locator("body").innerText());
      assert.include(shown, "UnknownHost");
      assert.notInclude(shown, "web-fleet");
      // For the browser that page is of the same origin as all that it asks.
      const got = yield* act(() =>
        page.evaluate<Readonly<Record<string, string>>>(`(async () => {
          const got = {};
          for (const path of ["/", "/metrics", "/status", "/control", "/events", "/openapi.json"]) {
            got[path] = await fetch(path).then((answer) => answer.text(), String);
          }
          const headers = { authorization: "Bearer ${Redacted.value(token)}", "content-type": "application/json" };
          got.post = await fetch("/scale", { method: "POST", headers, body: '{"desired":9}' }).then((answer) => answer.text(), String);
          return got;
        })()`),
      );
      for (const [way, answer] of Object.entries(got)) {
        assert.notInclude(answer, "web-fleet", way);
        assert.match(answer, /UnknownHost|TypeError/u, way);
      }
      assert.deepStrictEqual(daemon.asked, []);
    }).pipe(Effect.scoped),
  );
});
