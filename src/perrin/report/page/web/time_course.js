"use strict";
// Around the spectrum: classes, what the filter keeps at each mass, events over time and over
// the field, residuals, the calibration.

const MOST_DRAWN = 20000; // points of one cloud; more are thinned evenly, and the text says so
const classColor = (M, kind) => `--${M.colors[kind]}`;

// The charts of the grid, in order: what each is called, how it is drawn, what its CSV holds.
const GRID = [
  { id: "retention", caption: "Landings kept at each mass", draw: drawKept, csv: () => retentionRows(latest).rows },
  { id: "over-time", caption: "Events over time", height: 250, draw: drawTime, csv: () => eventRows(latest.kept) },
  { id: "landing-rate", caption: "Landing density", height: 190, draw: drawRate, csv: rateRows },
  { id: "residuals", caption: "Mass and fit residual", draw: drawResidual, csv: () => eventRows(latest.M.base) },
  { id: "calibration", caption: "Calibration", draw: drawCalibration, csv: calibrationRows },
  { id: "over-field", caption: "Events over the field of view", wide: true, draw: drawField, csv: () => eventRows(latest.kept) },
];

function connectTimeCourse() {
  for (const one of GRID) charts[one.id] = new Chart(one.id, one);
  whenQuiet.push((now) => {
    showClasses(now);
    for (const { id, draw } of GRID) {
      const chart = charts[id];
      chart.figure.hidden = !now.M.n;
      if (now.M.n) draw(chart, now);
    }
  });
}

// Rows of indices by what they are, thinned where there are too many to be seen apart.
function clouds(M, kept, wanted = () => true) {
  const groups = { rejected: [], landing: [], unbinding: [] };
  for (let i = 0; i < M.n; i++) {
    if (!wanted(i)) continue;
    if (!kept[i]) groups.rejected.push(i);
    else groups[M.value[i] > 0 ? "landing" : "unbinding"].push(i);
  }
  const thin = Math.ceil(M.n / MOST_DRAWN);
  return { thin, groups: Object.fromEntries(Object.entries(groups).map(([name, list]) => [name, list.filter((_, k) => k % thin === 0)])), sizes: Object.fromEntries(Object.entries(groups).map(([name, list]) => [name, list.length])) };
}

function drawClouds(chart, M, kept, xs, ys) {
  const { groups, sizes, thin } = clouds(M, kept);
  const style = { rejected: ["--ghost", 0.45], landing: ["--blue", 0.6], unbinding: ["--vermillion", 0.6] };
  for (const [name, list] of Object.entries(groups)) {
    chart.points(list.map(xs), list.map(ys), style[name][0], { opacity: style[name][1], size: M.n > 4000 ? 2.2 : 3 });
  }
  const note = thin > 1 ? `; one in ${thin} drawn` : "";
  chart.figure.querySelector(".said").textContent =
    `${fixed(sizes.landing)} landings (blue), ${fixed(sizes.unbinding)} unbindings (orange)${sizes.rejected ? `, ${fixed(sizes.rejected)} not kept (gray)` : ""}${note}.`;
}

const central = (values, fraction = 0.005) => {
  const low = quantile(values, fraction), high = quantile(values, 1 - fraction), margin = 0.06 * (high - low || 1);
  return [low - margin, high + margin];
};

function showClasses({ M, kept }) {
  const box = byId("classes"), total = M.n || 1;
  const all = new Float64Array(M.kinds.length), passed = new Float64Array(M.kinds.length);
  for (let i = 0; i < M.n; i++) { all[M.kind[i]]++; passed[M.kind[i]] += kept[i]; }
  const rows = M.kinds.map((kind, k) => {
    const [low, high] = wilson(all[k], M.n), estimate = M.mix?.[kind];
    const bar = element("div", { class: "fraction" });
    const piece = (part, css) => {
      const inner = element("i");
      inner.style.width = `${(100 * part) / total}%`;
      inner.style.background = color(css);
      return inner;
    };
    const faint = piece(all[k] - passed[k], classColor(M, kind));
    faint.style.opacity = 0.35;
    bar.append(piece(passed[k], classColor(M, kind)), faint);
    return [kind, bar, [percent(all[k] / total), range(hundred(low), hundred(high), 0).trim()],
      ...(M.mix ? [estimate ? [percent(estimate.fraction), range(hundred(estimate.low), hundred(estimate.high), 0).trim()] : ""] : []),
      fixed(all[k]), fixed(passed[k])];
  });
  box.replaceChildren(table([M.score ? "Class" : "Kind", "", "Fraction of events", ...(M.mix ? ["Fraction of the landings, estimated"] : []), "Events", "Kept"], rows));
}

// Kept fraction of the landings in bins of mass of about equal counts, with Wilson's interval.
function retentionRows({ M, kept }) {
  const chosen = [];
  for (let i = 0; i < M.n; i++) if (M.base[i] && M.value[i] > 0 && M.value[i] >= Math.max(0, state.low) && M.value[i] <= state.high) chosen.push(i);
  chosen.sort((a, b) => M.value[a] - M.value[b]);
  const bins = Math.max(1, Math.min(16, Math.floor(chosen.length / 40))), found = [];
  for (let b = 0; b < bins; b++) {
    const part = chosen.slice(Math.floor((b * chosen.length) / bins), Math.floor(((b + 1) * chosen.length) / bins));
    if (!part.length) continue;
    const n = part.reduce((sum, i) => sum + kept[i], 0), [low, high] = wilson(n, part.length);
    found.push({ from: M.value[part[0]], to: M.value[part.at(-1)], middle: M.value[part[part.length >> 1]], n, of: part.length, fraction: n / part.length, low, high });
  }
  const unit = UNIT === "kDa" ? "kda" : "1e-3";
  const rows = [[`from_${unit}`, `to_${unit}`, "kept", "landings", "fraction", "fraction_low", "fraction_high"],
    ...found.map((b) => [b.from, b.to, b.n, b.of, b.fraction, b.low, b.high])];
  return { found, rows };
}

function drawKept(chart, now) {
  if (state.filter === "none") return hide(chart);
  const { found } = retentionRows(now), { M, kept, fit } = now;
  chart.begin({ x: [Math.max(0, state.low), state.high], y: [0, 105], xLabel: QUANTITY, yLabel: "Landings kept (%)" });
  for (const peak of fit.peaks) chart.rule({ x: peak.mode }, "--rule", { weight: 6 });
  const draw = (bins, name) => {
    chart.whiskers(bins.map((b) => b.middle), bins.map((b) => 100 * b.low), bins.map((b) => 100 * b.high), name);
    chart.line(bins.map((b) => b.middle), bins.map((b) => 100 * b.fraction), name, { weight: 1.2, opacity: 0.6 });
    chart.points(bins.map((b) => b.middle), bins.map((b) => 100 * b.fraction), name, { size: 6, opacity: 1 });
  };
  if (now.rival) draw(retentionRows({ M, kept: now.rival.kept }).found, "--orange");
  draw(found, "--blue");
  const fractions = fit.peaks.map((peak) => {
    let n = 0, of = 0;
    for (let i = 0; i < M.n; i++) {
      if (M.base[i] && M.value[i] >= peak.low && M.value[i] <= peak.high) { of++; n += kept[i]; }
    }
    return of ? n / of : NaN;
  });
  const known = fractions.filter(Number.isFinite), said = chart.figure.querySelector(".said");
  const spread = known.length > 1 ? Math.max(...known) - Math.min(...known) : 0;
  said.classList.toggle("warning", spread > 0.15);
  const told = fit.peaks.map((peak, k) => `${percent(fractions[k])} at ${fixed(peak.mode, PLACES)}`).join(", ");
  if (spread > 0.15) said.textContent = `Selection bias: the filter keeps ${told} ${UNIT}. Ratios of these peaks after filtering are not those of the sample.`;
  else said.textContent = known.length ? `The filter keeps ${told} ${UNIT}.` : "";
  if (now.rival) said.textContent += ` Orange: ${FILTER_NAMES[now.rival.filter]}, as many kept.`;
  chart.reacts({
    steps: found.map((b) => b.middle),
    hover: (x) => {
      const b = found.find((bin) => x >= bin.from && x <= bin.to);
      return b ? { text: `${fixed(b.from, PLACES)} to ${fixed(b.to, PLACES)} ${UNIT}: ${b.n} of ${b.of} kept (${percent(b.fraction)})`, x: b.middle } : null;
    },
  });
}

function drawTime(chart, { M, kept }) {
  if (!M.time) return hide(chart);
  const [low, high] = central(M.value);
  chart.begin({ x: [0, Math.max(...ends(M.time)) * 1.01], y: [Math.min(0, low), high], xLabel: "Time (s)", yLabel: QUANTITY });
  drawClouds(chart, M, kept, (i) => M.time[i], (i) => M.value[i]);
  chart.rule({ y: 0 });
  chart.reacts(events(chart, M, M.time, M.value));
}

function hide(chart) { chart.figure.hidden = true; }

function ends(values) {
  let low = Infinity, high = -Infinity;
  for (const v of values) { if (v < low) low = v; if (v > high) high = v; }
  return [low, high];
}

// The event nearest to the pointer, within 12 pixels: its tooltip, and a click opens it.
function events(chart, M, xs, ys) {
  const nearest = (x, y) => {
    let best = -1, least = 144;
    const px = chart.px(x), py = chart.py(y);
    for (let i = 0; i < M.n; i++) {
      const d = (chart.px(xs[i]) - px) ** 2 + (chart.py(ys[i]) - py) ** 2;
      if (d < least) { least = d; best = i; }
    }
    return best;
  };
  const hover = (x, y) => {
    const best = nearest(x, y);
    if (best < 0) return null;
    const score = M.score ? `, binder score ${fixed(M.score[best], 2)}` : "";
    return { text: `Event ${M.event[best]}: ${fixed(M.value[best], PLACES + 1)} ${UNIT}, ${M.kinds[M.kind[best]]}${score}`, x: xs[best] };
  };
  const click = (x, y) => {
    const best = nearest(x, y);
    if (best < 0) return;
    state.bin = null;
    byId("bin-title").textContent = "An event, chosen in a plot";
    byId("bin-csv").onclick = () => downloadCsv("event", eventRows(M.event.map((_, i) => (i === best ? 1 : 0))));
    byId("bin-list").replaceChildren();
    openEvent(best, [best]);
  };
  return { hover, click };
}

function drawRate(chart, { M }) {
  const d = M.density;
  if (!d) return hide(chart);
  const edges = d.time_edges_s, middle = d.landings.map((_, k) => 0.5 * (edges[k] + edges[k + 1]));
  chart.begin({ x: [0, edges.at(-1) * 1.01], y: [0, 1.1 * Math.max(...d.density_per_um2_s_high)], xLabel: "Time (s)", yLabel: "Landings (µm⁻² s⁻¹)" });
  chart.rule({ y: d.mean_density_per_um2_s }, "--muted", { dash: "4 3" });
  chart.whiskers(middle, d.density_per_um2_s_low, d.density_per_um2_s_high, "--ink");
  chart.points(middle, d.density_per_um2_s, "--ink", { size: 5, opacity: 1 });
  const moved = (M.drifts ?? []).map((drift, k) => ({ drift, peak: (ownFit(M) ?? M.fits[0]).peaks[k] })).filter(({ drift, peak }) => drift && peak);
  const u = M.unit.toLowerCase(), f = UNIT === "kDa" ? 1 : 1e3;
  chart.figure.querySelector(".said").textContent =
    `Mean ${significant(d.mean_density_per_um2_s, 2)} (dashed), 95% intervals of Poisson counts. ` +
    (moved.length ? `Drift of the peaks over the movie: ${moved.map(({ drift, peak }) => `${fixed(peak.mode, PLACES)}: ${drift[`change_${u}`] >= 0 ? "+" : ""}${fixed(f * drift[`change_${u}`], PLACES + 1)} ${UNIT} (p = ${significant(drift.p_value, 2)})`).join("; ")}.` : "");
  chart.reacts({ steps: middle, hover: (x) => {
    const k = middle.findIndex((_, j) => x >= edges[j] && x < edges[j + 1]);
    return k < 0 ? null : { text: `${fixed(edges[k], 1)} to ${fixed(edges[k + 1], 1)} s: ${d.landings[k]} landings`, x: middle[k] };
  } });
}

function rateRows() {
  const d = latest.M.density;
  return [["from_s", "to_s", "landings", "per_um2_s", "per_um2_s_low", "per_um2_s_high"],
    ...d.landings.map((n, k) => [d.time_edges_s[k], d.time_edges_s[k + 1], n, d.density_per_um2_s[k], d.density_per_um2_s_low[k], d.density_per_um2_s_high[k]])];
}

function drawField(chart, { M, kept }) {
  if (!M.x) return hide(chart);
  const um = M.recorded?.pixel_nm ? M.recorded.pixel_nm / 1000 : 1;
  const [x0, x1] = ends(M.x), [y0, y1] = ends(M.y), pad = 4;
  chart.begin({ x: [(x0 - pad) * um, (x1 + pad) * um], y: [(y0 - pad) * um, (y1 + pad) * um], xLabel: um === 1 ? "x (px)" : "x (µm)", yLabel: um === 1 ? "y (px)" : "y (µm)", square: true, down: true });
  drawClouds(chart, M, kept, (i) => M.x[i] * um, (i) => M.y[i] * um);
  chart.reacts(events(chart, M, M.x.map((v) => v * um), M.y.map((v) => v * um)));
}

function drawResidual(chart, { M, kept }) {
  if (!M.residual) return hide(chart);
  const [low, high] = central(M.value), most = quantile(M.residual, 0.995), power = most < 0.05 ? 1e3 : 1;
  chart.begin({ x: [low, high], y: [0, most * power * 1.05], xLabel: QUANTITY, yLabel: `${M.residual_name[0].toUpperCase()}${M.residual_name.slice(1)}${power > 1 ? " (10⁻³)" : ""}` });
  drawClouds(chart, M, kept, (i) => M.value[i], (i) => M.residual[i] * power);
  if (state.filter === "residual") chart.rule({ y: state.at * power }, "--ink", { dash: "4 3" });
  chart.reacts(events(chart, M, M.value, M.residual.map((v) => v * power)));
}

function drawCalibration(chart, { M }) {
  const line = M.calibration;
  if (!line?.points?.length) return hide(chart);
  const masses = line.points.map((p) => p.mass_kda), most = 1.15 * Math.max(...masses);
  const at = (m) => -1e3 * (line.gradient_per_kda * m + line.offset);
  chart.begin({ x: [0, most], y: [0, 1.05 * at(most)], xLabel: "Mass (kDa)", yLabel: "−Contrast (10⁻³)" });
  const xs = Array.from({ length: 60 }, (_, k) => (most * (k + 1)) / 60), cov = line.covariance;
  if (cov) {
    const half = xs.map((m) => 2e3 * Math.sqrt(Math.max(0, m * m * cov[0][0] + 2 * m * cov[0][1] + cov[1][1])));
    chart.band(xs, xs.map((m, k) => at(m) - half[k]), xs.map((m, k) => at(m) + half[k]), "--blue");
  }
  chart.line(xs, xs.map(at), "--blue");
  chart.whiskers(masses, line.points.map((p) => -1e3 * p.contrast - 1e3 * (p.contrast_se ?? 0)), line.points.map((p) => -1e3 * p.contrast + 1e3 * (p.contrast_se ?? 0)), "--ink");
  chart.points(masses, line.points.map((p) => -1e3 * p.contrast), "--ink", { size: 7, opacity: 1 });
  const worst = Math.max(...line.points.map((p) => Math.abs((p.contrast - line.offset) / line.gradient_per_kda / p.mass_kda - 1)));
  const sign = line.offset < 0 ? "+" : "−";
  chart.figure.querySelector(".said").textContent = `−contrast = ${fixed(-1e5 * line.gradient_per_kda, 3)} × 10⁻⁵ kDa⁻¹ × mass ${sign} ${fixed(Math.abs(1e5 * line.offset), 2)} × 10⁻⁵; band: two standard errors. Largest error of a calibrant: ${percent(worst, 1)}.${line.source ? ` From ${line.source}.` : ""}`;
  chart.reacts({ steps: masses, hover: (x) => {
    const k = masses.reduce((a, m, j) => (Math.abs(m - x) < Math.abs(masses[a] - x) ? j : a), 0), p = line.points[k];
    return { text: `${p.label || `${p.mass_kda} kDa`}: −contrast ${fixed(-1e3 * p.contrast, 3)} × 10⁻³`, x: p.mass_kda };
  } });
}

function calibrationRows() {
  return [["mass_kda", "contrast", "contrast_se", "label"], ...latest.M.calibration.points.map((p) => [p.mass_kda, p.contrast, p.contrast_se, p.label])];
}
