// The list of calls and refusals, newest first, asked for again while the page is looked at. Text goes in as text only.
const at = (id) => document.getElementById(id);
const EVERY_MS = 1500;
const MOST = 300;
const known = { calls: new Set(), refusals: new Set() };
let first = true;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** A time of day, with the day when it was not today. */
function when(text) {
  const date = new Date(text);
  const time = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString("en-CA")} ${time}`;
}

function outcome(call) {
  const good = call.call_successful === true ? "successful" : call.call_successful === false ? "failed" : "";
  const ended = (call.disconnection_reason ?? call.call_status ?? "").replaceAll("_", " ");
  return [good, ended].filter(Boolean).join(", ");
}

function callRow(call) {
  const isNew = !first && !known.calls.has(call.id);
  known.calls.add(call.id);
  const link = make("a", { href: `/calls/${encodeURIComponent(call.call_id)}` }, call.call_id);
  const errors = call.errors ? make("span", { class: "bad-text" }, `✕ ${call.errors}`) : "0";
  return make(
    "tr", { class: isNew ? "new" : null },
    make("td", {}, make("time", { datetime: call.received_at }, when(call.received_at))),
    make("td", {}, link, make("small", {}, (call.call_type ?? "").replaceAll("_", " "))),
    make("td", { "data-name": "length" }, duration(call.duration_ms)),
    make("td", { "data-name": "turns" }, String(call.turns)),
    make("td", { "data-name": "errors" }, errors),
    make("td", {}, outcome(call)),
  );
}

function refusalItem(refusal) {
  const key = JSON.stringify([refusal.received_at, refusal.call_id, refusal.reason]);
  const isNew = !first && !known.refusals.has(key);
  known.refusals.add(key);
  const item = make(
    "li", { class: isNew ? "new" : null },
    make("time", { class: "when", datetime: refusal.received_at }, when(refusal.received_at)),
    make("span", { class: "status" }, String(refusal.status)),
    make("b", {}, refusal.call_id ?? "a request without a call_id"),
    make("div", {}, refusal.reason),
  );
  if (refusal.violations.length) item.append(violationTable(refusal.violations));
  return item;
}

function violationTable(violations) {
  const body = make("tbody");
  for (const { field, reason } of violations.slice(0, 50)) {
    body.append(make("tr", {}, make("td", {}, field || "the body"), make("td", {}, reason)));
  }
  const head = make("tr", {}, make("th", { scope: "col" }, "Field"), make("th", { scope: "col" }, "Reason"));
  return make("table", {}, make("thead", {}, head), body);
}

function show({ calls, refusals }) {
  const state = JSON.stringify([calls, refusals]);
  if (state === show.last) return;
  show.last = state;
  const focused = document.activeElement?.getAttribute("href");
  at("calls").querySelector("tbody").replaceChildren(...calls.slice(-MOST).reverse().map(callRow));
  at("calls").hidden = !calls.length;
  at("no-calls").hidden = calls.length > 0;
  at("more-calls").hidden = calls.length <= MOST;
  at("more-calls").textContent = `and ${calls.length - MOST} older ones`;
  at("refused").replaceChildren(...refusals.slice(-MOST).reverse().map(refusalItem));
  at("no-refusals").hidden = refusals.length > 0;
  const refused = refusals.length ? `, ${refusals.length} refused` : "";
  at("count").textContent = `${calls.length} ${calls.length === 1 ? "call" : "calls"} stored${refused}`;
  if (focused) document.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  first = false;
}

async function ask() {
  const json = async (path) => (await fetch(path, { headers: { Accept: "application/json" } })).json();
  const live = at("live");
  try {
    const [calls, refusals] = await Promise.all([json("/calls"), json("/refusals")]);
    show({ calls, refusals });
    live.classList.remove("lost");
    live.textContent = "up to date";
  } catch {
    live.classList.add("lost");
    live.textContent = "the local Tuner does not answer";
  }
}

async function follow() {
  if (!document.hidden) await ask();
  setTimeout(follow, EVERY_MS);
}

const start = JSON.parse(at("start").textContent);
if (start.refused_first) at("calls-place").before(at("refused-place"));
if (start.calls && start.refusals) show(start);
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
follow();
