// The page of a batch: a table of its rows, a heatmap, small multiples and an overlay.

const ROWS = DATA.rows, SPECIES = DATA.species, BIN = DATA.bin;
const PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#858585"];
const RAMP = [[64, 92, 168], [0, 142, 160], [60, 160, 80], [222, 150, 20], [205, 70, 30]];
const SAMPLES = [...new Set(ROWS.map((row) => row.sample))];
const SOME = 96;
// More samples than the palette has colors, in an order: shades along it, so that none comes twice
function ramp(part) {
  const at = part * (RAMP.length - 1), k = Math.min(Math.floor(at), RAMP.length - 2);
  return `rgb(${RAMP[k].map((c, j) => Math.round(c + (at - k) * (RAMP[k + 1][j] - c)))})`;
}
const along = SAMPLES.length > PALETTE.length && DATA.order;
const rank = new Map();
if (along) {
  const k = DATA.others.indexOf(DATA.order);
  for (const row of [...ROWS].sort((a, b) => Number(a.others[k]) - Number(b.others[k]))) {
    if (!rank.has(row.sample)) rank.set(row.sample, rank.size);
  }
}
for (const row of ROWS) {
  row.shade = row.color || (along ? ramp(rank.get(row.sample) / (SAMPLES.length - 1))
    : PALETTE[SAMPLES.indexOf(row.sample) % PALETTE.length]);
  row.total = row.counts.reduce((sum, n) => sum + n, 0);
}
const drawn = ROWS.filter((row) => row.total);
const HIGH = DATA.high;

// Columns of the table: what they are called, and a row's value
function columns() {
  const found = [
    { name: "sample", of: (r) => r.sample }, { name: "replicate", of: (r) => r.replicate },
    { name: "status", of: (r) => r.status },
    { name: "landings", number: true, digits: 0, of: (r) => r.landings },
  ];
  SPECIES.forEach((one, k) => {
    found.push({ name: `${one.name} (%)`, number: true, digits: 1,
      of: (r) => (r.species[k] && r.species[k].fraction != null ? 100 * r.species[k].fraction : null) });
    found.push({ name: `${one.name} (kDa)`, number: true, digits: 1,
      of: (r) => (r.species[k] ? r.species[k].mass : null) });
  });
  DATA.others.forEach((name, k) => {
    const numbers = ROWS.every((r) => r.others[k] === "" || Number.isFinite(Number(r.others[k])));
    found.push({ name, number: numbers,
      of: (r) => (r.others[k] === "" ? null : numbers ? Number(r.others[k]) : r.others[k]) });
  });
  found.push({ name: "note", of: (r) => r.note });
  return found;
}
const COLUMNS = columns();
let sorted = { column: null, up: true };

function compare(a, b) {
  if (a == null || b == null) return (a == null) - (b == null);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

// Rows in the order of the table: by a column, replicates of a sample together if asked
function ordered() {
  const rows = [...ROWS];
  const by = COLUMNS[sorted.column];
  if (by) rows.sort((a, b) => (sorted.up ? 1 : -1) * compare(by.of(a), by.of(b)) || a.line - b.line);
  if (!byId("grouped").checked) return rows;
  const place = new Map();
  for (const row of rows) if (!place.has(row.sample)) place.set(row.sample, place.size);
  return rows.sort((a, b) => place.get(a.sample) - place.get(b.sample));
}

function cell(column, row) {
  const value = column.of(row);
  const text = value == null ? "–" : typeof value === "number"
    ? (column.digits == null ? significant(value) : fixed(value, column.digits)) : String(value);
  const made = element("td", { class: column.number ? "number" : null, "data-label": column.name });
  if (column.name === "sample") made.append(element("span", { class: "chip" }));
  if (column.name === "sample") made.firstChild.style.background = row.shade;
  made.append(column.name === "sample" && row.report
    ? element("a", { href: row.report }, text) : text);
  return made;
}

function drawTable() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const head = element("tr", {}, ...COLUMNS.map((column, k) => element("th",
    { class: column.number ? "number" : null, "aria-sort": sorted.column !== k ? null : sorted.up ? "ascending" : "descending" },
    element("button", { onclick: () => {
      sorted = { column: k, up: sorted.column === k ? !sorted.up : true };
      drawTable();
    } }, column.name))));
  const body = element("tbody");
  let before = null, shown = 0;
  for (const row of ordered()) {
    const text = COLUMNS.map((column) => column.of(row) ?? "").join(" ").toLowerCase();
    if (wanted && !text.includes(wanted)) continue;
    shown += 1;
    const classes = [row.status === "ok" ? "" : row.status === "failed" ? "failed" : "empty",
      row.doubt ? "doubt" : "", row.sample !== before && byId("grouped").checked ? "first" : ""];
    body.append(element("tr", { class: classes.join(" ").trim() || null },
      ...COLUMNS.map((column) => cell(column, row))));
    before = row.sample;
  }
  byId("samples").replaceChildren(element("thead", {}, head), body);
  byId("shown").textContent = `${shown} of ${ROWS.length} rows`;
}

function svg(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Outline of a row's histogram, as a fraction of its landings
function outline(row, width, height, top) {
  const x = (mass) => (mass / HIGH) * width, y = (n) => height - (n / row.total / top) * height;
  let path = `M0 ${height}`;
  row.counts.forEach((n, k) => { path += `H${x(k * BIN).toFixed(1)}V${y(n).toFixed(1)}`; });
  return `${path}H${x(row.counts.length * BIN).toFixed(1)}V${height}`;
}

function frame(width, height) {
  const made = svg("svg", { viewBox: `0 0 ${width} ${height + 14}`, role: "img" });
  for (const one of SPECIES) {
    made.append(svg("rect", { class: "window", x: (one.low / HIGH) * width, y: 0,
      width: Math.max(((one.high - one.low) / HIGH) * width, 0), height }));
  }
  made.append(svg("line", { class: "axis", x1: 0, x2: width, y1: height, y2: height }));
  const step = [20, 50, 100, 200, 500, 1000, 2000, 5000].find((s) => HIGH / s <= (width > 500 ? 12 : 4)) || HIGH;
  for (let mass = 0; mass < HIGH; mass += step) {
    const text = svg("text", { x: (mass / HIGH) * width + 1, y: height + 11 });
    text.textContent = mass ? fixed(mass) : `0 ${DATA.unit}`;
    made.append(text);
  }
  return made;
}

// Units of a picture as wide as the page, so that its text stays as large as on paper
const width = (id) => Math.max(300, Math.min(1000, byId(id).clientWidth || 1000));

const top1 = (rows) => Math.max(1e-9, ...rows.map((row) => Math.max(...row.counts) / row.total));

let many = SOME;
function drawMultiples() {
  byId("multiples-section").hidden = drawn.length <= 6;
  const rows = drawn.slice(0, many);
  byId("multiples").replaceChildren(...rows.map((row) => {
    const made = frame(200, 60);
    made.append(svg("path", { d: outline(row, 200, 60, top1([row])), fill: row.shade, "fill-opacity": 0.35, stroke: row.shade }));
    return element("a", { href: row.report || null, title: row.name },
      element("div", { class: "title" }, `${row.sample} · ${row.replicate}  (${fixed(row.landings)})`), made);
  }));
  byId("more").hidden = drawn.length <= many;
}

function drawOverlay() {
  const wide = width("overlay"), made = frame(wide, 220), rows = drawn.slice(0, 400), top = top1(rows);
  for (const row of rows) {
    made.append(svg("path", { d: outline(row, wide, 220, top), fill: "none", stroke: row.shade,
      "stroke-opacity": Math.max(0.15, Math.min(0.9, 8 / rows.length)) }));
  }
  byId("overlay").replaceChildren(made);
}

// Samples beside the heatmap, wherever another one begins and there is room
function names(rows, tall) {
  const made = element("div", { class: "names" });
  made.style.height = `${rows.length * tall}px`;
  let free = 0, before = null;
  rows.forEach((row, at) => {
    if (row.sample !== before && at * tall >= free) {
      const text = element("span", {}, row.sample);
      text.style.top = `${at * tall}px`;
      made.append(text);
      free = at * tall + 13;
    }
    before = row.sample;
  });
  return made;
}

function heatmapRows() {
  const column = COLUMNS[Number(byId("order").value)];
  return column ? [...drawn].sort((a, b) => compare(column.of(a), column.of(b)) || a.line - b.line) : drawn;
}

function drawHeatmap() {
  const rows = heatmapRows(), bins = Math.ceil(HIGH / BIN);
  const tall = Math.max(2, Math.min(18, Math.floor(600 / Math.max(rows.length, 1))));
  const canvas = element("canvas", { width: bins, height: rows.length * tall || 1, "aria-label": "heatmap of masses" });
  const context = canvas.getContext("2d");
  rows.forEach((row, at) => {
    const most = Math.max(...row.counts);
    row.counts.slice(0, bins).forEach((n, k) => {
      if (!n) return;
      context.fillStyle = `rgba(0, 114, 178, ${Math.sqrt(n / most).toFixed(3)})`;
      context.fillRect(k, at * tall, 1, tall);
    });
  });
  canvas.style.height = `${rows.length * tall}px`;
  const find = (event) => rows[Math.floor((event.offsetY / canvas.clientHeight) * rows.length)];
  canvas.addEventListener("mousemove", (event) => {
    const row = find(event);
    canvas.title = row ? `${row.sample} · ${row.replicate}, ${fixed((event.offsetX / canvas.clientWidth) * HIGH)} ${DATA.unit}` : "";
  });
  canvas.addEventListener("click", (event) => {
    const row = find(event);
    if (row && row.report) location.href = row.report;
  });
  byId("heatmap").replaceChildren(names(rows, tall), canvas, element("span"), frame(width("heatmap"), 1));
}

byId("order").append(element("option", { value: "-1" }, "the sheet"),
  ...COLUMNS.map((column, k) => element("option", { value: k }, column.name)));
byId("order").value = String(COLUMNS.findIndex((column) => column.name === DATA.order));
byId("order").addEventListener("change", drawHeatmap);
byId("grouped").addEventListener("change", drawTable);
byId("filter").addEventListener("input", drawTable);
byId("more").addEventListener("click", () => { many += 4 * SOME; drawMultiples(); });
themeButton();
drawTable();
drawHeatmap();
drawMultiples();
drawOverlay();
document.body.dataset.ready = "yes";
