"use strict";
// Landings: what is chosen on the page, the filters, and who is told when something changes.
// The page counts; every fitted number was fitted by Python before (perrin.report.page.fits).

const ALL = DATA.measurements.map((record, index) => {
  const columns = {};
  for (const [name, packed] of Object.entries(record.columns)) columns[name] = unpack(packed);
  return { ...record, ...columns, index, sorted: {} };
});
const UNIT = ALL[0].unit === "kDa" ? "kDa" : "10⁻³";
const QUANTITY = ALL[0].unit === "kDa" ? "Mass (kDa)" : "−Contrast (10⁻³)";
const PLACES = ALL[0].unit === "kDa" ? 0 : 2;

const state = { shown: 0, overlay: ALL.length > 1, filter: "none", at: 0, compare: false,
  unbinding: "below", width: 0, low: 0, high: 0, bin: null, ranges: [], names: [] };
const charts = {};
const measurement = () => ALL[state.shown];

const FILTER_NAMES = { score: "binder score", residual: "fit residual" };

// Which events (n) a filter keeps: 1 or 0. Comparisons with NaN are false, as in Python.
function keep(M, filter, at) {
  const kept = new Uint8Array(M.n), values = M[filter];
  if (filter === "none") return M.base;
  // single: scored, and no second detection of one landing
  if (filter === "score") for (let i = 0; i < M.n; i++) kept[i] = M.single[i] & (values[i] >= at);
  else for (let i = 0; i < M.n; i++) kept[i] = M.base[i] & (values[i] <= at);
  return kept;
}

const count = (mask) => { let n = 0; for (let i = 0; i < mask.length; i++) n += mask[i]; return n; };

// The other filter, set so that it keeps as many events.
function rival(M, filter, n) {
  const other = filter === "score" ? "residual" : "score";
  if (filter === "none" || !M[other] || !n) return null;
  M.sorted[other] ??= M[other].filter((value, i) => (other === "score" ? M.single : M.base)[i] && !Number.isNaN(value)).sort();
  const sorted = M.sorted[other];
  const place = other === "score" ? Math.max(0, sorted.length - n) : Math.min(n, sorted.length) - 1;
  return { filter: other, at: sorted[place] };
}

// The fit whose filter is nearest to what is set.
function nearestFit(M, kept) {
  const same = M.fits.filter((fit) => fit.filter === state.filter);
  const off = (fit) => state.filter === "score" ? Math.abs(fit.at - state.at) : Math.abs(fit.kept - kept);
  return same.reduce((a, b) => (off(b) < off(a) ? b : a), same[0] ?? M.fits[0]);
}

const ownFit = (M) => M.fits.find((fit) =>
  M.threshold == null ? fit.filter === "none" : fit.filter === "score" && fit.at === M.threshold);

function asAnalyzed() {
  const M = measurement();
  state.filter = M.threshold == null ? "none" : "score";
  state.at = M.threshold ?? 0;
}

// ---- controls

function filterRange(M) {
  if (state.filter === "score") return [0, 1];
  M.mostResidual ??= quantile(M.residual, 0.99);
  return [0, M.mostResidual];
}

function setFilter(name) {
  const M = measurement();
  state.filter = name;
  if (name === "score") state.at = M.threshold ?? 0.5;
  if (name === "residual") state.at = quantile(M.residual, 0.8);
  showControls();
  changed();
}

function showControls() {
  const M = measurement(), active = state.filter !== "none";
  for (const input of document.querySelectorAll("[name=filter]")) {
    input.checked = input.value === state.filter;
    input.disabled = input.value !== "none" && !M[input.value];
    input.parentElement.hidden = input.disabled;
  }
  byId("filters").hidden = !M.score && !M.residual;
  byId("threshold-row").hidden = !active;
  byId("compare-row").hidden = !active || !rival(M, state.filter, 1);
  const slider = byId("threshold");
  if (active) {
    const [low, high] = filterRange(M);
    Object.assign(slider, { min: low, max: high, step: state.filter === "score" ? 0.001 : (high - low) / 200 });
    slider.value = state.at;
  }
  byId("automatic").hidden = state.filter !== "score" || M.automatic == null;
  byId("automatic").textContent = `Automatic (${fixed(M.automatic, 3)})`;
  byId("own").hidden = state.filter !== "score" || M.threshold == null;
  byId("own").textContent = `As analyzed (${significant(M.threshold)})`;
  byId("bin-width").value = state.width;
  byId("low").value = state.low;
  byId("high").value = state.high;
  byId("overlay-row").hidden = ALL.length < 2;
  byId("overlay").checked = state.overlay;
}

function connectControls() {
  for (const input of document.querySelectorAll("[name=filter]")) {
    input.addEventListener("change", () => setFilter(input.value));
  }
  for (const input of document.querySelectorAll("[name=unbinding]")) {
    input.addEventListener("change", () => { state.unbinding = input.value; defaultRange(); showControls(); changed(); });
  }
  byId("unfold").addEventListener("click", () => {
    const open = byId("controls").classList.toggle("open");
    byId("unfold").setAttribute("aria-expanded", String(open));
    if (open) changed();
  });
  byId("undo").addEventListener("click", undo);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !/INPUT/.test(event.target.tagName)) { undo(); event.preventDefault(); }
  });
  const close = () => { Object.assign(player, { row: -1, list: [] }); clearInterval(player.timer); byId("bin").hidden = true; state.bin = null; changed(); };
  byId("bin-close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !byId("bin").hidden) close(); });
  byId("back").addEventListener("click", () => { asAnalyzed(); showControls(); changed(); });
  byId("threshold").addEventListener("input", (event) => { state.at = Number(event.target.value); changed(); });
  const jump = (at) => { state.at = at; byId("threshold").value = at; changed(); };
  byId("automatic").addEventListener("click", () => jump(measurement().automatic));
  byId("own").addEventListener("click", () => jump(measurement().threshold));
  byId("compare").addEventListener("change", (event) => { state.compare = event.target.checked; changed(); });
  byId("overlay").addEventListener("change", (event) => { state.overlay = event.target.checked; defaultRange(); showControls(); changed(); });
  const number = (id, accept) => byId(id).addEventListener("change", (event) => {
    const value = Number(event.target.value);
    if (event.target.value !== "" && Number.isFinite(value)) accept(value);
    showControls();
    changed();
  });
  number("bin-width", (value) => { if (value > 0 && (state.high - state.low) / value <= 5000) state.width = value; });
  number("low", (value) => { if (value < state.high) state.low = value; });
  number("high", (value) => { if (value > state.low) state.high = value; });
  byId("whole").addEventListener("click", () => { defaultRange(); showControls(); changed(); });
  byId("events-csv").addEventListener("click", () => downloadCsv("events-kept", eventRows(keep(measurement(), state.filter, state.at))));
}

function defaultRange() {
  const shown = state.overlay ? ALL : [measurement()], least = state.overlay ? 0.05 : 0.01;
  const highest = shown.flatMap((M) => (ownFit(M) ?? M.fits[0]).peaks.filter((peak) => peak.fraction >= least).map((peak) => 1.15 * peak.high));
  if (!highest.length) highest.push(...shown.map((M) => quantile(M.value, 0.99)), 20 * state.width);
  state.high = Number(Math.min(Math.max(...highest.filter(Number.isFinite)), 400 * state.width).toPrecision(3));
  const low = Math.min(0, ...shown.map((M) => 1.1 * quantile(M.value.filter((v) => v < 0), 0.01)).filter(Number.isFinite));
  state.low = state.unbinding === "left" ? Number(low.toPrecision(3)) : 0;
}

// Events as rows with a header, those of a mask.
function eventRows(mask) {
  const M = measurement();
  const columns = [["event", M.event], [UNIT === "kDa" ? "mass_kda" : "minus_contrast_1e-3", M.value],
    ["mass_se_kda", M.se], ["time_s", M.time], ["x_px", M.x], ["y_px", M.y],
    ["score_binder", M.score], [M.residual_name?.replace(" ", "_"), M.residual]].filter(([, values]) => values);
  const rows = [[...columns.map(([name]) => name), "class"]];
  for (let i = 0; i < M.n; i++) {
    if (mask[i]) rows.push([...columns.map(([, values]) => values[i]), M.kinds[M.kind[i]]]);
  }
  return rows;
}

// ---- what follows a change: the spectrum and the counts at once, the rest when it is quiet

const atOnce = [], whenQuiet = [];
const quiet = later(() => whenQuiet.forEach((draw) => draw(latest)));
let latest = null;

// What can be taken back: every choice on the page; a slider that is dragged is one change.
const past = [];
let before = null, lastSlid = 0;

function remember() {
  const now = JSON.stringify(state), old = before && JSON.parse(before);
  const slid = old && JSON.stringify({ ...state, at: old.at }) === before, same = slid && Date.now() - lastSlid < 600;
  if (old && now !== before && !same) past.push(before);
  if (now !== before) lastSlid = slid ? Date.now() : 0;
  before = now;
  byId("undo").disabled = !past.length;
}

function forget() {
  past.length = 0;
  before = null;
}

function undo() {
  if (!past.length) return;
  Object.assign(state, JSON.parse(past.pop()));
  before = JSON.stringify(state);
  showControls();
  changed();
}

function changed() {
  remember();
  const M = measurement(), kept = keep(M, state.filter, state.at), n = count(kept);
  const other = state.compare ? rival(M, state.filter, n) : null;
  latest = { M, kept, n, fit: nearestFit(M, n), all: count(M.base),
    rival: other && { ...other, kept: keep(M, other.filter, other.at) } };
  for (const draw of atOnce) draw(latest);
  quiet();
}

function showMeasurement(index) {
  forget();
  Object.assign(player, { row: -1, list: [] });
  byId("bin").hidden = true;
  Object.assign(state, { shown: index, bin: null, ranges: [], names: [] });
  asAnalyzed();
  state.width = measurement().bin_width;
  defaultRange();
  showControls();
  for (const section of document.querySelectorAll("[data-measurement]")) {
    section.hidden = Number(section.dataset.measurement) !== index;
  }
  changed();
}

function start() {
  themeButton();
  connectDrawings();
  connectControls();
  connectSpectrum();
  connectStory();
  copyButtons();
  connectTimeCourse();
  connectGallery();
  connectChoice((index) => { state.overlay = false; showMeasurement(index); });
  connectPrint(() => { changed(); whenQuiet.forEach((draw) => draw(latest)); });
  showMeasurement(0);
  window.addEventListener("resize", later(() => changed(), 200));
}

document.addEventListener("DOMContentLoaded", start);
