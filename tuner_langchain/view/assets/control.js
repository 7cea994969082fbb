// Steering the waterfall by pointer, touch and keyboard.
const chart = at("chart");

/** Choose a bar: ring it, show its facts, say it to those who listen. */
function choose(bar, { move = true } = {}) {
  chosen.bar = bar;
  chosen.name = null;
  if (bar && move) bringIntoSight(bar);
  if (bar) keepLaneInSight(bar);
  showFacts(bar);
  markPlace(null);
  markTurn(bar);
  at("spoken").textContent = bar ? spoken(bar) : "";
  repaint();
}

/** Choose a bar from elsewhere on the page: zoom to it and go there. */
function visit(bar) {
  choose(bar);
  const around = bar.parent === null ? bar : bars[bar.parent];
  lookAt(around.start_ms, around.end_ms);
  showWaterfall();
}

/** Scroll to the waterfall; where facts cover the page's lower half, to the top of it. */
function showWaterfall() {
  const narrow = matchMedia("(max-width: 1080px)").matches;
  at("waterfall").scrollIntoView({ block: narrow ? "start" : "nearest" });
}

function keepLaneInSight(bar) {
  const { top } = lanes[bar.lane];
  if (top < chart.scrollTop) chart.scrollTop = top - HEADING;
  else if (top + LANE > chart.scrollTop + chart.clientHeight) chart.scrollTop = top + LANE - chart.clientHeight + 4;
}

function stepInLane(by) {
  const lane = lanes[chosen.bar.lane];
  choose(lane.bars[lane.bars.indexOf(chosen.bar) + by] ?? chosen.bar);
}

/** Go to the next lane that has something of this turn, and there to what is nearest in time. */
function stepLane(by) {
  const { start_ms: from, end_ms: to, turn } = chosen.bar;
  const rest = by > 0 ? lanes.slice(chosen.bar.lane + 1) : lanes.slice(0, chosen.bar.lane).reverse();
  const own = rest.map((lane) => ({ bars: lane.bars.filter((bar) => bar.turn === turn) })).find((lane) => lane.bars.length);
  choose(own ? nearestInLane(own, (from + to) / 2) : chosen.bar);
}

function stepTurn(by) {
  const position = turns.findIndex((turn) => turn.number === chosen.bar.turn);
  const turn = turns[Math.min(turns.length - 1, Math.max(0, position + by))];
  choose(bars[turn.bars[0]]);
  lookAt(turn.start_ms, turn.end_ms);
}

function escape_() {
  if (chosen.bar || chosen.name !== null) choose(null);
  else fit();
}

function enter() {
  const { start_ms: from, end_ms: to } = chosen.bar;
  lookAt(from, to);
  at("facts").focus({ preventScroll: true });
}

const KEYS = {
  ArrowLeft: () => stepInLane(-1),
  ArrowRight: () => stepInLane(1),
  ArrowUp: () => stepLane(-1),
  ArrowDown: () => stepLane(1),
  PageUp: () => stepTurn(-1),
  PageDown: () => stepTurn(1),
  Home: () => choose(lanes[chosen.bar.lane].bars[0]),
  End: () => choose(lanes[chosen.bar.lane].bars.at(-1)),
  Enter: enter,
};
const KEYS_WITHOUT_BAR = {
  "+": () => zoomAtChosen(1.6),
  "=": () => zoomAtChosen(1.6),
  "-": () => zoomAtChosen(1 / 1.6),
  "0": fit,
  Escape: escape_,
};

function zoomAtChosen(factor) {
  const bar = chosen.bar;
  const middle = bar && (bar.start_ms + bar.end_ms) / 2;
  const seen = bar && middle > window_.from && middle < window_.to;
  zoom(factor, seen ? middle : undefined);
}

function firstInSight() {
  return bars.find((bar) => bar.end_ms >= window_.from && bar.start_ms <= window_.to) ?? bars[0];
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !bars.length) return;
  if (event.shiftKey && event.key.startsWith("Arrow")) {
    pan((event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0) * spanMs() * 0.25);
  } else if (KEYS_WITHOUT_BAR[event.key]) {
    KEYS_WITHOUT_BAR[event.key]();
  } else if (KEYS[event.key]) {
    if (chosen.bar) KEYS[event.key]();
    else choose(firstInSight());
  } else return;
  event.preventDefault();
}

/** Where a pointer is: its moment and its bar. */
function under(event) {
  const box = canvases.bars.getBoundingClientRect();
  const msPerPixel = spanMs() / box.width;
  const ms = window_.from + (event.clientX - box.left) * msPerPixel;
  return { ms, msPerPixel, bar: barAt(event.clientY - box.top + chart.scrollTop, ms, 4 * msPerPixel) };
}

const pointers = new Map();
let travelled = 0;

function onDown(event) {
  pointers.set(event.pointerId, event.clientX);
  if (pointers.size === 1) travelled = 0;
  canvases.bars.setPointerCapture(event.pointerId);
}

function onMove(event) {
  const { bar, ms, msPerPixel } = under(event);
  const before = pointers.get(event.pointerId);
  if (before === undefined) {
    hover(bar, event);
    return;
  }
  const others = [...pointers.entries()].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
  pointers.set(event.pointerId, event.clientX);
  travelled += Math.abs(event.clientX - before);
  if (others.length) {
    const grown = Math.abs(event.clientX - others[0]) / Math.max(8, Math.abs(before - others[0]));
    zoom(Math.min(2, Math.max(0.5, grown)), ms);
  } else if (travelled > 4) {
    pan((before - event.clientX) * msPerPixel);
    hover(null, event);
  }
}

function onUp(event) {
  if (pointers.delete(event.pointerId) && travelled <= 4 && pointers.size === 0 && event.type === "pointerup") {
    choose(under(event).bar, { move: false });
  }
}

function onWheel(event) {
  const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
  if (event.ctrlKey || event.metaKey) zoom(Math.exp(-event.deltaY / 240), under(event).ms);
  else if (sideways || event.shiftKey) pan(((sideways ? event.deltaX : event.deltaY) * spanMs()) / canvases.bars.clientWidth);
  else return;
  event.preventDefault();
}

function hover(bar, event) {
  const tip = at("tip");
  if (chosen.hover !== bar) {
    chosen.hover = bar;
    canvases.bars.style.cursor = bar ? "pointer" : "default";
    repaint();
  }
  tip.hidden = !bar || event.pointerType === "touch";
  if (tip.hidden) return;
  const said = labelOf(bar);
  const more = [duration(lengthOf(bar)), statusWords(bar)].filter(Boolean).join(", ");
  tip.replaceChildren(make("b", {}, said.length > 200 ? `${said.slice(0, 200)}…` : said), more);
  tip.style.left = `${Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.max(8, event.clientY - tip.offsetHeight - 12)}px`;
}

function steer() {
  chart.addEventListener("keydown", onKey);
  const canvas = canvases.bars;
  canvas.addEventListener("pointerdown", onDown);
  canvas.addEventListener("pointermove", onMove);
  canvas.addEventListener("pointerup", onUp);
  canvas.addEventListener("pointercancel", onUp);
  canvas.addEventListener("pointerleave", (event) => hover(null, event));
  canvas.addEventListener("dblclick", (event) => zoom(2.5, under(event).ms));
  canvas.addEventListener("wheel", onWheel, { passive: false });
  chart.addEventListener("scroll", repaint, { passive: true });
  at("zoom-in").addEventListener("click", () => zoomAtChosen(1.8));
  at("zoom-out").addEventListener("click", () => zoomAtChosen(1 / 1.8));
  at("fit").addEventListener("click", fit);
  steerOverview();
}
