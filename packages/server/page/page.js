// Shows the fleet as the daemon tells it, and asks for changes with a token that only this page's
// memory holds. What comes from outside is shown as text and never as markup.

const byId = (id) => document.getElementById(id);

const operations = {
  "scale-up": "Scaling up",
  "scale-down": "Scaling down",
  "rolling-restart": "Rolling restart",
  "sync-state": "Syncing the state",
  verify: "Verifying",
};

const phasesOf = {
  "scale-up": ["planning", "launch", "verify", "done"],
  "scale-down": ["planning", "terminate", "verify", "done"],
  "rolling-restart": ["planning", "terminate", "launch", "verify", "done"],
  "sync-state": ["planning", "verify", "done"],
  verify: ["verify", "done"],
};

/** The newest that the daemon told; nothing before it did. */
let known = null;
/** Whether a change of ours waits for its answer. */
let waiting = false;

/* Words. */

const many = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

/** The time of day, with its date when that is another day. */
const clock = (time) => {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return String(time);
  const hours = at.toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? hours : `${at.toLocaleDateString()}, ${hours}`;
};

const asSentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const asSentences = (texts) =>
  (texts ?? []).map((text) => (/[.!?]$/.test(text) ? asSentence(text) : `${asSentence(text)}.`));

const isRunning = ({ operation, phase }) => operation !== undefined && phase !== "done";

/** What the daemon keeps to just now: the document's number, or an override's. */
const asked = ({ control }) => control.override?.desired ?? control.desired;

const sentenceOf = (metrics) => {
  const want = asked(metrics);
  const there = metrics.remoteActive;
  if (there === undefined) return "The daemon has not looked yet.";
  if (there === want) {
    if (want === 0) return "Nobody is asked for, and nobody is there.";
    return want === 1 ? "The one member is there." : `All ${want} members are there.`;
  }
  return there < want
    ? `${there} of ${many(want, "member")} ${there === 1 ? "is" : "are"} there; ${want - there} missing.`
    : `${many(there, "member")} there, ${there - want} more than asked for.`;
};

/* Showing. */

const setText = (element, text) => {
  // The same text again would be read out again.
  if (element.textContent !== text) element.textContent = text;
};

const showNote = (id, text) => {
  byId(id).hidden = text === undefined;
  setText(byId(id), text ?? "");
};

const showFacts = (list, facts) => {
  const rows = facts.filter(([, value]) => value !== undefined);
  list.replaceChildren(
    ...rows.flatMap(([name, value]) => {
      const term = document.createElement("dt");
      const description = document.createElement("dd");
      term.textContent = name;
      description.textContent = String(value);
      return [term, description];
    }),
  );
};

const showFleet = (metrics) => {
  document.title = `${metrics.fleet} · muster`;
  setText(byId("fleet"), metrics.fleet);
  setText(byId("sentence"), sentenceOf(metrics));
  setText(byId("discovered"), String(metrics.remoteActive ?? "–"));
  setText(byId("desired"), String(metrics.control.desired));
  setText(byId("ledger"), String(metrics.localActive));
  byId("overridden").hidden = metrics.control.override === null;
  setText(byId("overridden-desired"), String(metrics.control.override?.desired ?? ""));
};

const showOverride = ({ control: { override } }) => {
  byId("override").hidden = override === null;
  if (override === null) return;
  const groups = override.counts.map(
    ({ group, count, instead }) => `${group}: ${count} instead of ${instead}`,
  );
  setText(
    byId("override-what"),
    `${many(override.desired, "member")} until ${clock(override.until)} (${groups.join(", ")}). Then: ${override.afterwards}`,
  );
  setText(byId("override-why"), `By ${override.by}. Reason: ${override.reason || "none given"}`);
};

const showOperation = ({ actions }) => {
  const { operation, phase } = actions;
  byId("phases").hidden = operation === undefined;
  showNote("operation-error", actions.lastError);
  if (operation === undefined) return;
  setText(byId("operation-what"), tellOperation(actions));
  setText(
    byId("operation-time"),
    actions.startedAt === undefined ? "" : `since ${clock(actions.startedAt)}`,
  );
  showPhases(phasesOf[operation] ?? [], phase);
  const bars = barsOf(actions);
  showBars(bars);
  setText(byId("operation-said"), tellAloud(actions, bars));
};

/** For those who listen: each phase, and each quarter of the way. */
const tellAloud = (actions, bars) => {
  const quarters = bars.map(({ name, of, value }) => {
    const quarter = Math.floor((4 * value) / of);
    return `${name}: ${quarter === 4 ? "all" : `${quarter * 25} percent`}`;
  });
  return [tellOperation(actions), ...quarters].join(". ");
};

const tellOperation = (actions) => {
  const name = operations[actions.operation] ?? actions.operation;
  if (isRunning(actions)) return `${name}: ${actions.phase ?? "planning"}`;
  return actions.lastError === undefined ? `${name}: done` : `${name}: ended with an error`;
};

const showPhases = (phases, current) => {
  byId("phases").replaceChildren(
    ...phases.map((phase) => {
      const item = document.createElement("li");
      item.textContent = phase;
      if (phase === current) item.setAttribute("aria-current", "step");
      return item;
    }),
  );
};

const barsOf = (actions) => {
  const bar = (name, of, succeeded, failed) => ({
    name,
    of,
    value: succeeded + failed,
    isBad: failed > 0,
    text: `${succeeded} of ${of}${failed > 0 ? `, ${failed} failed` : ""}`,
  });
  const restarts = bar(
    "Replaced",
    actions.rollingRestartTotal,
    isRunning(actions) ? Math.max(0, actions.rollingRestartIndex - 1) : actions.rollingRestartIndex,
    0,
  );
  const launches = bar(
    "Launched",
    actions.launchRequested,
    actions.launchSucceeded,
    actions.launchFailed,
  );
  const terminations = bar(
    "Terminated",
    actions.terminateRequested,
    actions.terminateSucceeded,
    actions.terminateFailed,
  );
  return [restarts, launches, terminations].filter(({ of }) => of > 0);
};

const showBars = (bars) => {
  const place = byId("bars");
  // What stands is changed in place, so that a bar moves and is not drawn anew.
  if (place.dataset.names !== bars.map(({ name }) => name).join()) {
    place.dataset.names = bars.map(({ name }) => name).join();
    place.replaceChildren(...bars.map(makeBar));
  }
  for (const [at, { of, value, isBad, text }] of bars.entries()) {
    const progress = place.children[at].querySelector("progress");
    progress.max = of;
    progress.value = value;
    progress.classList.toggle("bad", isBad);
    setText(place.children[at].querySelector(".count"), text);
  }
};

const makeBar = ({ name }) => {
  const bar = document.createElement("div");
  const label = document.createElement("label");
  const title = document.createElement("span");
  const count = document.createElement("span");
  const progress = document.createElement("progress");
  bar.className = "bar";
  title.textContent = name;
  count.className = "count";
  progress.id = `bar-${name.toLowerCase()}`;
  label.htmlFor = progress.id;
  label.append(title, count);
  bar.append(label, progress);
  return bar;
};

const showLoop = ({ control }) => {
  showFacts(byId("loop"), [
    ["State", control.enabled ? `on, every ${control.interval}` : "off"],
    ["Last turn", control.lastTick === undefined ? "none yet" : clock(control.lastTick)],
    ["Last action", control.lastAction],
    ["Turns", control.loopCount],
    ["Document read", control.lastConfigReload && clock(control.lastConfigReload)],
  ]);
  showNote("loop-error", control.lastError);
};

const showControls = () => {
  const running = known !== null && isRunning(known.actions);
  const name = running ? (operations[known.actions.operation] ?? known.actions.operation) : "";
  const reason = running
    ? `${name} is under way. The controls wait for its end.`
    : "Asked. The answer comes at the end.";
  setText(byId("busy"), running || waiting ? reason : "");
  for (const button of document.querySelectorAll(".change form button")) {
    button.disabled = running || waiting;
  }
};

const show = (metrics) => {
  known = metrics;
  showFleet(metrics);
  showOverride(metrics);
  showOperation(metrics);
  showLoop(metrics);
  showControls();
  for (const details of document.querySelectorAll("details[open]")) void showRaw(details);
};

/* As the daemon says it: read when somebody looks. */

const showRaw = async (details) => {
  const pre = details.querySelector("pre");
  const { path } = details.dataset;
  // One question at a time; the next change asks again.
  if (details.dataset.asking !== undefined) return;
  details.dataset.asking = "";
  try {
    const answer = await fetch(path, { headers: { accept: "application/json, text/plain;q=0.5" } });
    const text = await answer.text();
    setText(pre, path === "/status" ? text : JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    setText(pre, "The daemon does not answer.");
  } finally {
    delete details.dataset.asking;
  }
};

for (const details of document.querySelectorAll("details")) {
  details.addEventListener("toggle", () => {
    if (details.open) void showRaw(details);
  });
}

/* Listening. */

const showLink = (state, text) => {
  byId("link").dataset.state = state;
  setText(byId("link"), text);
};

const listen = () => {
  const source = new EventSource("/events");
  source.addEventListener("open", () => showLink("live", "Live"));
  source.addEventListener("metrics", (event) => show(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    const age = known === null ? "" : `. What stands here is of ${clock(known.timestamp)}`;
    showLink("lost", `Not connected, trying again${age}`);
    // A browser gives up by itself when it is refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5_000);
  });
};

/* Changing. */

const confirmed = (title, verb, lines) =>
  new Promise((resolve) => {
    const dialog = byId("confirm");
    byId("confirm-title").textContent = title;
    byId("confirm-yes").textContent = verb;
    byId("confirm-what").replaceChildren(
      ...lines.map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        return item;
      }),
    );
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });

const showOutcome = (isBad, title, lines) => {
  const outcome = byId("outcome");
  const heading = document.createElement("h3");
  heading.textContent = title;
  outcome.className = isBad ? "outcome bad" : "outcome";
  outcome.replaceChildren(
    heading,
    ...lines.filter(Boolean).map((line) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = line;
      return paragraph;
    }),
  );
  outcome.hidden = false;
  outcome.scrollIntoView({ block: "nearest" });
};

const hideOutcome = () => {
  byId("outcome").hidden = true;
  byId("outcome").replaceChildren();
};

/** What is wrong with a field, told and marked; true when nothing is. */
const accept = (field, problem) => {
  field.setAttribute("aria-invalid", String(problem !== null));
  if (problem === null) return true;
  showOutcome(true, problem[0], [problem[1]]);
  field.focus();
  return false;
};

const tokenIsThere = () =>
  accept(
    byId("token"),
    byId("token").value.trim() === ""
      ? ["The token is missing", "Give the token of the daemon’s token file above."]
      : null,
  );

const send = async (path, body) => {
  waiting = true;
  showControls();
  hideOutcome();
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${byId("token").value.trim()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(body),
    });
    tell(answer.status, await answer.json());
  } catch {
    showOutcome(true, "No answer came", [
      "The daemon may still be at it: look at the operation above once this page is connected.",
    ]);
  } finally {
    waiting = false;
    showControls();
  }
};

/** Nobody counted where nobody could look. */
const howMany = ({ actual, desired }) =>
  actual === undefined
    ? `how many of ${desired} are there could not be seen`
    : `${actual} of ${desired} there`;

const tell = (status, body) => {
  if (status === 200) {
    showOutcome(false, `${operations[body.operation] ?? body.operation}: done`, [
      `${many(body.launched, "member")} launched, ${body.terminated} terminated; ${howMany(body)}.`,
      ...asSentences(body.messages),
    ]);
    return;
  }
  const { message, remedy, operation, holder } = body.error;
  if (status === 401) {
    accept(byId("token"), [asSentence(message), "Copy it anew from the daemon’s token file."]);
    return;
  }
  showOutcome(true, asSentence(message), [
    operation && `What runs: ${operation}, by ${holder}.`,
    body.answer &&
      `It came this far: ${body.answer.launched} launched, ${body.answer.terminated} terminated; ${howMany(body.answer)}.`,
    ...asSentences(body.answer?.messages),
    `What to do: ${remedy}`,
  ]);
};

const onSubmit = (id, act) =>
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    hideOutcome();
    void act();
  });

onSubmit("scale", async () => {
  const field = byId("scale-desired");
  const desired = field.valueAsNumber;
  const isNumber = Number.isInteger(desired) && desired >= 0 && desired <= 10_000;
  const problem = ["How many members?", "Give a whole number from 0 to 10000."];
  if (!accept(field, isNumber ? null : problem) || !tokenIsThere()) return;
  const span = byId("scale-for");
  const reason = byId("scale-reason").value.trim();
  if (
    await confirmed(`Scale to ${many(desired, "member")}?`, `Scale to ${desired}`, [
      tellDifference(desired),
      tellEnd(desired, span.selectedOptions[0].textContent),
    ])
  ) {
    await send("/scale", { desired, for: span.value, ...(reason === "" ? {} : { reason }) });
  }
});

const tellDifference = (desired) => {
  const there = known?.remoteActive;
  if (there === undefined) return "How many are there now is not known yet.";
  if (desired === there)
    return `${many(there, "member")} there already: nothing is launched or terminated.`;
  return desired > there
    ? `${many(desired - there, "member")} will be launched: from ${there} to ${desired}.`
    : `${many(there - desired, "member")} will be terminated, the newest first: from ${there} to ${desired}.`;
};

const tellEnd = (desired, span) => {
  const written = known?.control.desired;
  if (written === undefined) return `This holds for ${span}.`;
  if (written === desired)
    return "The document asks for the same number, so nothing is overridden.";
  const then =
    written < desired
      ? `${many(desired - written, "member")} will be terminated`
      : `${many(written - desired, "member")} will be launched`;
  return `This holds for ${span}. Then the document’s ${written} count again, and ${then}.`;
};

onSubmit("rolling-restart", async () => {
  if (!tokenIsThere()) return;
  const there = known?.remoteActive;
  if (
    await confirmed("Restart every member?", "Restart", [
      there === undefined
        ? "Every member will be replaced."
        : `${many(there, "member")} will be replaced, the newest first.`,
      "By default one at a time: at most one is missing at any moment.",
      "What is on their disks is lost with them.",
    ])
  ) {
    await send("/rolling-restart", {});
  }
});

onSubmit("sync-state", async () => {
  if (!tokenIsThere()) return;
  if (
    await confirmed("Sync the state?", "Sync", [
      "The ledger is written anew from what is discovered.",
      "Nothing is launched or terminated.",
    ])
  ) {
    await send("/sync-state", {});
  }
});

byId("token").addEventListener("input", () => byId("token").removeAttribute("aria-invalid"));

listen();
