// The page: what is on top, and how the parts are put together.
let waiting = false;

/** Paint once before the next frame, however often it was asked for. */
function repaint() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    paintOverview();
    paintRuler();
    paintBars();
  });
}

function showHead() {
  document.title = story.call_id;
  at("call").textContent = story.call_id;
  const about = [story.call_type.replaceAll("_", " "), story.began, story.model, story.outcome].filter(Boolean);
  at("about").append(...about.map((text) => make("span", {}, text)));
}

function showSlowest() {
  if (totals.slowest === null) return;
  const bar = bars[totals.slowest];
  const chain = [];
  for (let above = bar.parent; above !== null; above = bars[above].parent) chain.unshift(labelOf(bars[above]));
  const share = bar.self_ms < lengthOf(bar) ? `without what it contains, ${duration(lengthOf(bar))} in all` : "";
  const where = [share, `in ${turnName(bar.turn)}`, chain.length ? `inside ${chain.join(" › ")}` : "", `at ${moment(bar.start_ms)}`];
  at("summary").append(
    make(
      "button", { type: "button", class: "slowest", id: "slowest", onclick: () => visit(bar) },
      make("div", { class: "label" }, `Slowest of this call: a ${ONE[bar.kind]}`),
      make("div", { class: "what" }, make("span", { class: "time" }, duration(totals.slowest_own_ms)), make("span", { class: "name" }, labelOf(bar))),
      make("div", { class: "where" }, where.filter(Boolean).join(", ")),
    ),
  );
}

function figure(name, value, more = "", bad = false) {
  return make("div", { class: bad ? "bad" : null }, make("dt", {}, name), make("dd", {}, value, more ? make("small", {}, more) : null));
}

function showFigures() {
  const list_ = make("dl", { class: "card figures", id: "figures" });
  const longest = totals.waited_ms !== totals.longest_wait_ms ? `longest ${duration(totals.longest_wait_ms)}` : "";
  list_.append(figure("Length", duration(totals.duration_ms)));
  list_.append(figure("Turns", grouped(totals.turns), totals.interrupted ? `${totals.interrupted} cut off` : ""));
  if (totals.waited_ms !== null) list_.append(figure("Caller waited", duration(totals.waited_ms), longest));
  const calls = `${grouped(totals.models)} ${totals.models === 1 ? "model call" : "model calls"}`;
  if (totals.tokens !== null) {
    const unknown = totals.unknown_usage_calls ? `, ${totals.unknown_usage_calls} said nothing` : "";
    list_.append(figure("Tokens", grouped(totals.tokens), totals.models ? calls + unknown : ""));
  }
  if (totals.cost_cents !== null) list_.append(figure("Cost", money(totals.cost_cents)));
  list_.append(figure("Errors", grouped(totals.errors), "", totals.errors > 0));
  at("summary").append(list_);
}

function jump(bar, name, value, bad = false) {
  return make("button", { type: "button", class: bad ? "bad" : null, onclick: () => visit(bar) }, make("b", {}, name), ` ${value}`);
}

function showJumps() {
  const nav = at("jumps");
  for (const problem of story.problems.slice(0, 6)) {
    const text = `✕ ${cap(problem.kind)}`;
    if (problem.bar !== null) nav.append(jump(bars[problem.bar], text, cap(problem.message), true));
    else nav.append(make("button", { type: "button", class: "bad", onclick: () => lookAround(problem) }, make("b", {}, text), ` ${cap(problem.message)}`));
  }
  if (story.problems.length > 6) nav.append(make("span", { class: "quiet" }, `and ${story.problems.length - 6} more errors, red in the waterfall`));
  const kinds = { slowest_tool: "Slowest tool", slowest_node: "Slowest node", slowest_model: "Slowest model call" };
  for (const [key, name] of Object.entries(kinds)) {
    const bar = bars[totals[key]];
    if (bar && bar.index !== totals.slowest) nav.append(jump(bar, name, `${cap(bar.name.replaceAll(":", " › "))}, ${duration(lengthOf(bar))}`));
  }
  const turn = turns.find((each) => each.number === totals.longest_wait_turn && each.waited_ms);
  if (turn && totals.waited_ms !== totals.longest_wait_ms) {
    const text = `${duration(turn.waited_ms)}, ${turnName(turn.number)}`;
    nav.append(make("button", { type: "button", onclick: () => lookAtTurn(turn) }, make("b", {}, "Longest wait"), ` ${text}`));
  }
}

const cap = (text) => (text.length > 90 ? `${text.slice(0, 90)}…` : text);

function lookAround(problem) {
  const turn = turns.find((each) => each.number === problem.turn);
  if (problem.at_ms !== null) lookAt(problem.at_ms - 500, problem.at_ms + 500);
  else if (turn) lookAtTurn(turn);
}

function showLegend() {
  const used = Object.keys(KINDS).filter((kind) => lanes.some((lane) => lane.kind === kind));
  if (bars.some(failed)) used.push("error");
  for (const kind of used) {
    at("legend").append(make("li", {}, make("span", { class: `swatch k-${kind}` }), (KINDS[kind] ?? "✕ failed").toLowerCase()));
  }
}

function recolour() {
  readColours();
  strip = null;
  repaint();
}

function start() {
  showHead();
  showSlowest();
  showFigures();
  showJumps();
  showLegend();
  showPath();
  showTurns();
  const rest = at("call-facts").querySelector("dl");
  rest.replaceWith(definitions(story.facts));
  at("about-place").hidden = !story.facts.length;
  at("call-facts").open = !story.places.length;
  at("chart-space").style.height = `${chartHeight}px`;
  chart.style.height = `${chartHeight}px`;
  readColours();
  listeners.push(repaint);
  fit();
  steer();
  at("facts").addEventListener("keydown", (event) => { if (event.key === "Escape") closeFacts(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  new ResizeObserver(() => { strip = null; repaint(); }).observe(chart);
  repaint();
}

start();
