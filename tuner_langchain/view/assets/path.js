// The path through the graph: each node a box, in the order first visited, nested graphs framed; each transition an arrow.
// Steps to the next box are drawn straight, steps further down in tracks on the left, steps back in tracks on the right.
const MOST_PLACES = 120;
const WIDE = 348;
const BOX = 40;
const TRACK = 9;
const places = story.places.slice(0, MOST_PLACES);
const boxes = new Map();
const placeMarks = new Map();

function showPath() {
  if (!story.places.length) {
    at("path-place").hidden = true;
    return;
  }
  layBoxes();
  const tracks = layTracks();
  placeBoxes(tracks);
  const height = Math.max(...[...boxes.values()].map((box) => box.frameEnd)) + 10;
  const picture = draw("svg", { viewBox: `0 0 ${WIDE} ${height}`, role: "group", "aria-label": "Nodes and the transitions taken" });
  for (const box of boxes.values()) if (box.frameEnd > box.end) picture.append(frameOf(box));
  for (const way of tracks.ways) picture.append(wayMark(way));
  for (const box of boxes.values()) picture.append(placeMark(box));
  at("path").append(picture);
  if (story.places.length > MOST_PLACES) {
    at("path").append(make("p", { class: "quiet" }, `Drawn are the first ${MOST_PLACES} of ${story.places.length} nodes; the list below has all.`));
  }
  listTransitions();
}

function layBoxes() {
  for (const [row, place] of places.entries()) {
    const last = places.findIndex((other, index) => index > row && other.depth <= place.depth);
    boxes.set(place.key, { place, row, lastInside: (last < 0 ? places.length : last) - 1, incoming: [] });
  }
}

/** Give every transition its form, and those that skip boxes a track of their own. */
function layTracks() {
  const ways = [];
  const merged = new Map();
  for (const { source, target, reason, count } of story.transitions) {
    const [from, to] = [boxes.get(source), boxes.get(target)];
    if (!from || !to) continue;
    const key = `${from.row} ${to.row}`;
    const way = merged.get(key) ?? { from, to, reasons: [], count: 0 };
    if (!merged.has(key)) {
      merged.set(key, way);
      ways.push(way);
      to.incoming.push(way);
    }
    way.count += count;
    way.reasons.push({ reason, count });
  }
  for (const way of ways) way.form = formOf(way.from, way.to);
  return { ways, left: assign(ways, "down"), right: assign(ways, "back") };
}

function formOf(from, to) {
  if (to.row <= from.row) return "back";
  const inside = to.row <= from.lastInside;
  return inside && to.row === from.row + 1 ? "into" : !inside && to.row === from.lastInside + 1 ? "next" : "down";
}

/** Ways into one box share a track; so do ways that do not meet. Returns how many tracks there are. */
function assign(ways, form) {
  const ends = [];
  const own = ways.filter((way) => way.form === form);
  const top = (way) => Math.min(way.from.row, way.to.row);
  const bottom = (way) => Math.max(way.from.row, way.to.row);
  for (const way of own.sort((one, other) => bottom(one) - top(one) - bottom(other) + top(other))) {
    let track = ends.findIndex((spans) => spans.every((span) => span.to === way.to || bottom(way) < top(span) || top(way) > bottom(span)));
    if (track < 0) track = ends.push([]) - 1;
    ends[track].push(way);
    way.track = track;
  }
  return Math.min(ends.length, 8);
}

function placeBoxes({ left, right }) {
  let y = 2;
  const closing = [];
  for (const box of boxes.values()) {
    while (closing.length && closing.at(-1).lastInside < box.row) {
      const done = closing.pop();
      done.frameEnd = y + 2;
      y += 8;
    }
    const lines = box.incoming.flatMap((way) => linesOf(way, box));
    box.lines = lines;
    y += box.row ? 14 + lines.length * 15 : 0;
    box.left = 4 + left * TRACK + box.place.depth * 12;
    box.right = WIDE - 4 - right * TRACK - box.place.depth * 7;
    box.top = y;
    y += box.place.pseudo ? 26 : BOX;
    box.end = y;
    box.frameEnd = y;
    if (box.lastInside > box.row) closing.push(box);
  }
  while (closing.length) {
    closing.pop().frameEnd = y + 6;
    y += 8;
  }
}

/** What is written above a box: why it was gone to, from where unless the arrow shows it, and how often. */
function linesOf(way, box) {
  const straight = way.form === "next" || way.form === "into";
  const alone = straight && box.incoming.length === 1;
  return way.reasons.map(({ reason, count }) => {
    const source = alone ? "" : way.form === "into" ? "entered" : `from ${way.from === box ? "itself" : way.from.place.label}`;
    const times = count > 1 ? `×${count}` : "";
    const text = [source, reason].filter(Boolean).join(", ");
    return text || times ? [text, times] : null;
  }).filter(Boolean);
}

const shorten = (text, width, perLetter) => (text.length * perLetter > width ? `${text.slice(0, Math.max(3, Math.floor(width / perLetter) - 1))}…` : text);

function frameOf({ left, right, top, frameEnd }) {
  return draw("rect", { class: "frame", x: left - 5, y: top - 5, width: right - left + 10, height: frameEnd - top + 8, rx: 12 });
}

function placeMark(box) {
  const { place, left, right, top, end } = box;
  const group = draw("g", { class: `place${place.pseudo ? " pseudo" : ""}${place.errors ? " failed" : ""}` });
  if (!place.pseudo) makePressable(group, place);
  const times = place.visits > 1 ? `${place.visits} times, ` : "";
  const facts = place.pseudo ? "" : `${place.errors ? "✕ " : ""}${times}${duration(place.total_ms)}`;
  group.append(
    draw("title", {}, `${place.key}${facts ? `: ${facts}` : ""}`),
    draw("rect", { class: "box", x: left, y: top, width: right - left, height: end - top, rx: place.pseudo ? 13 : 8 }),
    draw("text", { class: place.pseudo ? "small" : "name", x: left + 11, y: top + 17 }, shorten(place.label, right - left - 22, 7.2)),
  );
  if (facts) group.append(draw("text", { class: "small", x: left + 11, y: top + 32 }, facts));
  box.lines.forEach(([text, times_], index) => {
    const y = top - 9 - (box.lines.length - 1 - index) * 15 + 1;
    const line = draw("text", { class: "small", x: left + 28, y }, shorten([text, times_].filter(Boolean).join(" "), right - left - 26, 5.7));
    line.append(draw("title", {}, `${text} ${times_}`));
    group.append(line);
  });
  placeMarks.set(place.key, group);
  return group;
}

function makePressable(group, place) {
  const press = () => pressPlace(place);
  const said = `node ${place.key}, ${place.visits} ${place.visits === 1 ? "visit" : "visits"}, ${duration(place.total_ms)} in all${place.errors ? `, ${place.errors} failed` : ""}`;
  for (const [name, value] of Object.entries({ tabindex: 0, role: "button", "aria-pressed": "false", "aria-label": said })) group.setAttribute(name, value);
  group.addEventListener("click", press);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press();
  });
}

function wayMark(way) {
  const { from, to, form } = way;
  const group = draw("g", { class: "taken" });
  const tipY = to.top - 1;
  let line;
  let tip;
  if (form === "next" || form === "into") {
    const x = to.left + 14;
    const begin = form === "into" ? from.end : from.frameEnd > from.end ? from.frameEnd + 3 : from.end;
    line = `M${x} ${begin}V${tipY - 4}`;
    tip = `M${x - 4.5} ${tipY - 7}h9l-4.5 7z`;
  } else {
    const side = form === "down" ? "left" : "right";
    const sign = form === "down" ? -1 : 1;
    const x = form === "down" ? 4 + Math.min(way.track, 7) * TRACK : WIDE - 4 - Math.min(way.track, 7) * TRACK;
    const [y1, y2] = [from.top + 26 - (from.place.pseudo ? 13 : 0), to.top + 12];
    const turn_ = y2 >= y1 ? 6 : -6;
    line = `M${from[side]} ${y1}H${x - sign * 6}Q${x} ${y1} ${x} ${y1 + turn_}V${y2 - turn_}Q${x} ${y2} ${x - sign * 6} ${y2}H${to[side] + sign * 5}`;
    tip = `M${to[side] + sign * 7} ${y2 - 4.5}v9l${-sign * 7} -4.5z`;
  }
  group.append(draw("path", { class: "way", d: line }), draw("path", { class: "tip-of-way", d: tip }));
  way.mark = group;
  (from.ways ??= []).push(group);
  (to.ways ??= []).push(group);
  return group;
}

/** Light up a node's transitions, and its executions in the waterfall; a second press ends it. */
function pressPlace(place) {
  const again = chosen.name === place.key;
  choose(null);
  if (!again) {
    chosen.name = place.key;
    markPlace(place.key);
    at("spoken").textContent = `${place.label}: its ${place.visits} visits are marked in the waterfall`;
  }
  repaint();
}

function markPlace(key) {
  for (const [each, group] of placeMarks) if (group.hasAttribute("role")) group.setAttribute("aria-pressed", String(each === key));
  for (const box of boxes.values()) for (const way of box.ways ?? []) way.classList.remove("lit");
  for (const way of boxes.get(key)?.ways ?? []) way.classList.add("lit");
}

function listTransitions() {
  const details = at("transitions");
  const count = story.transitions.length;
  details.querySelector("summary").textContent = count === 1 ? "The transition taken" : `All ${grouped(count)} transitions taken`;
  details.addEventListener("toggle", () => {
    const body = details.querySelector("tbody");
    if (!details.open || body.childElementCount) return;
    for (const { source, target, reason, count: times } of story.transitions.slice(0, 500)) {
      body.append(make("tr", {}, ...[source, target, reason, grouped(times)].map((text) => make("td", {}, text))));
    }
  });
}
