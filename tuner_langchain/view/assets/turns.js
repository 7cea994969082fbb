// The turns as a list. Only the lines in sight are in the page, so that a call of thousands of turns stays light.
const LINE = 58;
const list = at("turns");
const longestWait = Math.max(1, ...turns.map((turn) => turn.waited_ms ?? 0));
const lines = new Map();

function turnLine(turn, position) {
  const own = turn.bars.map((index) => bars[index]);
  const line = make("button", { type: "button", class: "turn", onclick: () => lookAtTurn(turn) });
  line.style.top = `${position * LINE}px`;
  const said = make("span", {}, saidBy("caller", own.find((bar) => bar.kind === "user")), saidBy("agent", own.find((bar) => bar.kind === "agent")));
  line.append(make("span", { class: "number", "aria-hidden": "true" }, turn.number ? String(turn.number) : "–"), said, sideOf(turn));
  const item = make("div", { role: "listitem", "aria-setsize": String(turns.length), "aria-posinset": String(position + 1) }, line);
  return item;
}

function saidBy(who, bar) {
  const text = bar ? bar.text.slice(0, 300) : "—";
  const cut = bar?.cut ? make("span", { class: "bad-text" }, " ✂ cut off") : null;
  return make("span", { class: "line" }, make("span", { class: "who" }, who), bar?.cut ? cut : null, bar?.cut ? " " : null, text);
}

function sideOf(turn) {
  const side = make("span", { class: "side" });
  if (turn.waited_ms !== null) {
    const wait = make("span", { class: "wait", "aria-hidden": "true" });
    wait.style.width = `${Math.max(2, (turn.waited_ms / longestWait) * 100)}%`;
    side.append(make("b", {}, make("span", { class: "word" }, "waited "), duration(turn.waited_ms)), wait);
  }
  if (turn.errors) side.append(make("span", { class: "bad-text" }, `✕ ${turn.errors} ${turn.errors === 1 ? "error" : "errors"}`));
  return side;
}

function showLines() {
  const from = Math.max(0, Math.floor(list.scrollTop / LINE) - 4);
  const to = Math.min(turns.length, Math.ceil((list.scrollTop + list.clientHeight) / LINE) + 4);
  for (const [position, line] of lines) {
    if ((position < from || position >= to) && !line.contains(document.activeElement)) {
      line.remove();
      lines.delete(position);
    }
  }
  for (let position = from; position < to; position += 1) {
    if (lines.has(position)) continue;
    lines.set(position, turnLine(turns[position], position));
    list.append(lines.get(position));
  }
  markTurn(chosen.bar);
}

function lookAtTurn(turn) {
  chosen.bar = null;
  chosen.name = null;
  showFacts(null);
  markPlace(null);
  lookAt(turn.start_ms, turn.end_ms);
  markLine(turn.number);
  showWaterfall();
}

function markLine(number) {
  for (const [position, item] of lines) {
    if (turns[position].number === number) item.firstChild.setAttribute("aria-current", "true");
    else item.firstChild.removeAttribute("aria-current");
  }
}

const markTurn = (bar) => markLine(bar ? bar.turn : null);

function showTurns() {
  at("turns-space").style.height = `${turns.length * LINE}px`;
  list.style.height = `${Math.min(turns.length * LINE, 464)}px`;
  list.addEventListener("scroll", showLines, { passive: true });
  showLines();
}
