// The facts of the chosen bar.

function badge(bar) {
  const kind = failed(bar) ? "error" : bar.kind;
  return make("span", { class: `badge k-${kind}` }, ONE[bar.kind]);
}

function link(bar, ...children) {
  return make("button", { type: "button", onclick: () => { choose(bar); chart.focus({ preventScroll: true }); } }, ...children);
}

function showFacts(bar) {
  const place = at("facts-place");
  const facts = at("facts");
  place.hidden = !bar;
  facts.replaceChildren();
  if (!bar) return;
  const close = make("button", { type: "button", class: "close", "aria-label": "Close the facts", onclick: closeFacts }, "×");
  const speech = bar.kind === "user" || bar.kind === "agent";
  facts.append(make("div", { class: "head" }, badge(bar), make("h2", {}, speech ? "" : labelOf(bar)), close));
  facts.append(make("p", { class: "big" }, duration(lengthOf(bar))));
  facts.append(make("p", { class: "when" }, whenText(bar)));
  if (bar.error) facts.append(make("div", { class: "went-wrong" }, bar.error));
  if (speech) facts.append(make("div", { class: "said" }, bar.text));
  appendChain(facts, bar);
  facts.append(definitions(ownFacts(bar)));
  appendInside(facts, bar);
  place.scrollTop = 0;
}

function whenText(bar) {
  const status = statusWords(bar);
  const slow = bar.index === totals.slowest ? ", the slowest of the call" : "";
  return `from ${moment(bar.start_ms)} to ${moment(bar.end_ms)}, ${turnName(bar.turn)}${status ? `, ${status}` : ""}${slow}`;
}

function ownFacts(bar) {
  const facts = [];
  if (bar.self_ms < lengthOf(bar)) facts.push(["of its own", `${duration(bar.self_ms)}, the rest in what it contains`, false]);
  if (bar.tokens !== null) facts.push(["tokens", grouped(bar.tokens), false]);
  return facts.concat(bar.facts);
}

function definitions(facts) {
  const list = make("dl");
  for (const [label, value, code] of facts) {
    list.append(make("div", {}, make("dt", {}, label), make("dd", { class: code ? "code" : null }, value)));
  }
  return list;
}

/** Show what a bar lies in, from the outermost on. */
function appendChain(facts, bar) {
  const chain = [];
  for (let above = bar.parent; above !== null; above = bars[above].parent) chain.unshift(bars[above]);
  if (!chain.length) return;
  const list = make("ol", { class: "chain", "aria-label": "Lies in" });
  for (const each of chain) list.append(make("li", {}, link(each, make("span", { class: "link" }, labelOf(each)))));
  list.append(make("li", {}, labelOf(bar)));
  facts.append(list);
}

/** List what a bar contains, the slowest first. */
function appendInside(facts, bar) {
  const inside = bars.filter((each) => each.parent === bar.index).sort((one, other) => lengthOf(other) - lengthOf(one));
  if (!inside.length) return;
  const list = make("ul", { class: "inside" });
  for (const each of inside.slice(0, 60)) {
    list.append(make("li", {}, link(each, badge(each), make("span", {}, labelOf(each)), make("span", {}, duration(lengthOf(each))))));
  }
  const more = inside.length > 60 ? `, the slowest 60 of ${inside.length}` : ", slowest first";
  facts.append(make("dl", {}, make("div", {}, make("dt", {}, `contains${more}`), make("dd", {}, list))));
}

function closeFacts() {
  choose(null);
  chart.focus({ preventScroll: true });
}
