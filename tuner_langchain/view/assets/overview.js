// The overview: the whole call in a strip, and on it the window that the waterfall shows.
const ROWS = { user: 6, agent: 13, node: 20, tool: 27, model: 34 };
let strip = null;

/** Paint the strip once for a size and a colour scheme; the window over it moves more often. */
function paintStrip(width, dense) {
  strip = document.createElement("canvas");
  strip.width = Math.round(width * dense);
  strip.height = Math.round(46 * dense);
  const context = strip.getContext("2d");
  context.scale(dense, dense);
  const reached = {};
  for (const bar of bars) {
    const left = (bar.start_ms / LONGEST_MS) * width;
    const right = Math.max(left + 1, (bar.end_ms / LONGEST_MS) * width);
    if (bar.parent !== null && bar.kind === "node") continue;
    if (right < (reached[bar.kind] ?? -1) + 0.5 && !failed(bar)) continue;
    reached[bar.kind] = right;
    context.fillStyle = failed(bar) ? ink["error-edge"] : ink[`${bar.kind}-edge`];
    context.fillRect(left, ROWS[bar.kind], right - left, 5);
  }
}

function paintOverview() {
  const { context, width } = pen(canvases.overview, 46);
  if (!strip || strip.width !== canvases.overview.width) paintStrip(width, window.devicePixelRatio || 1);
  context.drawImage(strip, 0, 0, width, 46);
  if (totals.slowest !== null) {
    const bar = bars[totals.slowest];
    const middle = ((bar.start_ms + bar.end_ms) / 2 / LONGEST_MS) * width;
    context.fillStyle = ink.ink;
    context.beginPath();
    context.moveTo(middle - 5, 0);
    context.lineTo(middle + 5, 0);
    context.lineTo(middle, 6);
    context.fill();
  }
  if (isWhole()) return;
  const from = (window_.from / LONGEST_MS) * width;
  const to = Math.max(from + 4, (window_.to / LONGEST_MS) * width);
  context.fillStyle = ink.card;
  context.globalAlpha = 0.68;
  context.fillRect(0, 0, from, 46);
  context.fillRect(to, 0, width - to, 46);
  context.globalAlpha = 1;
  context.strokeStyle = ink.focus;
  context.lineWidth = 2;
  context.strokeRect(from + 1, 1, Math.max(2, to - from - 2), 44);
}

/** Drag the window over the strip; a press beside it brings it there. */
function steerOverview() {
  const strip_ = canvases.overview;
  const momentAt = (event) => (event.offsetX / strip_.clientWidth) * LONGEST_MS;
  let grip = null;
  strip_.addEventListener("pointerdown", (event) => {
    strip_.setPointerCapture(event.pointerId);
    const ms = momentAt(event);
    if (isWhole()) look(ms - LONGEST_MS / 8, ms + LONGEST_MS / 8);
    else if (ms < window_.from || ms > window_.to) pan(ms - (window_.from + window_.to) / 2);
    grip = ms - window_.from;
  });
  strip_.addEventListener("pointermove", (event) => {
    if (grip !== null) pan(momentAt(event) - grip - window_.from);
  });
  for (const end of ["pointerup", "pointercancel"]) strip_.addEventListener(end, () => { grip = null; });
}
