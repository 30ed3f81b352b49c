"use strict";
// The spectrum before and after filtering, the histogram above the slider, the table of peaks,
// and the events behind a bar.

// The parts of a spectrum, their labels and colors: perrin.report.spectrum_parts, as on paper.
const LOOK = DATA.spectrum, PART = LOOK.parts;

function binned(M, mask) {
  const { width, low, high, unbinding } = state;
  const first = Math.floor(low / width), bins = Math.max(1, Math.ceil(high / width) - first);
  const landings = new Float64Array(bins), unbindings = new Float64Array(bins);
  for (let i = 0; i < M.n; i++) {
    if (!mask[i]) continue;
    const value = M.value[i];
    if (value > 0) {
      const k = Math.floor(value / width) - first;
      if (k >= 0 && k < bins) landings[k]++;
    } else if (value < 0) {
      const k = Math.floor((unbinding === "left" ? value : -value) / width) - first;
      if (k >= 0 && k < bins) unbindings[k]++;
    }
  }
  return { first: first * width, landings, unbindings };
}

function connectSpectrum() {
  const spectrum = charts.spectrum = new Chart("spectrum", { height: 400, csv: spectrumRows });
  const scores = new Chart("threshold-histogram", { height: 104, left: 44, top: 6, right: 10 });
  atOnce.push((now) => { drawSpectrum(spectrum, now); drawThreshold(scores, now); sayCounts(now); });
  whenQuiet.push((now) => { showPeaks(now); showBin(now); });
}

function drawSpectrum(chart, now) {
  if (state.overlay) return drawOverlay(chart);
  const { M, kept, fit } = now, before = binned(M, M.base), after = binned(M, kept);
  const { width } = state, below = state.unbinding === "below";
  const filtered = state.filter !== "none";
  const top = Math.max(4, ...(filtered ? before : after).landings, ...(state.unbinding === "left" ? before.unbindings : [0]));
  const deep = below ? Math.max(...(filtered ? before : after).unbindings) : 0;
  chart.begin({ x: [state.low, state.high], y: [-1.12 * deep, 1.2 * top], xLabel: QUANTITY,
    yLabel: `Events per ${significant(width)} ${UNIT}`, yText: (v) => fixed(Math.abs(v)) });
  const sign = below ? -1 : 1, seen = state.unbinding !== "hidden";
  const flip = (counts) => counts.map((n) => sign * n);
  if (filtered) {
    chart.stairs(before.first, width, before.landings, PART.before.page, { fill: 0.16, weight: 1 });
    if (seen) chart.stairs(before.first, width, flip(before.unbindings), PART.before.page, { fill: 0.16, weight: 1 });
  }
  chart.bars(after.first, width, after.landings, PART.landings.page, { opacity: 0.62 });
  if (seen) chart.bars(after.first, width, flip(after.unbindings), PART.unbindings.page, { opacity: 0.62 });
  if (now.rival) {
    const rivals = binned(M, now.rival.kept);
    chart.stairs(rivals.first, width, rivals.landings, PART.rival.page, { dash: "5 3", weight: 1.8 });
  }
  const scale = fit.kept ? now.n / fit.kept : 0;
  for (const curve of fit.curves) {
    const xs = [], ys = [], low = Math.max(fit.from, state.low, curve.mean - 4 * curve.sd);
    const high = Math.min(fit.to, state.high, curve.mean + 4 * curve.sd);
    for (let k = 0; k <= 120; k++) {
      const x = low + ((high - low) * k) / 120, z = (x - curve.mean) / curve.sd;
      xs.push(x);
      ys.push(scale * curve.height * width * Math.exp(-0.5 * z * z));
    }
    if (high > low) chart.line(xs, ys, PART.mixture.page, { weight: 1.3 });
  }
  chart.rule({ y: 0 }, "--muted");
  for (const one of state.ranges) {
    const a = Math.max(one.low, state.low), b = Math.min(one.high, state.high);
    if (b > a) chart.band([a, b], [-1.12 * deep, -1.12 * deep], [1.2 * top, 1.2 * top], one.css, { opacity: 0.13 });
  }
  if (state.bin) chart.rule({ x: (state.bin.low + state.bin.high) / 2 }, "--ink", { dash: "2 2" });
  const heights = (value) => {
    const k = Math.floor((value - after.first) / width);
    const fitted = fit.curves.reduce((sum, c) => sum + c.height * Math.exp(-0.5 * ((value - c.mean) / c.sd) ** 2), 0);
    return Math.max(scale * fitted * width, ...[k - 1, k, k + 1].map((j) => Math.max(after.landings[j] ?? 0, filtered ? before.landings[j] ?? 0 : 0)));
  };
  chart.labels(fit.peaks.filter((peak) => peak.fraction >= LOOK.least_fraction && peak.mode > state.low && peak.mode < state.high).map((peak) => ({
    x: peak.mode, y: heights(peak.mode), fill: namedPeak(peak)?.css,
    text: `${namedPeak(peak)?.name ? `${namedPeak(peak).name}\n` : ""}${fixed(peak.mode, PLACES)}${UNIT === "kDa" ? " kDa" : ""}\n${percent(peak.fraction)}`,
  })));
  const named = { landings: PART.landings.label + (filtered ? ", kept" : "") };
  if (seen && count(now.M.base) && after.unbindings.some((n) => n)) named.unbindings = PART.unbindings.label + (below ? ", mirrored" : "");
  if (filtered) named.before = PART.before.label;
  if (fit.curves.length) named.mixture = PART.mixture.label;
  if (now.rival) named.rival = `${FILTER_NAMES[now.rival.filter]}, ${PART.rival.label}`;
  const entries = Object.keys(PART).filter((name) => name in named).map((name) => [named[name], PART[name].page, PART[name].mark]);
  chart.legend(entries);
  const bins = after.landings.length;
  const steps = Array.from({ length: bins }, (_, k) => after.first + (k + 0.5) * width);
  chart.reacts({
    steps,
    hover: (x) => {
      const k = Math.floor((x - after.first) / width);
      if (k < 0 || k >= bins) return null;
      const low = after.first + k * width;
      let text = `${fixed(low, PLACES)} to ${fixed(low + width, PLACES)} ${UNIT}: ${after.landings[k]} landings`;
      if (seen) text += `, ${after.unbindings[k]} unbindings`;
      if (filtered) text += ` kept (before: ${before.landings[k]}${seen ? `, ${before.unbindings[k]}` : ""})`;
      return { text, x: steps[k] };
    },
    drag: (a, b) => addRange(a, b),
    click: (x) => {
      const k = Math.floor((x - after.first) / width);
      if (k < 0 || k >= bins) return;
      state.bin = { low: after.first + k * width, high: after.first + (k + 1) * width };
      changed();
    },
  });
}

function drawOverlay(chart) {
  const { width } = state, filter = state.filter;
  const sets = ALL.map((M) => {
    const kept = keep(M, M[filter] ? filter : "none", state.at), bins = binned(M, kept);
    let landings = 0;
    for (let i = 0; i < M.n; i++) landings += kept[i] && M.value[i] > 0 ? 1 : 0;
    return { M, first: bins.first, landings, percent: bins.landings.map((n) => (100 * n) / Math.max(1, landings)) };
  });
  const top = Math.max(1, ...sets.flatMap((set) => Array.from(set.percent)));
  chart.begin({ x: [state.low, state.high], y: [0, 1.25 * top], xLabel: QUANTITY,
    yLabel: `Landings per ${significant(width)} ${UNIT} (%)` });
  sets.forEach((set, k) => chart.stairs(set.first, width, set.percent, SERIES[k % SERIES.length], { weight: 1.6, fill: 0.1 }));
  const labels = sets.flatMap((set, k) => (ownFit(set.M) ?? set.M.fits[0]).peaks.filter((peak) => peak.fraction >= LOOK.least_fraction_overlaid).map((peak) => ({
    x: peak.mode, y: set.percent[Math.floor((peak.mode - set.first) / width)] ?? 0,
    text: fixed(peak.mode, PLACES), fill: SERIES[k % SERIES.length],
  })));
  chart.labels(labels.filter(({ x }) => x > state.low && x < state.high), { size: 12 });
  chart.legend(sets.map((set, k) => [`${set.M.name} (${fixed(set.landings)})`, SERIES[k % SERIES.length], "bar"]));
  chart.reacts({
    steps: Array.from({ length: sets[0].percent.length }, (_, k) => sets[0].first + (k + 0.5) * width),
    hover: (x) => {
      const k = Math.floor((x - sets[0].first) / width);
      if (!(k in sets[0].percent)) return null;
      return { text: sets.map((set) => `${set.M.name}: ${fixed(set.percent[k], 1)}%`).join("; "), x: sets[0].first + (k + 0.5) * width };
    },
  });
}

function spectrumRows() {
  const { M, kept } = latest, before = binned(M, M.base), after = binned(M, kept), unit = UNIT === "kDa" ? "kda" : "1e-3";
  const rows = [[`low_${unit}`, `high_${unit}`, "landings_kept", "unbindings_kept", "landings_before", "unbindings_before"]];
  after.landings.forEach((n, k) => rows.push([after.first + k * state.width, after.first + (k + 1) * state.width,
    n, after.unbindings[k], before.landings[k], before.unbindings[k]]));
  return rows;
}

// What the slider cuts: kept in blue, the rest in gray, the threshold as a line to be dragged.
function drawThreshold(chart, { M, kept }) {
  chart.figure.hidden = state.filter === "none";
  if (chart.figure.hidden) return;
  const [low, high] = filterRange(M), bins = 50, width = (high - low) / bins, values = M[state.filter];
  const inside = new Float64Array(bins), outside = new Float64Array(bins);
  for (let i = 0; i < M.n; i++) {
    if (!M.base[i] || !(values[i] >= low)) continue;
    const k = Math.min(bins - 1, Math.floor((values[i] - low) / width));
    if (kept[i]) inside[k]++; else outside[k]++;
  }
  const total = inside.map((n, k) => n + outside[k]);
  const power = high < 0.05 ? 1e3 : 1;
  const label = state.filter === "score" ? "Binder score" : `${M.residual_name[0].toUpperCase()}${M.residual_name.slice(1)}${power > 1 ? " (10⁻³)" : ""}`;
  chart.begin({ x: [low * power, high * power], y: [0, Math.sqrt(Math.max(4, ...total)) * 1.08], xLabel: label, yLabel: "√Events",
    yText: (v) => fixed(v) });
  chart.bars(low * power, width * power, total.map(Math.sqrt), "--ghost", { opacity: 0.45 });
  chart.bars(low * power, width * power, inside.map((n, k) => (total[k] ? (Math.sqrt(total[k]) * n) / total[k] : 0)), "--blue", { opacity: 0.7 });
  chart.rule({ x: state.at * power }, "--ink", { weight: 2 });
  chart.reacts({
    hover: (x) => {
      const k = Math.min(bins - 1, Math.max(0, Math.floor((x / power - low) / width)));
      return { text: `${significant((low + k * width) * power)} to ${significant((low + (k + 1) * width) * power)}: ${total[k]} events, ${inside[k]} kept` };
    },
    click: (x) => {
      const step = Number(byId("threshold").step);
      state.at = Number((Math.round(x / power / step) * step).toPrecision(12));
      byId("threshold").value = state.at;
      changed();
    },
  });
}

function sayCounts({ M, kept, n, all, fit }) {
  byId("kept").textContent = fixed(n);
  byId("kept-of").textContent = state.filter === "none" ? "events in the spectrum" : `of ${fixed(all)} fitted events kept (${percent(all ? n / all : null)})`;
  const power = state.filter === "residual" && filterRange(M)[1] < 0.05 ? 1e3 : 1;
  byId("at").textContent = state.filter === "score" ? `≥ ${fixed(state.at, 3)}` : `≤ ${significant(state.at * power)}${power > 1 ? " × 10⁻³" : ""}`;
  let said = "";
  if (M.p && n) {
    let wrong = 0, landings = 0;
    for (let i = 0; i < M.n; i++) {
      if (kept[i] && M.value[i] > 0 && Number.isFinite(M.p[i])) { wrong += 1 - M.p[i]; landings++; }
    }
    if (landings) said = `About ${percent(wrong / landings)} of the kept landings are expected to be no binders.`;
  }
  byId("expected").textContent = said;
  const exact = fit.filter === state.filter && (state.filter === "none" || fit.at === state.at);
  byId("fitted-at").textContent = exact ? "" : `Peaks and mixture were fitted at the nearest threshold, ${
    state.filter === "score" ? significant(fit.at) : `${fixed(fit.kept)} events kept`}; counts are exact.`;
}

const hundred = (fraction) => (fraction == null ? null : 100 * fraction);

// The table: what was fitted, and how many of the kept events lie in each peak now.
function showPeaks({ M, kept, fit }) {
  const rows = fit.peaks.map((peak, k) => {
    const valley = fit.valleys.find((v) => v.left_peak === k);
    let now = 0;
    for (let i = 0; i < M.n; i++) if (kept[i] && M.value[i] >= peak.low && M.value[i] <= peak.high) now++;
    return [[fixed(peak.mode, PLACES + 1), range(peak.mode_low, peak.mode_high, PLACES + 1).trim()],
      fixed(peak.fwhm, PLACES + 1), [fixed(peak.resolving_power, 1), range(peak.resolving_power_low, peak.resolving_power_high, 1).trim()],
      [percent(peak.fraction), range(hundred(peak.fraction_low), hundred(peak.fraction_high), 0).trim()], fixed(now),
      valley ? [percent(valley.valley_to_peak), range(hundred(valley.valley_to_peak_low), hundred(valley.valley_to_peak_high), 0).trim()] : "",
      valley ? (valley.criterion_met ? `${fixed(valley.resolving_power_at_criterion, 1)} at ${percent(valley.criterion_met)}` : "not met") : "",
      element("span", { class: "row" }, colorField(namedPeak(peak)?.css ?? "--ink", "Next color of the peak", (css) => setPeak(peak, { css })), nameField(namedPeak(peak)?.name ?? "", "Name of the peak", (name) => setPeak(peak, { name })))];
  });
  const head = [`Peak (${UNIT})`, `FWHM (${UNIT})`, "Resolving power", "Fraction", "Events kept", "Valley to next", "Resolution at valley", "Name"];
  byId("peaks").replaceChildren(rows.length ? table(head, rows) : element("p", {}, "No peak stands out of counting noise."));
  byId("peaks").title = "Position: mode of the kernel density. FWHM: of the Gaussian fitted to the histogram. Fraction: of the landings. " +
    "Resolving power: mass over FWHM. Valley: lowest density between two peaks over the smaller one. Resolution: mass over the distance of two peaks with such a valley. In brackets: intervals.";
}

function showBin({ M, kept }) {
  const box = byId("bin");
  if (!state.bin && player.row >= 0 && !box.hidden) return showPlayer(); // an event without a bar
  box.hidden = !state.bin || state.overlay;
  if (box.hidden) return;
  const { low, high } = state.bin, mask = new Uint8Array(M.n);
  for (let i = 0; i < M.n; i++) {
    const value = state.unbinding === "below" ? Math.abs(M.value[i]) : M.value[i];
    mask[i] = M.base[i] && value >= low && value < high && (state.unbinding !== "hidden" || M.value[i] > 0) ? 1 : 0;
  }
  const chosen = [];
  for (let i = 0; i < M.n; i++) if (mask[i]) chosen.push(i);
  const some = chosen.slice(0, 200), cell = (values, i, digits) => fixed(values?.[i], digits);
  const head = ["Event", `${UNIT === "kDa" ? "Mass" : "−Contrast"} (${UNIT})`, "Time (s)", "x (px)", "y (px)", "Class", "Binder score", "Kept"];
  const rows = some.map((i) => [String(M.event[i]), fixed(M.value[i], PLACES + 1), cell(M.time, i, 2), cell(M.x, i, 1), cell(M.y, i, 1),
    M.kinds[M.kind[i]], cell(M.score, i, 2), kept[i] ? "yes" : "no"]);
  const number = chosen.filter((i) => kept[i]).length, listed = table(head, rows, { onRow: (k) => openEvent(some[k], some) });
  byId("bin-title").textContent = `Events from ${fixed(low, PLACES)} to ${fixed(high, PLACES)} ${UNIT}: ${number} kept, ${chosen.length - number} not${some.length < chosen.length ? `; the first ${some.length} are listed` : ""}`;
  byId("bin-csv").onclick = () => downloadCsv("events-of-bar", eventRows(mask));
  byId("bin-list").replaceChildren(listed);
  const best = some.find((i) => kept[i]) ?? some[0] ?? -1;
  if (player.list !== some) player.list = some;
  openEvent(some.includes(player.row) ? player.row : best, some);
}
