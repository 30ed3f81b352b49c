"use strict";
// Example events: frames around the event, the trace at its place beside that of a molecule
// which lands and stays, its scores, and in words what to look for.

const OUTSIDE = -128, SHOWN = 7, FRAME_PX = 58, FEW = 2, unfolded = new Set();

function connectGallery() {
  for (const M of ALL) {
    if (!M.gallery) continue;
    M.codes = unpack(M.gallery.codes);
    M.examples = new Map(M.gallery.rows.map((row, place) => [row, place]));
  }
  whenQuiet.push(showGallery);
}

function showGallery({ M, kept }) {
  const box = byId("gallery");
  if (!box) return;
  byId("gallery-section").hidden = !M.gallery;
  if (!M.gallery) return;
  box.replaceChildren(...M.kinds.map((kind, k) => {
    const rows = M.gallery.rows.filter((row) => M.kind[row] === k);
    if (!rows.length) return "";
    const whole = element("section", { class: unfolded.has(kind) ? "kind all" : "kind" }, element("h3", {}, kind), element("p", {}, M.meanings[kind]), strips(M, rows, kept));
    if (rows.length > FEW) whole.append(moreButton(whole, kind, rows.length - FEW));
    return whole;
  }));
}

// On a phone, where the style sheet shows the first few of a class only.
function moreButton(whole, kind, count) {
  const button = element("button", { type: "button", class: "more" }, `${count} more of ${kind}`);
  button.addEventListener("click", () => { unfolded.add(kind); whole.classList.add("all"); });
  return button;
}

const strips = (M, rows, kept) => element("div", { class: "strips" }, ...rows.map((row) => strip(M, row, kept)));

// One event: frames from before to after, trace, numbers.
function strip(M, row, kept) {
  const { frames, size, scale } = M.gallery, place = M.examples.get(row);
  const codes = M.codes.subarray(place * frames * size * size, (place + 1) * frames * size * size);
  const middle = frames >> 1, n = M.n_avg ?? middle >> 1, step = Math.max(1, Math.round((2 * n) / (SHOWN - 1) / 1.3));
  const times = Array.from({ length: SHOWN }, (_, k) => middle + (k - (SHOWN >> 1)) * step);
  const reach = brightest(codes, size, middle);
  const canvas = element("canvas", { width: SHOWN * (size + 1) - 1, height: size, class: "frames", role: "img",
    "aria-label": `Frames of event ${M.event[row]}` });
  const pen = canvas.getContext("2d");
  times.forEach((t, k) => pen.putImageData(frameImage(codes, t, size, reach), k * (size + 1), 0));
  const ms = M.recorded?.frame_interval_s ? 1e3 * M.recorded.frame_interval_s : null;
  const label = `${fixed(M.value[row], PLACES)} ${UNIT}`;
  const verdict = element("span", { class: kept[row] ? "verdict yes" : "verdict no" }, kept[row] ? "kept" : "not kept");
  return element("article", { class: "strip" },
    element("header", {}, element("strong", {}, label), ` event ${M.event[row]}`, M.time ? `, ${fixed(M.time[row], 1)} s ` : " ", verdict),
    canvas,
    element("div", { class: "when" }, ...times.map((t, k) => element("span", {}, ms ? `${fixed(ms * (t - middle))}${k === SHOWN >> 1 ? " ms" : ""}` : `${t - middle}`))),
    trace(codes, scale[place], { frames, size, middle, n, ms }), scoreBars(M, row));
}

// What the classifier thinks of an event, a bar for each class.
function scoreBars(M, row) {
  if (!M.score) return "";
  return element("div", { class: "scores" }, ...M.classes.filter((kind) => kind === "binder" || M[`score_${kind}`]).map((kind) => {
    const value = kind === "binder" ? M.score[row] : M[`score_${kind}`][row], bar = element("i");
    bar.style.width = `${100 * (value || 0)}%`;
    bar.style.background = color(classColor(M, kind));
    return element("span", { title: `${kind} score ${fixed(value, 2)}` }, element("b", {}, kind), element("u", {}, bar), fixed(value, 2));
  }));
}

// Gray scale of a strip: the strongest pixel of its middle third, so that a neighbor does not hide it.
function brightest(codes, size, middle) {
  let most = 20;
  for (let i = (middle - 3) * size * size; i < (middle + 4) * size * size; i++) if (codes[i] !== OUTSIDE) most = Math.max(most, Math.abs(codes[i]));
  return most;
}

function frameImage(codes, t, size, reach) {
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    const code = codes[t * size * size + i], gray = Math.min(255, Math.max(0, 128 + (127 * code) / reach));
    image.data.set(code === OUTSIDE || code === undefined ? [128, 128, 128, 0] : [gray, gray, gray, 255], 4 * i);
  }
  return image;
}

// Mean of the central 3 x 3 pixels over time, and the triangle that a molecule makes which stays.
function trace(codes, scale, { frames, size, middle, n, ms }) {
  const values = new Float64Array(frames), half = size >> 1;
  for (let t = 0; t < frames; t++) {
    let sum = 0;
    for (let y = half - 1; y <= half + 1; y++) for (let x = half - 1; x <= half + 1; x++) sum += codes[(t * size + y) * size + x];
    values[t] = (1e3 * scale * sum) / 9;
  }
  const shape = Float64Array.from(values, (_, t) => Math.max(0, 1 - Math.abs(t - middle) / n));
  let up = 0, down = 0;
  shape.forEach((s, t) => { up += s * values[t]; down += s * s; });
  const ideal = shape.map((s) => (s * up) / down), all = [...values, ...ideal, 0];
  const low = Math.min(...all), high = Math.max(...all), width = 250, height = 84;
  const x = (t) => 34 + (t / (frames - 1)) * (width - 40), y = (v) => 8 + ((high - v) / (high - low || 1)) * (height - 26);
  const path = (ys) => Array.from(ys, (v, t) => `${t ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "trace", role: "img", "aria-label": "Contrast over time", "font-size": 9 });
  drawing.append(
    svg("line", { x1: 34, x2: width - 6, y1: y(0), y2: y(0), stroke: color("--rule") }),
    svg("line", { x1: x(middle), x2: x(middle), y1: 4, y2: height - 16, stroke: color("--rule") }),
    svg("path", { d: path(ideal), fill: "none", stroke: color("--muted"), "stroke-dasharray": "3 2", "stroke-width": 1.2 }),
    svg("path", { d: path(values), fill: "none", stroke: color("--blue"), "stroke-width": 1.6 }),
    svg("text", { x: 30, y: y(low) + 3, "text-anchor": "end", fill: color("--muted") }, fixed(low, 1)),
    svg("text", { x: 30, y: y(high) + 3, "text-anchor": "end", fill: color("--muted") }, fixed(high, 1)),
    svg("text", { x: width - 6, y: height - 3, "text-anchor": "end", fill: color("--muted") }, ms ? `time (ms), ${fixed(-ms * middle)} to ${fixed(ms * (frames - 1 - middle))}` : "frames"),
    svg("text", { x: 2, y: height - 3, fill: color("--muted") }, "contrast (10⁻³)"));
  return drawing;
}
