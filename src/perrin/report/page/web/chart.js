"use strict";
// One plotting surface in SVG: axes with units, bars, lines, bands, points, labels that keep
// clear of each other, a tooltip, arrow keys, and PNG, SVG and CSV of what is seen.

// Okabe & Ito 2008; the page's styles hold the same names for dark. Files are always light.
const PAPER = {
  "--paper": "#ffffff", "--ink": "#16191d", "--muted": "#56606b", "--rule": "#d5dae0",
  "--ghost": "#8b95a1", "--blue": "#0072b2", "--vermillion": "#d55e00", "--green": "#009e73",
  "--purple": "#b0578d", "--orange": "#c98a00", "--sky": "#3a9bd6", "--gray": "#6e6e6e",
  "--black": "#16191d", "--brown": "#8a5a2b", "--olive": "#7d7a10",
};
const SERIES = ["--blue", "--vermillion", "--green", "--purple", "--orange", "--sky", "--ink"];
const color = (name) => `var(${name})`;

function svg(name, attributes = {}, text = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text != null) made.textContent = text;
  return made;
}

// Width in px of a text in a legend's size, and the text cut to a width.
const pen = element("canvas").getContext("2d");
function wideness(text) {
  pen.font = "11.5px system-ui, Helvetica, Arial, sans-serif";
  return 1.03 * pen.measureText(text).width;
}
function shortened(text, most) {
  let cut = text;
  while (cut.length > 4 && wideness(cut) > most) cut = `${cut.slice(0, -2)}…`;
  return cut;
}

// Round numbers across a range, about so many.
function ticks(low, high, about) {
  for (let wanted = about; ; wanted *= 1.5) {
    const found = roundValues(low, high, wanted);
    if (found.length > 1 || wanted > 20) return found;
  }
}

function roundValues(low, high, about) {
  const rough = (high - low) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    found.push(Number((k * step).toPrecision(12)));
  }
  return found;
}

// A figure with a caption at the end of the grid of charts, over all of its width where wide.
function newFigure(id, caption, wide) {
  const made = element("figure", { id, class: wide ? "wide" : false },
    element("figcaption", {}, caption), element("p", { class: "said" }));
  document.querySelector("section.grid").append(made);
  return made;
}

class Chart {
  // figure: the id of a <figure>; with a caption it is made, in the grid. Options: height in px,
  // csv(): rows, name of its files
  constructor(figure, { caption: said = null, wide = false, height = 260, csv = null, left = 56, top = 14, right = 14 } = {}) {
    this.figure = said == null ? byId(figure) : newFigure(figure, said, wide);
    this.name = figure;
    this.height = height;
    this.margin = { left, top, right, bottom: 42 };
    this.svg = svg("svg", { role: "img", tabindex: "0" });
    this.tip = element("div", { class: "tip", role: "status", hidden: true });
    const plot = element("div", { class: "plot" }, this.svg, this.tip);
    const caption = this.figure.querySelector("figcaption");
    this.svg.setAttribute("aria-label", caption.textContent);
    caption.after(plot);
    const tools = element("span", { class: "tools" },
      element("button", { onclick: () => this.savePng(), title: "Picture, of the size chosen at the top" }, "PNG"),
      element("button", { onclick: () => this.saveSvg(), title: "Drawing, text as text" }, "SVG"));
    if (csv) {
      tools.append(element("button", {
        onclick: () => downloadCsv(this.name, csv()), title: "The numbers shown",
      }, "CSV"));
    }
    caption.append(tools);
    this.svg.addEventListener("pointermove", (event) => this.#seen(event, false));
    this.svg.addEventListener("pointerleave", () => this.#hide());
    this.svg.addEventListener("pointerdown", (event) => { this.from = event.button === 0 ? this.#values(event) : null; this.dragged = false; });
    this.svg.addEventListener("pointerup", (event) => this.#dropped(event));
    this.svg.addEventListener("click", (event) => { if (!this.dragged) this.#seen(event, true); });
    this.svg.addEventListener("keydown", (event) => this.#key(event));
  }

  // Clear and draw the axes. x, y: ranges; log: axes by ratio; square: same scale on both.
  begin({ x, y, xLabel, yLabel, xLog = false, yLog = false, square = false, down = false,
    xTicks = null, yText = (v) => significant(v, 6) }) {
    const width = this.forced?.width ?? Math.max(280, this.figure.querySelector(".plot").clientWidth || 640);
    const m = this.margin;
    let height = document.body.classList.contains("paper") ? 0.8 * this.height : this.height;
    if (this.forced?.height) height = Math.max(120, this.forced.height - this.forced.lift);
    if (square) {
      height = m.top + m.bottom + ((width - m.left - m.right) * (y[1] - y[0])) / (x[1] - x[0]);
    }
    Object.assign(this, { width, drawnHeight: height, x, y, xLog, yLog, down, hover: null,
      click: null, steps: null, drag: null, lift: 0 });
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("font-family", "system-ui, Helvetica, Arial, sans-serif");
    const clip = svg("clipPath", { id: `${this.name}-clip` });
    clip.append(svg("rect", { x: m.left, y: m.top - 8, width: width - m.left - m.right,
      height: height - m.top - m.bottom + 8 }));
    this.svg.append(clip);
    this.inside = svg("g", { "clip-path": `url(#${this.name}-clip)` });
    this.#axes(xLabel, yLabel, xTicks, yText);
    this.svg.append(this.inside);
    return this;
  }

  px(value) {
    const [a, b] = this.xLog ? this.x.map(Math.log10) : this.x;
    const v = this.xLog ? Math.log10(value) : value;
    return this.margin.left + ((v - a) / (b - a)) * (this.width - this.margin.left - this.margin.right);
  }

  py(value) {
    const [a, b] = this.yLog ? this.y.map(Math.log10) : this.y;
    const v = this.yLog ? Math.log10(value) : value;
    const fraction = this.down ? (v - a) / (b - a) : (b - v) / (b - a);
    return this.margin.top + fraction * (this.drawnHeight - this.margin.top - this.margin.bottom);
  }

  #axes(xLabel, yLabel, xTicks, yText) {
    const { left, top, right, bottom } = this.margin;
    const w = this.width, h = this.drawnHeight, axes = svg("g", { "font-size": 11.5 });
    const line = { stroke: color("--muted"), "stroke-width": 1 };
    const powers = (lo, hi) => {
      const found = [];
      for (let k = Math.ceil(Math.log10(lo) - 1e-9); 10 ** k <= hi * 1.0001; k++) found.push(10 ** k);
      return found.length > 1 ? found : ticks(lo, hi, 4).filter((v) => v > 0);
    };
    const xs = xTicks ?? (this.xLog ? powers(...this.x) : ticks(...this.x, (w - left - right) / 80));
    const ys = this.yLog ? powers(...this.y) : ticks(...this.y, (h - top - bottom) / 36);
    for (const v of ys) {
      const y = this.py(v);
      axes.append(svg("line", { x1: left, x2: w - right, y1: y, y2: y, stroke: color("--rule"),
        "stroke-width": 0.6 }));
      axes.append(svg("text", { x: left - 7, y: y + 4, "text-anchor": "end",
        fill: color("--muted") }, yText(v)));
    }
    for (const v of xs) {
      const x = this.px(v);
      axes.append(svg("line", { x1: x, x2: x, y1: h - bottom, y2: h - bottom + 4, ...line }));
      axes.append(svg("text", { x, y: h - bottom + 17, "text-anchor": "middle",
        fill: color("--muted") }, significant(v, 6)));
    }
    axes.append(svg("line", { x1: left, x2: w - right, y1: h - bottom, y2: h - bottom, ...line }));
    axes.append(svg("text", { x: (left + w - right) / 2, y: h - 6, "text-anchor": "middle",
      fill: color("--ink"), "font-size": 12.5 }, xLabel));
    axes.append(svg("text", { transform: `translate(13 ${(top + h - bottom) / 2}) rotate(-90)`,
      "text-anchor": "middle", fill: color("--ink"), "font-size": 12.5 }, yLabel));
    this.svg.append(axes);
  }

  // heights of bins that start at `first`, `width` wide; from `base` up
  bars(first, width, heights, fill, { opacity = 1, base = 0 } = {}) {
    const parts = [], zero = this.py(base).toFixed(2);
    for (let k = 0; k < heights.length; k++) {
      const low = first + k * width;
      if (!heights[k] || low + width < this.x[0] || low > this.x[1]) continue;
      const a = this.px(low) + 0.25, b = this.px(low + width) - 0.25;
      parts.push(`M${a.toFixed(2)} ${zero}V${this.py(base + heights[k]).toFixed(2)}H${b.toFixed(2)}V${zero}Z`);
    }
    this.#path(parts, { fill: color(fill), "fill-opacity": opacity });
  }

  stairs(first, width, heights, stroke, { dash = "", weight = 1.2, fill = 0 } = {}) {
    const parts = [`M${this.px(first).toFixed(2)} ${this.py(0).toFixed(2)}`];
    for (let k = 0; k < heights.length; k++) {
      parts.push(`V${this.py(heights[k]).toFixed(2)}H${this.px(first + (k + 1) * width).toFixed(2)}`);
    }
    parts.push(`V${this.py(0).toFixed(2)}`);
    this.#path(parts, { fill: fill ? color(stroke) : "none", "fill-opacity": fill || 1,
      stroke: color(stroke), "stroke-width": weight, "stroke-dasharray": dash });
  }

  line(xs, ys, stroke, { dash = "", weight = 1.6, opacity = 1, css = null } = {}) {
    const parts = [];
    let pen = "M";
    for (let k = 0; k < xs.length; k++) {
      if (!Number.isFinite(xs[k]) || !Number.isFinite(ys[k]) || (this.yLog && ys[k] <= 0)) { pen = "M"; continue; }
      parts.push(`${pen}${this.px(xs[k]).toFixed(2)} ${this.py(ys[k]).toFixed(2)}`);
      pen = "L";
    }
    this.#path(parts, { fill: "none", stroke: css ?? color(stroke), "stroke-width": weight,
      "stroke-dasharray": dash, "stroke-opacity": opacity, "stroke-linejoin": "round" });
  }

  band(xs, lows, highs, fill, { opacity = 0.2 } = {}) {
    const at = (k, ys) => `${this.px(xs[k]).toFixed(2)} ${this.py(ys[k]).toFixed(2)}`;
    let run = [];
    const close = () => {
      if (run.length > 1) {
        const there = run.map((k) => at(k, highs)), back = run.reverse().map((k) => at(k, lows));
        this.#path([`M${[...there, ...back].join("L")}Z`], { fill: color(fill), "fill-opacity": opacity });
      }
      run = [];
    };
    for (let k = 0; k < xs.length; k++) {
      if (Number.isFinite(lows[k]) && Number.isFinite(highs[k])) run.push(k); else close();
    }
    close();
  }

  // many points as one path of round dots
  points(xs, ys, fill, { size = 3.2, opacity = 0.7, css = null } = {}) {
    const parts = [];
    for (let k = 0; k < xs.length; k++) {
      if (!(xs[k] >= this.x[0] && xs[k] <= this.x[1] && ys[k] >= this.y[0] && ys[k] <= this.y[1])) continue;
      parts.push(`M${this.px(xs[k]).toFixed(1)} ${this.py(ys[k]).toFixed(1)}h.01`);
    }
    this.#path(parts, { fill: "none", stroke: css ?? color(fill), "stroke-width": size,
      "stroke-linecap": "round", "stroke-opacity": opacity });
  }

  whiskers(xs, lows, highs, stroke, { weight = 1.2, across = false } = {}) {
    const parts = [];
    for (let k = 0; k < xs.length; k++) {
      if (![xs[k], lows[k], highs[k]].every(Number.isFinite)) continue;
      parts.push(across
        ? `M${this.px(lows[k]).toFixed(1)} ${this.py(xs[k]).toFixed(1)}H${this.px(highs[k]).toFixed(1)}`
        : `M${this.px(xs[k]).toFixed(1)} ${this.py(lows[k]).toFixed(1)}V${this.py(highs[k]).toFixed(1)}`);
    }
    this.#path(parts, { fill: "none", stroke: color(stroke), "stroke-width": weight });
  }

  rule({ x = null, y = null }, stroke = "--muted", { dash = "", weight = 1 } = {}) {
    const [a, b] = [this.margin.left, this.width - this.margin.right];
    const [c, d] = [this.margin.top, this.drawnHeight - this.margin.bottom];
    const at = x != null
      ? { x1: this.px(x), x2: this.px(x), y1: c, y2: d } : { x1: a, x2: b, y1: this.py(y), y2: this.py(y) };
    this.inside.append(svg("line", { ...at, stroke: color(stroke), "stroke-width": weight,
      "stroke-dasharray": dash }));
  }

  // Texts above points (x, y), lifted until none hides another; later ones give way.
  labels(list, { size = 12.5 } = {}) {
    const placed = [];
    for (const { x, y, text, fill = "--ink" } of [...list].sort((a, b) => a.y - b.y)) {
      const lines = text.split("\n");
      const half = 0.29 * size * Math.max(...lines.map((t) => t.length)) + 3;
      const at = Math.min(Math.max(this.px(x), this.margin.left + half), this.width - this.margin.right - half);
      const tall = lines.length * size * 1.15;
      let bottom = this.py(y) - 7;
      for (let moved = true; moved;) {
        moved = false;
        for (const other of placed) {
          if (Math.abs(other.at - at) < other.half + half && bottom > other.bottom - other.tall - 2 && bottom - tall < other.bottom + 2) {
            bottom = other.bottom - other.tall - 3;
            moved = true;
          }
        }
      }
      bottom = Math.max(bottom, this.margin.top + tall - 8);
      placed.push({ at, half, bottom, tall });
      const block = svg("text", { "text-anchor": "middle", fill: color(fill), "font-size": size,
        stroke: color("--paper"), "stroke-width": 3, "paint-order": "stroke" });
      lines.forEach((text, k) => block.append(svg("tspan", { x: at, y: bottom - (lines.length - 1 - k) * size * 1.15,
        "font-weight": k ? 400 : 600 }, text)));
      this.svg.append(block);
    }
  }

  // [[text, color, "bar" | "line" | "dash" | "dot"]] in rows above the plot, so that it hides nothing
  legend(entries) {
    const group = svg("g", { "font-size": 11.5 }), places = [], right = this.width - this.margin.right;
    let x = this.margin.left, row = 0;
    for (const [said] of entries) {
      const text = shortened(said, right - this.margin.left - 26), wide = 26 + wideness(text);
      if (x > this.margin.left && x + wide > right) { x = this.margin.left; row++; }
      places.push({ text, x, row });
      x += wide + 14;
    }
    this.lift = places.length ? 16 * (row + 1) + 4 : 0;
    entries.forEach(([, name, kind], k) => {
      const { text, x, row } = places[k], y = 16 * row + 8 - this.lift;
      if (kind === "bar") group.append(svg("rect", { x, y: y - 5, width: 16, height: 10, fill: color(name), "fill-opacity": 0.75 }));
      else if (kind === "dot") group.append(svg("circle", { cx: x + 8, cy: y, r: 3.5, fill: color(name) }));
      else group.append(svg("line", { x1: x, x2: x + 16, y1: y, y2: y, stroke: color(name), "stroke-width": 1.8, "stroke-dasharray": kind === "dash" ? "4 3" : "" }));
      group.append(svg("text", { x: x + 22, y: y + 4, fill: color("--ink") }, text));
    });
    this.svg.append(group);
    this.svg.setAttribute("viewBox", `0 ${-this.lift} ${this.width} ${this.drawnHeight + this.lift}`);
  }

  #path(parts, attributes) {
    if (parts.length) this.inside.append(svg("path", { d: parts.join(""), ...attributes }));
  }

  // hover(x, y) -> {text, x?}; click(x, y); steps: x positions that the arrow keys visit
  reacts({ hover = null, click = null, steps = null, drag = null }) {
    Object.assign(this, { hover, click, steps, drag });
    this.svg.classList.toggle("clickable", Boolean(click));
  }

  #values(event) {
    const box = this.svg.getBoundingClientRect();
    const { left, right, top, bottom } = this.margin;
    const sx = ((event.clientX - box.left) / box.width) * this.width;
    const sy = ((event.clientY - box.top) / box.height) * (this.drawnHeight + this.lift) - this.lift;
    const u = (sx - left) / (this.width - left - right);
    let v = 1 - (sy - top) / (this.drawnHeight - top - bottom);
    if (this.down) v = 1 - v;
    if (u < 0 || u > 1 || v < -0.02 || v > 1.05) return null;
    const along = ([a, b], fraction, log) => log ? 10 ** (Math.log10(a) + fraction * Math.log10(b / a)) : a + fraction * (b - a);
    return [along(this.x, u, this.xLog), along(this.y, v, this.yLog)];
  }

  // The end of a drag over more than 5 px: both ends of the range along x, in order.
  #dropped(event) {
    const from = this.from, to = this.#values(event);
    this.from = null;
    if (!from || !to || !this.drag || Math.abs(this.px(to[0]) - this.px(from[0])) < 5) return;
    this.dragged = true;
    this.drag(Math.min(from[0], to[0]), Math.max(from[0], to[0]));
  }

  #seen(event, clicked) {
    const at = this.#values(event);
    if (at && this.from && this.drag) {
      this.shade ??= svg("rect", { fill: color("--blue"), "fill-opacity": 0.16 });
      const [a, b] = [this.px(this.from[0]), this.px(at[0])].sort((p, q) => p - q);
      for (const [k, v] of Object.entries({ x: a, width: b - a, y: this.margin.top, height: this.drawnHeight - this.margin.top - this.margin.bottom })) this.shade.setAttribute(k, v);
      this.inside.append(this.shade);
    }
    if (!at) return this.#hide();
    if (clicked && this.click) this.click(...at);
    else this.#show(...at);
  }

  #show(x, y) {
    const said = this.hover && this.hover(x, y);
    if (!said) return this.#hide();
    this.tip.textContent = said.text;
    this.tip.hidden = false;
    const left = (this.px(said.x ?? x) / this.width) * 100;
    this.tip.style.left = `${Math.min(Math.max(left, 12), 88)}%`;
    this.tip.style.top = "0";
    this.cursor ??= svg("line", { stroke: color("--ink"), "stroke-width": 1, "stroke-dasharray": "2 2" });
    const place = this.px(said.x ?? x);
    for (const [k, v] of Object.entries({ x1: place, x2: place, y1: this.margin.top, y2: this.drawnHeight - this.margin.bottom })) this.cursor.setAttribute(k, v);
    this.inside.append(this.cursor);
  }

  #hide() {
    this.tip.hidden = true;
    this.cursor?.remove();
  }

  #key(event) {
    if (!this.steps?.length) return;
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move) {
      this.step = Math.min(Math.max((this.step ?? -1) + move, 0), this.steps.length - 1);
      this.#show(this.steps[this.step], this.y[1]);
      event.preventDefault();
    } else if (event.key === "Enter" && this.step != null && this.click) {
      this.click(this.steps[this.step], this.y[1]);
    }
  }

  // The drawing as a file of its own: light colors in place of the page's variables. With a size
  // it is drawn for that size, so that its text has the height that was asked for.
  text() {
    const size = wantedSize(), unit = 96 / 25.4;
    const natural = { width: this.width, height: this.drawnHeight + this.lift };
    if (size) {
      const scale = size.font ? (size.font * 96) / 72 / TEXT_PX : 1, width = (size.width ?? natural.width / unit) * unit;
      this.forced = { width: width / scale, height: size.height ? (size.height * unit) / scale : null, lift: 0 };
      redrawCharts();
      if (this.forced.height) { this.forced.lift = this.lift; redrawCharts(); }
    }
    const copy = this.svg.cloneNode(true), [wide, tall] = [this.width, this.drawnHeight + this.lift], lift = this.lift;
    if (size) { this.forced = null; redrawCharts(); }
    const mm = size?.width ?? (size?.font ? wide * ((size.font * 96) / 72 / TEXT_PX) / unit : null);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", mm ? `${mm.toFixed(2)}mm` : wide);
    copy.setAttribute("height", mm ? `${((mm * tall) / wide).toFixed(2)}mm` : tall);
    copy.removeAttribute("tabindex");
    copy.prepend(svg("rect", { y: -lift, width: wide, height: tall, fill: "#ffffff" }));
    const text = new XMLSerializer().serializeToString(copy).replace(/var\((--\w+)\)/g, (_, name) => PAPER[name]);
    return { text, mm, wide, tall };
  }

  saveSvg() {
    download(`${this.name}.svg`, new Blob([this.text().text], { type: "image/svg+xml" }));
  }

  savePng() {
    const { text, mm, wide, tall } = this.text(), dpi = wantedSize()?.dpi ?? 300, picture = new Image();
    const across = mm ? (mm / 25.4) * dpi : wide * (dpi / 96) * 1.5;
    picture.onload = () => {
      const canvas = element("canvas", { width: Math.round(across), height: Math.round((across * tall) / wide) });
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(async (blob) => download(`${this.name}.png`, new Blob([withDpi(new Uint8Array(await blob.arrayBuffer()), dpi)], { type: "image/png" })));
    };
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }
}
