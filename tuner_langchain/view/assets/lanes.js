// Where each lane lies on the screen, and which bar is at a place. Bars of one lane never overlap.
const LANE = 27;
const BAR = 23;
const HEADING = 20;
const lanes = story.lanes.map((lane) => ({ ...lane, bars: [], top: 0 }));
for (const bar of bars) lanes[bar.lane].bars.push(bar);

const headings = [];
let chartHeight = 0;
for (const lane of lanes) {
  if (lane.row === 0) {
    chartHeight += headings.length ? 5 : 0;
    headings.push({ kind: lane.kind, top: chartHeight });
    chartHeight += HEADING;
  }
  lane.top = chartHeight;
  chartHeight += LANE;
}
chartHeight += 8;

/** The position in a lane of the first bar that ends at or after a moment. */
function firstEndingAfter(lane, ms) {
  let low = 0;
  let high = lane.bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lane.bars[middle].end_ms < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The bar of a lane nearest to a moment. */
function nearestInLane(lane, ms) {
  const next = firstEndingAfter(lane, ms);
  const away = (bar) => Math.max(bar.start_ms - ms, ms - bar.end_ms, 0);
  const near = [lane.bars[next - 1], lane.bars[next]].filter(Boolean);
  return near.sort((one, other) => away(one) - away(other))[0];
}

/** The bar under a point of the chart; a little beside counts, so that thin bars can be hit. */
function barAt(y, ms, slackMs) {
  const lane = lanes.find((each) => y >= each.top && y < each.top + LANE);
  const bar = lane && nearestInLane(lane, ms);
  return bar && ms >= bar.start_ms - slackMs && ms <= bar.end_ms + slackMs ? bar : null;
}

/** The silences before answers: from the end of what the caller said to the first answer of the turn. */
const waits = turns.flatMap((turn) => {
  const own = turn.bars.map((index) => bars[index]);
  const answer = own.find((bar) => bar.kind === "agent");
  return answer && turn.waited_ms ? [{ from: answer.start_ms - turn.waited_ms, to: answer.start_ms, lane: answer.lane, ms: turn.waited_ms }] : [];
});
