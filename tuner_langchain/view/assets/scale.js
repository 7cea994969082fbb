// The window on the call's time: which milliseconds are in sight, and how they lie on the screen.
const SHORTEST_MS = 20;
const LONGEST_MS = Math.max(totals.duration_ms, SHORTEST_MS) * 1.02;
const window_ = { from: 0, to: LONGEST_MS };
const listeners = [];

const spanMs = () => window_.to - window_.from;
const isWhole = () => spanMs() >= LONGEST_MS - 0.5;

/** Show an interval, kept inside the call. */
function look(from, to) {
  const span = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, to - from));
  const middle = (from + to) / 2;
  window_.from = Math.min(Math.max(0, middle - span / 2), LONGEST_MS - span);
  window_.to = window_.from + span;
  at("chart").dataset.window = `${Math.round(window_.from)} ${Math.round(window_.to)}`;
  for (const listener of listeners) listener();
}

/** Zoom by a factor (above 1 shows less), keeping one moment where it is. */
function zoom(factor, around = (window_.from + window_.to) / 2) {
  const span = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, spanMs() / factor));
  const share = (around - window_.from) / spanMs();
  const from = around - share * span;
  look(from, from + span);
}

const pan = (ms) => look(window_.from + ms, window_.to + ms);
const fit = () => look(0, LONGEST_MS);

/** Show an interval with some room on either side. */
function lookAt(from, to) {
  const room = Math.max((to - from) * 0.35, 60);
  look(from - room, to + room);
}

/** Move, without zooming, until an interval is in sight. */
function bringIntoSight(bar) {
  if (bar.start_ms < window_.from || bar.end_ms > window_.to) {
    const span = Math.max(spanMs(), lengthOf(bar) * 1.2);
    const middle = (bar.start_ms + bar.end_ms) / 2;
    look(middle - span / 2, middle + span / 2);
  }
}

const STEPS_MS = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 1800000, 3600000];

/** The moments to write on the ruler, at most one in every `room` pixels, and how to write them. */
function ticks(width, room) {
  const step = STEPS_MS.find((each) => (each / spanMs()) * width >= room) ?? Math.ceil(spanMs() / 8 / 3600000) * 3600000;
  const digits = step < 10 ? 3 : step < 100 ? 2 : step < 1000 ? 1 : 0;
  const marks = [];
  for (let ms = Math.ceil(window_.from / step) * step; ms <= window_.to; ms += step) {
    const minutes = Math.floor(ms / 60000);
    const seconds = ((ms % 60000) / 1000).toFixed(digits);
    marks.push({ ms, text: LONGEST_MS < 60000 ? `${seconds} s` : `${minutes}:${seconds.padStart(digits ? 3 + digits : 2, "0")}` });
  }
  return marks;
}
