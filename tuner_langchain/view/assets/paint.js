// Painting: the overview, the ruler and the bars. Only what is in sight is painted, and bars too thin to tell apart once.
const chosen = { bar: null, name: null, hover: null };
const canvases = { overview: at("overview"), ruler: at("ruler"), bars: at("bars") };
let ink = {};
let fontFamily = "sans-serif";

/** Read the colours of the light or the dark page. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "card", "ink", "soft", "rule", "band", "grid", "focus", "shade", "error", "error-edge"];
  for (const kind of Object.keys(KINDS)) names.push(kind, `${kind}-edge`);
  ink = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  fontFamily = getComputedStyle(document.body).fontFamily;
}

/** Fit a canvas to its place on a screen of any density; return its pen and its size. */
function pen(canvas, height) {
  const width = canvas.clientWidth;
  const dense = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, width, height);
  context.textBaseline = "middle";
  return { context, width, height, x: (ms) => ((ms - window_.from) / spanMs()) * width };
}

const font = (context, size, weight = 400) => { context.font = `${weight} ${size}px ${fontFamily}`; };

/** Cut a text to a width; the longest beginning that fits. */
function cutTo(context, text, width) {
  // Nobody reads more of it on one line, and measuring is not free.
  let shown = text.length > 240 ? text.slice(0, 240) : text;
  if (context.measureText(shown).width <= width) return shown;
  let low = 0;
  let high = shown.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${shown.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  shown = shown.slice(0, low).trimEnd();
  return shown ? `${shown}…` : "";
}

function paintBands({ context, x, width, height }) {
  for (const [position, turn] of turns.entries()) {
    if (position % 2 || turn.end_ms < window_.from || turn.start_ms > window_.to) continue;
    const next = turns[position + 1];
    const from = x(turn.start_ms);
    context.fillStyle = ink.band;
    context.fillRect(from, 0, Math.max(1, x(next ? next.start_ms : LONGEST_MS) - from), height);
  }
  if (totals.slowest !== null) {
    const bar = bars[totals.slowest];
    context.fillStyle = ink.shade;
    context.fillRect(x(bar.start_ms), 0, Math.max(2, x(bar.end_ms) - x(bar.start_ms)), height);
  }
}

function paintRuler() {
  const view = pen(canvases.ruler, 46);
  const { context, width, x } = view;
  paintBands(view);
  font(context, 11);
  context.fillStyle = ink.soft;
  context.strokeStyle = ink.rule;
  for (const { ms, text } of ticks(width, 84)) {
    const left = Math.round(x(ms)) + 0.5;
    context.beginPath();
    context.moveTo(left, 0);
    context.lineTo(left, 7);
    context.stroke();
    if (left + context.measureText(text).width + 6 < width) context.fillText(text, left + 4, 10);
  }
  const flag = slowestFlag(view);
  paintTurnNames(view, flag);
  if (flag) paintSlowestFlag(view, flag);
  context.fillStyle = ink.rule;
  context.fillRect(0, 45, width, 1);
}

function paintTurnNames({ context, x, width }, flag) {
  font(context, 11, 600);
  for (const [position, turn] of turns.entries()) {
    const from = Math.max(0, x(turn.start_ms));
    const to = Math.min(width, x(turns[position + 1]?.start_ms ?? LONGEST_MS));
    if (to - from < 16 || from > width) continue;
    const name = turn.number ? (to - from > 64 ? `Turn ${turn.number}` : String(turn.number)) : to - from > 64 ? "Opening" : "";
    const right = from + 4 + context.measureText(name).width;
    const hidden = flag && right > flag.left - 4 && from < flag.left + flag.wide;
    context.fillStyle = ink.soft;
    if (right + 2 <= to && !hidden) context.fillText(name, from + 4, 33);
  }
}

/** What the flag over the slowest bar says, and where it flies; null when the bar is out of sight. */
function slowestFlag({ context, x, width }) {
  if (totals.slowest === null) return null;
  const bar = bars[totals.slowest];
  const [from, to] = [x(bar.start_ms), x(bar.end_ms)];
  if (to < 0 || from > width) return null;
  const text = `Slowest: ${duration(totals.slowest_own_ms)}${bar.self_ms < lengthOf(bar) ? " of its own" : ""}`;
  font(context, 11.5, 650);
  const wide = context.measureText(text).width + 16;
  const middle = (Math.max(0, from) + Math.min(width, to)) / 2;
  const left = Math.min(Math.max(2, middle - wide / 2), width - wide - 2);
  return { text, left, wide, middle };
}

function paintSlowestFlag({ context }, { text, left, wide, middle }) {
  font(context, 11.5, 650);
  context.fillStyle = ink.ink;
  context.beginPath();
  context.roundRect(left, 22, wide, 20, 10);
  context.fill();
  context.beginPath();
  context.moveTo(middle - 5, 41);
  context.lineTo(middle + 5, 41);
  context.lineTo(middle, 46);
  context.fill();
  context.fillStyle = ink.paper;
  context.fillText(text, left + 8, 32.5);
}

function paintBars() {
  const visible = Math.min(chartHeight, at("chart").clientHeight || chartHeight);
  const view = pen(canvases.bars, visible);
  const top = at("chart").scrollTop;
  paintBands(view);
  view.context.translate(0, -top);
  paintGrid(view, top);
  let painted = 0;
  for (const lane of lanes) {
    if (lane.top + LANE >= top && lane.top <= top + visible) painted += paintLane(view, lane);
  }
  paintWaits(view);
  paintHeadings(view);
  canvases.bars.dataset.painted = String(painted);
}

function paintGrid({ context, width, x }, top) {
  context.fillStyle = ink.grid;
  for (const { ms } of ticks(width, 84)) context.fillRect(Math.round(x(ms)), top, 1, chartHeight);
}

function paintHeadings({ context }) {
  font(context, 11, 600);
  for (const { kind, top } of headings) {
    const text = KINDS[kind];
    context.fillStyle = ink.card;
    context.globalAlpha = 0.82;
    context.fillRect(4, top + 3, context.measureText(text).width + 12, HEADING - 5);
    context.globalAlpha = 1;
    context.fillStyle = ink.soft;
    context.fillText(text, 10, top + HEADING / 2 + 1);
  }
}

function paintLane(view, lane) {
  let painted = 0;
  let reached = -2;
  for (let position = firstEndingAfter(lane, window_.from); position < lane.bars.length; position += 1) {
    const bar = lane.bars[position];
    if (bar.start_ms > window_.to) break;
    const right = view.x(bar.end_ms);
    const special = bar === chosen.bar || bar.index === totals.slowest || failed(bar);
    if (right < reached + 1 && !special) continue;
    paintBar(view, bar, lane, Math.min(view.x(lane.bars[position + 1]?.start_ms ?? Infinity), nextWait(view, bar)));
    reached = Math.max(right, view.x(bar.start_ms) + 1);
    painted += 1;
  }
  return painted;
}

const waitAfter = new Map();

/** Where the silence before the agent's next answer begins: it is written in the agent's lane too. */
function nextWait(view, bar) {
  if (bar.kind !== "agent") return Infinity;
  if (!waitAfter.has(bar)) waitAfter.set(bar, waits.find((wait) => wait.to > bar.end_ms)?.from ?? Infinity);
  return view.x(waitAfter.get(bar));
}

function paintBar({ context, x, width }, bar, lane, nextLeft) {
  const left = Math.max(-20, x(bar.start_ms));
  const right = Math.min(width + 20, Math.max(x(bar.end_ms), x(bar.start_ms) + 2));
  const wide = right - left;
  const top = lane.top + (LANE - BAR) / 2;
  const wrong = failed(bar);
  const faded = chosen.name !== null && bar.name !== chosen.name;
  context.globalAlpha = faded ? 0.3 : 1;
  context.save();
  outline(context, bar, left, top, wide);
  context.fillStyle = wrong ? ink.error : ink[bar.kind];
  context.fill();
  context.clip();
  if (wrong || (stopped(bar) && !bar.cut)) hatch(context, left, top, wide, wrong ? ink["error-edge"] : ink[`${bar.kind}-edge`]);
  context.fillStyle = wrong ? ink["error-edge"] : ink[`${bar.kind}-edge`];
  context.globalAlpha *= wide < 6 && !wrong ? 0.6 : 1;
  context.fillRect(left, top, Math.min(3, wide), BAR);
  context.restore();
  if (bar.index === totals.slowest || bar === chosen.bar || bar === chosen.hover) ring(context, bar, left, top, wide);
  if (wide > 26 || nextLeft - right > 40) paintLabel({ context, width }, bar, { left, right, top, nextLeft });
  context.globalAlpha = 1;
}

/** Trace a bar: round corners, and a torn edge where the caller cut the agent off. */
function outline(context, bar, left, top, wide) {
  context.beginPath();
  if (!bar.cut || wide < 12) {
    context.roundRect(left, top, wide, BAR, Math.min(4, wide / 2));
    return;
  }
  const right = left + wide;
  context.moveTo(left, top);
  for (let step = 0; step <= 4; step += 1) context.lineTo(right - (step % 2) * 6, top + (step * BAR) / 4);
  context.lineTo(left, top + BAR);
  context.closePath();
}

function hatch(context, left, top, wide, colour) {
  context.strokeStyle = colour;
  const before = context.globalAlpha;
  context.globalAlpha = before * 0.28;
  context.lineWidth = 2;
  context.beginPath();
  const from = Math.max(left, 0);
  for (let step = from - BAR - (from % 8); step < Math.min(left + wide, canvases.bars.clientWidth); step += 8) {
    context.moveTo(step, top + BAR);
    context.lineTo(step + BAR, top);
  }
  context.stroke();
  context.globalAlpha = before;
}

function ring(context, bar, left, top, wide) {
  context.strokeStyle = bar === chosen.bar ? ink.focus : bar.index === totals.slowest ? ink.ink : ink[`${bar.kind}-edge`];
  context.lineWidth = bar === chosen.bar ? 3 : bar.index === totals.slowest ? 2 : 1;
  context.beginPath();
  context.roundRect(left - 1, top - 1, Math.max(3, wide) + 2, BAR + 2, 5);
  context.stroke();
}

/** Write a bar's name into it, or beside it where there is more room. */
function paintLabel({ context, width }, bar, { left, right, top, nextLeft }) {
  font(context, 12, bar.kind === "node" ? 550 : 400);
  const middle = top + BAR / 2 + 1;
  const begin = Math.max(left, 0) + 8;
  const end = Math.min(right, width) - (bar.cut ? 12 : 6);
  const beside = bar.kind === "model" ? 0 : Math.min(nextLeft, width) - right - 12;
  const name = (failed(bar) ? "✕ " : bar.cut ? "✂ " : "") + labelOf(bar);
  const wanted = context.measureText(name.slice(0, 240)).width;
  context.fillStyle = ink.ink;
  if (wanted > end - begin && beside > end - begin && beside > 34) {
    context.fillText(cutTo(context, name, beside), right + 5, middle);
    return;
  }
  const shown = end - begin > 14 ? cutTo(context, name, end - begin) : "";
  context.fillText(shown, begin, middle);
  const used = context.measureText(shown).width + 14;
  const time = duration(lengthOf(bar));
  font(context, 11);
  const wide = context.measureText(time).width;
  context.fillStyle = ink.soft;
  if (end - begin - used > wide) context.fillText(time, end - wide, middle);
}

function paintWaits({ context, x, width }) {
  font(context, 11);
  for (const wait of waits) {
    const [from, to] = [x(wait.from), x(wait.to)];
    if (to < 0 || from > width || to - from < 6) continue;
    const middle = lanes[wait.lane].top + LANE / 2;
    const text = `waited ${duration(wait.ms)}`;
    const room = Math.min(to, width) - Math.max(from, 0) - 12;
    context.strokeStyle = ink["agent-edge"];
    context.lineWidth = 1.5;
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(Math.max(from, 0), middle);
    context.lineTo(Math.min(to, width), middle);
    context.stroke();
    context.setLineDash([]);
    const shown = context.measureText(text).width <= room ? text : duration(wait.ms);
    const wide = context.measureText(shown).width;
    if (wide > room) continue;
    const left = (Math.max(from, 0) + Math.min(to, width) - wide) / 2;
    context.fillStyle = ink.card;
    context.fillRect(left - 4, middle - 8, wide + 8, 16);
    context.fillStyle = ink["agent-edge"];
    context.fillText(shown, left, middle + 1);
  }
}
