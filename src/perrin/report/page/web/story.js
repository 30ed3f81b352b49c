"use strict";
// What is said follows what is set: the headline, the sentences and the count of the fit that is
// drawn (perrin.report.page.landing_story made one of each), and numbers for chosen ranges.

function connectStory() {
  whenQuiet.push((now) => { sayStory(now); showRanges(now); showCurves(now); });
}

const isOwn = (M, fit) => fit === ownFit(M) && state.filter === fit.filter && state.at === fit.at;

function sayStory(now) {
  const { M, fit } = now, own = isOwn(M, fit), box = document.querySelector(`.story[data-measurement="${M.index}"]`);
  const told = own ? M.story : fit.story;
  const heading = ALL.length === 1 ? document.querySelector("h1") : box.querySelector(".name");
  heading.textContent = `${ALL.length === 1 ? "" : `${M.name}: `}${told.headline}`;
  const note = byId("moved");
  if (note) {
    note.hidden = own;
    const where = { none: "nothing is filtered", score: `binder score of ${fixed(state.at, 3)} or more`, residual: `${M.residual_name} of at most ${significant(state.at)}` }[state.filter];
    note.querySelector("span").textContent = `Not as analyzed: ${where}. ${M.all_landings ? "The reported spectrum, of all landings, does not depend on it; what is said of the filtered one does." : "Headline and sentences are those of this filter."}`;
  }
  for (const key of ["stands_out", "distrust", "next", "measured"]) {
    const part = box.querySelector(`.${key}`), sentences = told[key].map((text) => element("li", {}, text));
    if (key === "measured") sentences.push(element("li", { class: "counted" }, counted(now)));
    part.querySelector("ul, p").replaceWith(sentences.length ? element("ul", {}, ...sentences) : element("p", {}, "Nothing."));
  }
}

// One number, and what makes the difference to all events.
function counted({ M, kept }) {
  const left = new Map(), leave = (why) => left.set(why, (left.get(why) ?? 0) + 1);
  let n = 0;
  for (let i = 0; i < M.n; i++) {
    const kind = M.kinds[M.kind[i]];
    if (kept[i] && M.value[i] > 0) n++;
    else if (M.value[i] < 0) leave("unbindings");
    else if (!M.base[i] || kind === "unscored") leave(kind);
    else if (state.filter === "score" && !M.single[i]) leave("landings seen twice");
    else leave(state.filter === "score" ? "landings below the binder score" : "landings with a larger residual");
  }
  const less = [...left].sort((a, b) => b[1] - a[1]).map(([why, many]) => `${fixed(many)} ${why}`);
  return `${fixed(n)} landings make the filtered spectrum: ${fixed(M.n)} events less ${less.length ? less.join(", ") : "none"}.`;
}

// ---- ranges of masses, counted with their intervals

function inRange({ M, kept }, { low, high }) {
  let n = 0, all = 0;
  for (let i = 0; i < M.n; i++) {
    if (!kept[i] || !(M.value[i] > 0)) continue;
    all++;
    if (M.value[i] >= low && M.value[i] < high) n++;
  }
  return { n, all };
}

function addRange(low, high) {
  const css = SERIES[(state.ranges.length + 2) % SERIES.length];
  state.ranges = [...state.ranges, { low, high, name: "", css }];
  changed();
}

function nameField(text, said, accept) {
  const field = element("input", { type: "text", class: "named", "aria-label": said, placeholder: "name", maxlength: 24 });
  field.value = text;
  field.addEventListener("change", () => accept(field.value.trim()));
  return field;
}

// A button that goes through the colors of series.
function colorField(css, said, accept) {
  const field = element("button", { class: "swatch", title: said, "aria-label": said, onclick: () => accept(SERIES[(SERIES.indexOf(css) + 1) % SERIES.length]) });
  field.style.background = color(css);
  return field;
}

function showRanges(now) {
  const box = byId("ranges");
  box.hidden = !state.ranges.length || state.overlay;
  if (box.hidden) return box.replaceChildren();
  const change = (k, part) => { state.ranges = state.ranges.map((one, j) => (j === k ? { ...one, ...part } : one)); changed(); };
  const rows = state.ranges.map((one, k) => {
    const { n, all } = inRange(now, one), [low, high] = wilson(n, all);
    return [element("span", { class: "row" }, colorField(one.css, "Next color", (css) => change(k, { css })), nameField(one.name, "Name of the range", (name) => change(k, { name }))),
      `${fixed(one.low, PLACES + 1)} to ${fixed(one.high, PLACES + 1)}`, fixed(n), [percent(all ? n / all : null, 1), range(100 * low, 100 * high, 1).trim()],
      element("span", { class: "row" }, element("button", { onclick: () => { state.bin = { low: one.low, high: one.high }; changed(); } }, "Events"),
        element("button", { "aria-label": "Remove the range", onclick: () => { state.ranges = state.ranges.filter((_, j) => j !== k); changed(); } }, "×"))];
  });
  box.replaceChildren(element("div", { class: "scroll" }, table(["Range", `From, to (${UNIT})`, "Landings", "Fraction of the kept landings", ""], rows)));
}

// What the drawn curves are: the Gaussians of the mixture.
function showCurves({ n, fit }) {
  const box = byId("curves"), curves = fit.curves, M = measurement();
  box.hidden = !curves.length || state.overlay;
  if (box.hidden) return;
  box.querySelector("summary").textContent = `The curves: a mixture of ${curves.length} normal distribution${curves.length > 1 ? "s" : ""}`;
  const scale = fit.kept ? n / fit.kept : 0, total = curves.reduce((sum, c) => sum + c.height * c.sd, 0) || 1;
  const rows = curves.map((c) => {
    const fwhm = 2.354820045 * c.sd;
    return [fixed(c.mean, PLACES + 1), fwhm < 1.01 * M.least_width ? `at most ${fixed(M.least_width, PLACES)}` : fixed(fwhm, PLACES + 1),
      fixed(scale * c.height * c.sd * Math.sqrt(2 * Math.PI)), percent(c.height * c.sd / total)];
  });
  box.querySelector("div").replaceChildren(table([`Mean (${UNIT})`, `FWHM (${UNIT})`, "Landings", "Fraction of the mixture"], rows));
}

// ---- names and colors of peaks: kept by place, so that they stay when the fit moves a little

const namedPeak = (peak) => state.names.find(({ at }) => at >= peak.low && at <= peak.high);

function setPeak(peak, part) {
  const old = namedPeak(peak) ?? { at: peak.mode, name: "", css: "--ink" };
  state.names = [...state.names.filter((one) => one !== old), { ...old, ...part }];
  changed();
}
