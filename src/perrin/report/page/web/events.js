"use strict";
// Any event, frame by frame: what was seen, what a molecule that lands and stays makes of it, what
// is left; its trace, why it counts or not, and the field around it with the other events.
// The frames are those of the analysis (perrin.landing.field), inflated when they are first needed.

const SIDE = 17, MIDDLE = 8, PSF_SIDE = 97, PSF_STEP = 4;
const player = { row: -1, at: 0, timer: null, list: [] };

async function openField(M) {
  const bytes = Uint8Array.from(atob(M.field.codes.deflated), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  M.seen = new Int8Array(await new Response(stream).arrayBuffer());
  M.taken = unpack(M.field.frames);
  M.spot = unpack(M.field.psf);
}

// Places in the field's frames that lie within a thumbnail of an event's frame.
function framesOf(M, i) {
  const half = Math.max(20, M.field.n_avg);
  return [...M.taken.keys()].filter((k) => Math.abs(M.taken[k] - M.frame[i]) <= half);
}

const stays = (M, i, k) => Math.max(0, 1 - Math.abs(M.taken[k] - M.frame[i]) / M.field.n_avg);

// The PSF dx, dy pixels off its center, between four samples.
function spotAt(M, dx, dy) {
  const u = dx * PSF_STEP + (PSF_SIDE - 1) / 2, v = dy * PSF_STEP + (PSF_SIDE - 1) / 2;
  const i = Math.floor(u), j = Math.floor(v);
  if (i < 0 || j < 0 || i >= PSF_SIDE - 1 || j >= PSF_SIDE - 1) return 0;
  const p = (a, b) => M.spot[b * PSF_SIDE + a], f = u - i, g = v - j;
  return (1 - g) * ((1 - f) * p(i, j) + f * p(i + 1, j)) + g * ((1 - f) * p(i, j + 1) + f * p(i + 1, j + 1));
}

// Contrast (17 x 17) around an event in frame k of the field: seen, model, residual; NaN outside.
function patches(M, i, k) {
  const { width, height, unit } = M.field, x0 = Math.round(M.x[i]), y0 = Math.round(M.y[i]);
  const seen = new Float64Array(SIDE * SIDE), model = new Float64Array(SIDE * SIDE), high = M.contrast[i] * stays(M, i, k);
  for (let b = 0; b < SIDE; b++) {
    for (let a = 0; a < SIDE; a++) {
      const x = x0 + a - MIDDLE, y = y0 + b - MIDDLE, n = b * SIDE + a;
      seen[n] = x < 0 || y < 0 || x >= width || y >= height ? NaN : unit * M.seen[(k * height + y) * width + x];
      model[n] = high * spotAt(M, x - M.x[i], y - M.y[i]);
    }
  }
  return { seen, model, residual: seen.map((v, n) => v - model[n]) };
}

// Light gray is nothing, dark a landing; pixels outside the field are left clear.
function paint(canvas, values, side, reach) {
  const image = new ImageData(side, values.length / side);
  values.forEach((v, n) => {
    const gray = Math.min(255, Math.max(0, 128 + (127 * v) / reach));
    image.data.set(Number.isNaN(v) ? [128, 128, 128, 0] : [gray, gray, gray, 255], 4 * n);
  });
  canvas.width = side;
  canvas.height = values.length / side;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function whyKept(M, i, kept) {
  const kind = M.kinds[M.kind[i]], meaning = M.meanings[kind];
  if (state.filter === "none") return M.base[i] ? "Counts: nothing is filtered." : `Does not count. ${meaning}`;
  const value = state.filter === "score" ? `binder score ${fixed(M.score[i], 3)}` : `${M.residual_name} ${significant(M.residual[i])}`;
  const limit = state.filter === "score" ? `${fixed(state.at, 3)} or more` : `${significant(state.at)} or less`;
  if (kept[i]) return `Kept: ${value}, where ${limit} is asked for.`;
  if (!M.base[i] || (state.filter === "score" && !M.single[i])) return `Not kept. ${M.base[i] && Number.isFinite(M.score?.[i]) ? M.meanings.duplicate ?? "Seen before: one landing is counted once." : meaning}`;
  return `Not kept: ${value}, where ${limit} is asked for. ${state.filter === "score" && kind !== "binder" ? `Most like ${kind}: ${meaning}` : ""}`;
}

// Choose an event from anywhere: its panel opens at the bottom of the screen, always in sight.
function openEvent(i, list = null) {
  if (list) player.list = list;
  player.row = i;
  if (!player.list.includes(i)) player.list = [i];
  byId("bin").hidden = false;
  showPlayer();
}

async function showPlayer() {
  const M = measurement(), i = player.row, box = byId("event");
  clearInterval(player.timer);
  player.timer = null;
  if (i < 0) return box.replaceChildren();
  document.querySelectorAll("#bin tbody tr").forEach((tr, k) => tr.classList.toggle("chosen", player.list[k] === i));
  const header = element("header", {}, element("strong", {}, `Event ${M.event[i]}: ${fixed(M.value[i], PLACES + 1)} ${UNIT}`),
    ` ${M.kinds[M.kind[i]]}${M.time ? `, ${fixed(M.time[i], 2)} s` : ""}`);
  const why = element("p", { class: "why" }, whyKept(M, i, latest.kept));
  if (!M.field || !M.frame || !M.contrast) {
    box.replaceChildren(header, why, element("p", { class: "note" }, "These results carry no frames of this event: the movie was not analyzed here."), scoreBars(M, i));
    return;
  }
  if (!M.seen) await openField(M);
  if (player.row !== i) return;
  const places = framesOf(M, i);
  if (!places.length) {
    box.replaceChildren(header, why, element("p", { class: "note" }, "The page carries frames around some events of a long movie; this is none of them."), scoreBars(M, i));
    return;
  }
  const names = ["seen", "model", "residual"], pictures = names.map((name) => element("canvas", { class: "pixel", role: "img", "aria-label": `${name} of event ${M.event[i]}` }));
  const films = places.map((k) => patches(M, i, k)), center = (values) => [-1, 0, 1].flatMap((b) => [-1, 0, 1].map((a) => values[(MIDDLE + b) * SIDE + MIDDLE + a])).filter((v) => !Number.isNaN(v));
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / (values.length || 1);
  const reach = Math.max(4 * M.field.unit, Math.abs(M.contrast[i])), slider = element("input", { type: "range", min: 0, max: places.length - 1, step: 1, "aria-label": "Frame" });
  const when = element("output", {}), play = element("button", { "aria-label": "Play" }, "▶"), curve = element("div", {}), field = fieldView(M, i);
  const show = (at) => {
    player.at = at;
    slider.value = at;
    names.forEach((name, n) => paint(pictures[n], films[at][name], SIDE, reach));
    const off = M.taken[places[at]] - M.frame[i], ms = M.recorded?.frame_interval_s ? 1e3 * M.recorded.frame_interval_s : null;
    when.textContent = ms ? `${fixed(ms * off)} ms from the landing` : `${off} frames from the landing`;
    curve.replaceChildren(eventTrace(M, i, places, films.map((f) => 1e3 * mean(center(f.seen))), films.map((f) => 1e3 * mean(center(f.model))), at));
    field.show(places[at]);
  };
  slider.addEventListener("input", () => show(Number(slider.value)));
  play.addEventListener("click", () => {
    const on = player.timer == null;
    clearInterval(player.timer);
    player.timer = on ? setInterval(() => show((player.at + 1) % places.length), 200) : null;
    play.textContent = on ? "❚❚" : "▶";
  });
  const go = (step) => { const k = player.list.indexOf(i) + step; if (k in player.list) openEvent(player.list[k]); };
  box.replaceChildren(header, why,
    element("div", { class: "films" }, ...names.map((name, n) => element("figure", {}, pictures[n], element("figcaption", {}, name === "seen" ? "ratiometric" : name))), curve),
    element("p", { class: "row" }, element("button", { "aria-label": "Previous event", onclick: () => go(-1) }, "◀ event"), play, slider, element("button", { "aria-label": "Next event", onclick: () => go(1) }, "event ▶"), when),
    scoreBars(M, i), field.box);
  show(places.reduce((best, k, at) => (Math.abs(M.taken[k] - M.frame[i]) < Math.abs(M.taken[places[best]] - M.frame[i]) ? at : best), 0));
}

// Contrast at the event's place in the carried frames, and that of a molecule that stays (dashed).
function eventTrace(M, i, places, seen, model, at) {
  const width = 250, height = 112, all = [...seen, ...model, 0], low = Math.min(...all), high = Math.max(...all);
  const first = M.taken[places[0]], last = M.taken[places.at(-1)];
  const x = (k) => 38 + ((M.taken[k] - first) / (last - first || 1)) * (width - 46), y = (v) => 8 + ((high - v) / (high - low || 1)) * (height - 32);
  const path = (values) => values.map((v, n) => `${n ? "L" : "M"}${x(places[n]).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "trace", role: "img", "aria-label": "Contrast over time", "font-size": 10 });
  drawing.append(svg("line", { x1: 38, x2: width - 8, y1: y(0), y2: y(0), stroke: color("--rule") }),
    svg("path", { d: path(model), fill: "none", stroke: color("--muted"), "stroke-dasharray": "3 2", "stroke-width": 1.2 }),
    svg("path", { d: path(seen), fill: "none", stroke: color("--blue"), "stroke-width": 1.8 }),
    svg("circle", { cx: x(places[at]), cy: y(seen[at]), r: 4, fill: color("--blue") }),
    svg("text", { x: 34, y: y(low) + 3, "text-anchor": "end", fill: color("--muted") }, fixed(low, 1)),
    svg("text", { x: 34, y: y(high) + 3, "text-anchor": "end", fill: color("--muted") }, fixed(high, 1)),
    svg("text", { x: 2, y: height - 4, fill: color("--muted") }, "contrast (10⁻³): line seen, dashed model"));
  return drawing;
}

// The field at one of the carried frames, with the events that are in it; a click chooses one.
function fieldView(M, i) {
  const { width, height, unit } = M.field, picture = element("canvas", { class: "pixel", role: "img", "aria-label": "Field of view" });
  const marks = svg("svg", { viewBox: `-0.5 -0.5 ${width} ${height}`, class: "marks" }), slider = element("input", { type: "range", min: 0, max: M.taken.length - 1, step: 1, "aria-label": "Frame of the field" });
  const said = element("span", { class: "note" });
  const show = (k) => {
    slider.value = k;
    paint(picture, Float64Array.from(M.seen.subarray(k * width * height, (k + 1) * width * height), (v) => unit * v), width, 8 * unit);
    const near = [...M.frame.keys()].filter((j) => Math.abs(M.frame[j] - M.taken[k]) < M.field.n_avg);
    marks.replaceChildren(...near.map((j) => {
      const ring = svg("circle", { cx: M.x[j], cy: M.y[j], r: j === i ? 5 : 4, fill: "transparent", stroke: j === i ? "#f0e442" : latest.kept[j] ? "#56b4e9" : "#f28b50", "stroke-width": j === i ? 1 : 0.6 });
      ring.append(svg("title", {}, `Event ${M.event[j]}: ${fixed(M.value[j], PLACES)} ${UNIT}, ${M.kinds[M.kind[j]]}`));
      ring.addEventListener("click", () => openEvent(j, near));
      return ring;
    }));
    const s = M.recorded?.frame_interval_s;
    said.textContent = `Field at ${s ? `${fixed(M.taken[k] * s, 2)} s` : `frame ${M.taken[k]}`}: ${near.length} events. Yellow: this one, blue: kept, orange: not.`;
  };
  slider.addEventListener("input", () => show(Number(slider.value)));
  return { show, box: element("div", { class: "field" }, element("div", { class: "over" }, picture, marks), slider, said) };
}
