"use strict";
// Moving particles: a map of all trajectories, and everything about the chosen one.

const ALL = DATA.measurements.map((record, index) => {
  const open = (columns) => Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, value?.data == null ? value : unpack(value)]));
  const msd = record.msd && { lags: unpack(record.msd.lags), median: unpack(record.msd.median), rows: unpack(record.msd.rows) };
  return { ...record, index, ...open(record.columns), paths: open(record.paths), windows: open(record.windows), regimes: open(record.regimes), along: open(record.along), msd,
    place: new Map(record.drawn.map((row, k) => [row, k])) };
});
const EXPONENTS = [["alpha_fbm", "FBM", "--blue"], ["alpha_ctrw", "CTRW", "--vermillion"]];
const PARTS = [["fraction_fbm", "FBM", "--blue"], ["fraction_ctrw", "CTRW", "--vermillion"], ["fraction_brownian", "Brownian", "--green"], ["fraction_noise", "noise", "--gray"]];
const REGIMES = [["FBM-like", "--blue"], ["CTRW-like", "--vermillion"], ["undecided", "--gray"]];
const state = { shown: 0, row: 0 };
const charts = {};

const interval = (M, name, row, digits = 2) => {
  const value = M[name]?.[row];
  if (!Number.isFinite(value)) return "–";
  return `${fixed(value, digits)}${range(M[`${name}_low`]?.[row], M[`${name}_high`]?.[row], digits)}`;
};

function drawMap() {
  const M = ALL[state.shown], chart = charts.map, row = state.row;
  const most = Math.max(1.2, ...[...M.alpha_fbm, ...M.alpha_ctrw].filter(Number.isFinite)) * 1.03;
  chart.begin({ x: [-0.02, 1.02], y: [0, most], xLabel: "w (0: FBM, 1: CTRW)", yLabel: "Exponent α", xTicks: [0, 0.2, 0.4, 0.6, 0.8, 1] });
  chart.rule({ y: 1 }, "--muted", { dash: "4 3" });
  for (const [name, , css] of EXPONENTS) {
    chart.points(M.w, M[name], css, { size: 5.5, opacity: 0.55 });
    if (!Number.isFinite(M[name][row])) continue;
    chart.whiskers([M.w[row]], [M[`${name}_low`][row]], [M[`${name}_high`][row]], "--ink", { weight: 1.6 });
    chart.whiskers([M[name][row]], [M.w_low[row]], [M.w_high[row]], "--ink", { weight: 1.6, across: true });
    chart.points([M.w[row]], [M[name][row]], "--ink", { size: 11, opacity: 1 });
    chart.points([M.w[row]], [M[name][row]], css, { size: 7, opacity: 1 });
  }
  chart.legend(EXPONENTS.map(([name, part, css]) => [`α of ${part} (${M[name].filter(Number.isFinite).length} trajectories)`, css, "dot"]));
  chart.figure.querySelector(".said").textContent = "Each dot a trajectory; ringed: the chosen one with its 90% intervals. Dashed: normal diffusion.";
  const closest = (x, y) => {
    let best = -1, least = 225;
    for (const [name] of EXPONENTS) {
      for (let k = 0; k < M.n; k++) {
        const d = (chart.px(M.w[k]) - chart.px(x)) ** 2 + (chart.py(M[name][k]) - chart.py(y)) ** 2;
        if (d < least) { least = d; best = k; }
      }
    }
    return best;
  };
  const order = [...M.w.keys()].filter((k) => Number.isFinite(M.w[k])).sort((a, b) => M.w[a] - M.w[b]);
  chart.reacts({
    steps: order.map((k) => M.w[k]),
    hover: (x, y) => { const k = closest(x, y); return k < 0 ? null : { text: `Particle ${M.particle[k]}: w ${interval(M, "w", k)}`, x: M.w[k] }; },
    click: (x, y) => { const k = closest(x, y); choose(k >= 0 ? k : order.find((j) => M.w[j] === x)); },
  });
}

// Frames, positions, and the regime of each frame (undecided where nothing is told).
function pathOf(M, row) {
  const k = M.place.get(row);
  if (k == null) return null;
  const a = k ? M.paths.stops[k - 1] : 0, b = M.paths.stops[k], scale = M.length;
  const frames = M.paths.frame.subarray(a, b), along = (name) => M.paths[name]?.subarray(a, b);
  const xs = Array.from(along("x"), (v) => v * scale);
  const ys = M.paths.y ? Array.from(along("y"), (v) => v * scale) : Array.from(frames, (f) => f * M.frame_interval);
  const mine = regimesOf(M, k);
  const regime = Array.from(frames, (f) => {
    const t = f * M.frame_interval, last = mine.filter((r) => t >= r.start - 0.001 * M.frame_interval).pop();
    return last ? last.label : 2;
  });
  return { k, frames, xs, ys, regime };
}

function regimesOf(M, k) {
  const R = M.regimes;
  return [...R.of.keys()].filter((j) => R.of[j] === k).map((j) => ({ label: R.label[j], start: R.time_start[j], stop: R.time_start[j] + R.residence_time[j],
    low: R.start_low[j] * M.frame_interval, high: R.start_high[j] * M.frame_interval, confidence: R.confidence[j] }));
}

// "CTRW-like until 1.2 s (1.1 to 1.3), then FBM-like": the regimes in words.
function inWords(M, mine) {
  if (!mine.length) return "This trajectory has no time course.";
  const parts = mine.map((r, i) => {
    const next = mine[i + 1], end = next && (Number.isFinite(next.low) ? ` until ${significant(next.start)} ${M.time_unit} (${significant(next.low)} to ${significant(next.high)})` : ` until ${significant(next.start)} ${M.time_unit}`);
    return `${REGIMES[r.label][0]}${end ?? ""}`;
  });
  return `Particle ${M.particle[state.row]}: ${parts.join(", then ")}.`;
}

function drawRegimes() {
  const M = ALL[state.shown], chart = charts.regimes, k = M.place.get(state.row), said = chart.figure.querySelector(".said");
  const a = k ? M.along.stops[k - 1] : 0, b = k == null ? 0 : M.along.stops[k], n = b - a;
  chart.figure.querySelector(".plot").hidden = !n;
  if (!n) { said.textContent = k == null ? "The page carries the time course of 1,000 trajectories; this one is in time_course.csv." : "This trajectory has no time course."; return; }
  const part = (name) => Array.from(M.along[name].subarray(a, b), (v) => v / 100);
  const time = Array.from({ length: n }, (_, i) => (M.along.first[k] + i) * M.frame_interval), mine = regimesOf(M, k);
  chart.begin({ x: [time[0], time[n - 1]], y: [0, 1.4], xLabel: `Time (${M.time_unit})`, yLabel: "Fraction of CTRW" });
  for (const r of mine) {
    chart.band([r.start, r.stop], [0, 0], [1, 1], REGIMES[r.label][1], { opacity: 0.12 });
    if (!Number.isFinite(r.low)) continue;
    chart.band([r.low, r.high], [0, 0], [1, 1], "--ink", { opacity: 0.18 });
    chart.rule({ x: r.start }, "--ink");
  }
  const fraction = part("ctrw_near");
  chart.band(time, part("ctrw_near_low"), part("ctrw_near_high"), "--orange", { opacity: 0.3 });
  chart.line(time, fraction, "--orange");
  chart.legend([...REGIMES.map(([name, css]) => [name, css, "dot"]), ["fraction within ±10 frames", "--orange", "line"]]);
  said.textContent = `${inWords(M, mine)} Line and dark band: a change and its 90% interval.`;
  chart.reacts({ steps: time, hover: (x) => {
    const i = Math.min(n - 1, Math.max(0, Math.round(x / M.frame_interval) - M.along.first[k]));
    return { text: `${significant(time[i])} ${M.time_unit}: fraction of CTRW ${fixed(fraction[i], 2)}`, x: time[i] };
  } });
}

function drawPath() {
  const M = ALL[state.shown], chart = charts.path, path = pathOf(M, state.row), said = chart.figure.querySelector(".said");
  chart.figure.querySelector(".plot").hidden = !path;
  if (!path) { said.textContent = "The page carries the paths of 1,000 trajectories; this one is in the table only."; return; }
  const ends = (v) => [v.reduce((a, b) => Math.min(a, b)), v.reduce((a, b) => Math.max(a, b))];
  const [x0, x1] = ends(path.xs), [y0, y1] = ends(path.ys), wide = Math.max(x1 - x0, y1 - y0) * 0.55 || 1;
  const flat = M.dims === 1, unit = M.length_unit === "unit of the file" ? "unit of the file" : M.length_unit;
  const mid = [(x0 + x1) / 2, (y0 + y1) / 2];
  chart.begin({ x: flat ? [x0, x1] : [mid[0] - wide, mid[0] + wide], y: flat ? [y0, y1] : [mid[1] - wide, mid[1] + wide], square: !flat, down: true,
    xLabel: `x (${unit})`, yLabel: flat ? `Time (${M.time_unit})` : `y (${unit})` });
  let from = 0;
  for (let i = 1; i <= path.frames.length; i++) {
    if (i < path.frames.length && path.frames[i] === path.frames[i - 1] + 1 && path.regime[i] === path.regime[from]) continue;
    const broken = i < path.frames.length && path.frames[i] !== path.frames[i - 1] + 1;
    chart.line(path.xs.slice(from, broken ? i : i + 1), path.ys.slice(from, broken ? i : i + 1), REGIMES[path.regime[from]][1], { weight: 1.5 });
    from = i;
  }
  chart.points([path.xs[0]], [path.ys[0]], "--ink", { size: 8, opacity: 1 });
  chart.legend([...REGIMES.map(([name, css]) => [name, css, "line"]), ["start", "--ink", "dot"]]);
  said.textContent = `Particle ${M.particle[state.row]}: ${path.frames.length} positions${M.kinds[state.row] && `, ${M.kinds[state.row]}`}; w ${interval(M, "w", state.row)}, in the colors of its regimes.${M.posterior_predictive_p[state.row] < 0.05 ? " Out of the model: no mixture explains it." : ""}`;
}

function course(chart, names, y, yLabel) {
  const M = ALL[state.shown], k = M.place.get(state.row), W = M.windows;
  const mine = k == null ? [] : [...W.of.keys()].filter((j) => W.of[j] === k);
  const time = mine.map((j) => 0.5 * (W.start[j] + W.stop[j]) * M.frame_interval);
  const end = mine.length ? Math.max(...mine.map((j) => W.stop[j])) * M.frame_interval : M.frame_interval;
  const start = mine.length ? Math.min(...mine.map((j) => W.start[j])) * M.frame_interval : 0;
  chart.begin({ x: [start, end], y, xLabel: `Time (${M.time_unit})`, yLabel });
  const alone = mine.length === 1, over = alone ? [start, end] : time;  // one window: all that it spans
  for (const [name, , css] of names) {
    const pick = (end) => (alone ? [mine[0], mine[0]] : mine).map((j) => W[name + end][j]);
    chart.band(over, pick("_low"), pick("_high"), css, { opacity: 0.22 });
    chart.line(over, pick(""), css);
    if (!alone) chart.points(over, pick(""), css, { size: 5, opacity: 1 });
  }
  if (names.length > 1) chart.legend(names.map(([, part, css]) => [part, css, "line"]));
  chart.figure.querySelector(".said").textContent = alone
    ? "One window: nothing changes along it that could be seen. Bands: 90% intervals."
    : mine.length ? `${mine.length} windows; bands: 90% intervals. Windows overlap, so neighboring points are not independent.`
    : "This trajectory is shorter than a window: no time course.";
  chart.reacts({ steps: time, hover: (x) => {
    if (!mine.length) return null;
    const i = time.reduce((a, t, j) => (Math.abs(t - x) < Math.abs(time[a] - x) ? j : a), 0), j = mine[i];
    return { text: names.map(([name, part]) => `${part} ${fixed(W[name][j], 2)}${range(W[`${name}_low`][j], W[`${name}_high`][j], 2)}`).join("; "), x: time[i] };
  } });
}

function drawMsd() {
  const M = ALL[state.shown], chart = charts.msd;
  if (!M.msd) { chart.figure.hidden = true; return; }
  chart.figure.hidden = false;
  const { lags, median, rows } = M.msd, n = lags.length, k = M.place.get(state.row);
  const row = (j) => rows.subarray(j * n, (j + 1) * n);
  const shown = [...Array(M.drawn.length).keys()].filter((j) => j % Math.ceil(M.drawn.length / 100) === 0);
  const seen = [...shown.flatMap((j) => [...row(j)]), ...median].filter((v) => v > 0);
  chart.begin({ x: [lags[0], lags[n - 1]], y: [quantile(seen, 0.01) * 0.7, quantile(seen, 0.995) * 1.6], xLog: true, yLog: true,
    xLabel: `Lag (${M.time_unit})`, yLabel: `MSD (${M.length_unit === "unit of the file" ? "unit" : M.length_unit}²)`, yText: (v) => v.toExponential(0).replace("e+", "e") });
  for (const j of shown) chart.line(lags, row(j), "--ghost", { weight: 0.6, opacity: 0.35 });
  chart.line(lags, median, "--ink", { weight: 1.6, dash: "6 3" });
  const entries = [["median", "--ink", "dash"]], said = [];
  if (k != null && Number.isFinite(row(k)[0])) {
    chart.points(lags, row(k), "--blue", { size: 6, opacity: 1 });
    entries.push(["chosen trajectory", "--blue", "dot"]);
    const a = M.tamsd_alpha[state.row], D = M.tamsd_D[state.row], offset = M.tamsd_offset[state.row];
    if (Number.isFinite(a)) {
      chart.line(lags, lags.map((t) => 2 * M.dims * D * t ** a + offset), "--vermillion", { weight: 1.6 });
      entries.push(["its fit", "--vermillion", "line"]);
      said.push(`Fit of 2 d D t^α + offset to lags up to a tenth of the track: α = ${fixed(a, 2)}, factor of this fit ${significant(D)} ${M.length_unit}²/${M.time_unit}^α, offset = ${significant(offset)} ${M.length_unit}². The D of the trajectory, as in the table: ${significant(M.D[state.row])}, for an exponent of ${fixed(M.D_exponent[state.row], 2)}.`);
    }
  }
  chart.legend(entries);
  chart.figure.querySelector(".said").textContent = said.join(" ");
}

function drawParts() {
  const M = ALL[state.shown], chart = charts.parts, bins = 25;
  const counts = PARTS.map(([name]) => {
    const found = new Float64Array(bins);
    for (const v of M[name]) if (Number.isFinite(v)) found[Math.min(bins - 1, Math.floor(v * bins))]++;
    return found;
  });
  chart.begin({ x: [0, 1], y: [0, 1.15 * Math.max(1, ...counts.flatMap((c) => [...c]))], xLabel: "Fraction of the mean squared step", yLabel: "Trajectories" });
  PARTS.forEach(([, , css], k) => chart.stairs(0, 1 / bins, counts[k], css, { weight: 1.6, fill: 0.08 }));
  chart.legend(PARTS.map(([name, part, css]) => [`${part}, median ${fixed(quantile(Array.from(M[name]), 0.5), 2)}`, css, "line"]));
}

function showTable() {
  const M = ALL[state.shown], head = ["Particle", "Positions", "Kind, its probability and numbers", "w", "α of FBM", "α of CTRW", `D (${M.length_unit === "unit of the file" ? "unit" : M.length_unit}²/${M.time_unit}^exponent)`, "Exponent of D", "FBM, of the squared step", "CTRW, of it", "Brownian, of it", "Noise, of it", "α of the MSD", "Out of model, p", "No estimate, and why"];
  const rows = Array.from({ length: M.n }, (_, k) => [String(M.particle[k]), fixed(M.positions[k]), M.kinds[k] || "–", interval(M, "w", k), interval(M, "alpha_fbm", k), interval(M, "alpha_ctrw", k),
    significant(M.D[k]), fixed(M.D_exponent[k], 2), ...PARTS.map(([name]) => percent(Number.isFinite(M[name][k]) ? M[name][k] : null)), fixed(M.tamsd_alpha[k], 2), fixed(M.posterior_predictive_p[k], 3), M.reasons[k]]);
  byId("trajectories").replaceChildren(table(head, rows, { onRow: choose }));
}

function allRows() {
  const M = ALL[state.shown], names = Object.keys(M.columns);
  return [[...names, "kind", "reason"], ...Array.from({ length: M.n }, (_, k) => [...names.map((name) => M[name][k]), M.kinds[k], M.reasons[k]])];
}

function timeCourseRows(names) {
  const M = ALL[state.shown], k = M.place.get(state.row), W = M.windows, columns = names.flatMap((name) => ["", "_low", "_high"].map((end) => name + end));
  return [["frame_start", "frame_stop", ...columns], ...[...W.of.keys()].filter((j) => W.of[j] === k).map((j) => [W.start[j], W.stop[j], ...columns.map((name) => W[name][j])])];
}

function choose(row) {
  if (row == null || row < 0) return;
  const M = ALL[state.shown];
  state.row = row;
  byId("particle").value = row;
  document.querySelectorAll("#trajectories tbody tr").forEach((tr, k) => tr.classList.toggle("chosen", k === row));
  drawMap();
  drawPath();
  drawRegimes();
  course(charts["ratio-time-course"], [["w", "w", "--ink"]], [0, 1], "w (0: FBM, 1: CTRW)");
  course(charts["exponent-time-course"], EXPONENTS, [0, 2], "Exponent α");
  drawMsd();
  drawParts();
  byId("previous").disabled = row === 0;
  byId("following").disabled = row === M.n - 1;
}

function showMeasurement(index) {
  state.shown = index;
  const M = ALL[index];
  for (const section of document.querySelectorAll("[data-measurement]")) section.hidden = Number(section.dataset.measurement) !== index;
  byId("particle").replaceChildren(...Array.from(M.particle, (name, k) => element("option", { value: k }, String(name))));
  showTable();
  const told = M.drawn.find((row) => Number.isFinite(M.w[row]));
  choose(told ?? 0);
}

function start() {
  themeButton();
  copyButtons();
  charts.map = new Chart("map", { height: 380, csv: allRows });
  charts.path = new Chart("path", { height: 380, csv: () => {
    const path = pathOf(ALL[state.shown], state.row);
    return path ? [["frame", "x", "y", "regime"], ...Array.from(path.frames, (f, i) => [f, path.xs[i], path.ys[i], REGIMES[path.regime[i]][0]])] : [["frame", "x", "y", "regime"]];
  } });
  charts.regimes = new Chart("regimes", { caption: "Fraction of CTRW near each frame of the chosen trajectory", height: 230, csv: () => {
    const M = ALL[state.shown], k = M.place.get(state.row);
    return [["regime", "start", "stop", "start_low", "start_high", "confidence"], ...regimesOf(M, k).map((r) => [REGIMES[r.label][0], r.start, r.stop, r.low, r.high, r.confidence])];
  } });
  charts["ratio-time-course"] = new Chart("ratio-time-course", { caption: "Ratio w along the chosen trajectory", height: 230, csv: () => timeCourseRows(["w"]) });
  charts["exponent-time-course"] = new Chart("exponent-time-course", { caption: "Exponents along the chosen trajectory", height: 230, csv: () => timeCourseRows(["alpha_fbm", "alpha_ctrw"]) });
  charts.msd = new Chart("msd", { caption: "Mean squared displacement", height: 280, csv: () => {
    const { lags, rows } = ALL[state.shown].msd, k = ALL[state.shown].place.get(state.row), n = lags.length;
    return [["lag", "msd"], ...Array.from(lags, (t, i) => [t, rows[k * n + i]])];
  } });
  charts.parts = new Chart("parts", { caption: "Fractions of the squared step, all trajectories", height: 280, csv: allRows });
  byId("particle").addEventListener("change", (event) => choose(Number(event.target.value)));
  byId("previous").addEventListener("click", () => choose(state.row - 1));
  byId("following").addEventListener("click", () => choose(state.row + 1));
  byId("table-csv").addEventListener("click", () => downloadCsv("trajectories", allRows()));
  connectChoice(showMeasurement);
  connectPrint(() => choose(state.row));
  showMeasurement(0);
  window.addEventListener("resize", later(() => choose(state.row), 200));
}

document.addEventListener("DOMContentLoaded", start);
