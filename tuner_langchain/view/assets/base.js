// The story that the page draws, and the few things every part of the page needs.
// Whatever a call says reaches the page as text: through textContent, setAttribute or the canvas, never as markup.
// Characters that would turn the direction of the text around them, or mean nothing on a page, are written out.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const writtenOut = (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
const story = JSON.parse(document.getElementById("story").textContent, (_, value) =>
  typeof value === "string" ? value.replace(UNSEEN, writtenOut) : value);
const { bars, turns, totals } = story;
const at = (id) => document.getElementById(id);
const KINDS = { user: "Caller", agent: "Agent", node: "Nodes", tool: "Tools", model: "Model calls" };
const ONE = { user: "caller", agent: "agent", node: "node", tool: "tool", model: "model call" };

/** Make an element; children may be elements or text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Make an element of a drawing. */
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const lengthOf = (bar) => bar.end_ms - bar.start_ms;
const failed = (bar) => Boolean(bar.error) || ["error", "raised", "unknown_tool"].includes(bar.status);
const stopped = (bar) => ["cancelled", "unfinished", "interrupted"].includes(bar.status);

/** A duration in the unit it is thought of in. */
function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** A moment of the call: minutes and seconds from its start. */
function moment(ms) {
  const hundredths = Math.round(ms / 10);
  const rest = ((hundredths % 6000) / 100).toFixed(2).padStart(5, "0");
  return `${Math.floor(hundredths / 6000)}:${rest}`;
}

/** US cents, with as many digits as a small amount needs. */
function money(cents) {
  const dollars = cents / 100;
  return `$${dollars.toFixed(Math.abs(dollars) >= 1 || cents === 0 ? 2 : 4)}`;
}

const grouped = (count) => count.toLocaleString("en-US");
const turnName = (number) => (number ? `turn ${number}` : "before the first turn");

/** A status in words; nothing when all went well. */
function statusWords(bar) {
  if (bar.kind === "agent" && bar.cut) return "cut off";
  return bar.status === "ok" ? "" : bar.status.replaceAll("_", " ");
}

/** What a bar is called where it stands: what was said, or a name. */
function labelOf(bar) {
  if (bar.kind === "user" || bar.kind === "agent") return bar.text;
  return bar.kind === "node" && bar.parent !== null ? bar.name.slice(bar.name.lastIndexOf(":") + 1) : bar.name;
}

/** One line that says a bar in full, for people who listen to the page. */
function spoken(bar) {
  const said = [`${ONE[bar.kind]} ${labelOf(bar)}`, duration(lengthOf(bar)), `at ${moment(bar.start_ms)}`, turnName(bar.turn)];
  return [...said, statusWords(bar), bar.error, bar.index === totals.slowest ? "the slowest of the call" : ""].filter(Boolean).join(", ");
}
