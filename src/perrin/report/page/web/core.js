"use strict";
// What every page needs: the data, elements, numbers as text, downloads, light and dark.

const DATA = JSON.parse(document.getElementById("data").textContent);
const ARRAYS = {
  f8: Float64Array, f4: Float32Array, i4: Int32Array, i1: Int8Array, u1: Uint8Array,
};
const byId = (id) => document.getElementById(id);

// {type, data} as perrin.report.page.encode packs it -> typed array
function unpack(packed) {
  const text = atob(packed.data), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new ARRAYS[packed.type](bytes.buffer);
}

// An HTML element; children are elements or text, never markup.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// A number with so many digits after the point; a dash where there is none.
function fixed(value, digits = 0) {
  if (value == null || !Number.isFinite(value)) return "–";
  const text = value.toLocaleString("en", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
  return text.replace("-", "−");
}
const significant = (value, digits = 3) =>
  value == null || !Number.isFinite(value)
    ? "–" : String(Number(value.toPrecision(digits))).replace("-", "−");
const percent = (fraction, digits = 0) => (fraction == null ? "–" : `${fixed(100 * fraction, digits)}%`);
const range = (low, high, digits) =>
  low == null ? "" : ` (${fixed(low, digits)} to ${fixed(high, digits)})`;

function quantile(values, q) {
  const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : NaN;
}

// Interval of a binomial fraction (Wilson 1927), 95%.
function wilson(part, whole) {
  if (!whole) return [0, 1];
  const z = 1.959964, p = part / whole, n = whole;
  const middle = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z / (2 * n)) ** 2);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

function download(name, blob) {
  const address = URL.createObjectURL(blob);
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// Rows of numbers or text as CSV; the first row is the header, with units.
function downloadCsv(name, rows) {
  const cell = (value) => {
    if (value == null || Number.isNaN(value)) return "";
    const text = String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const text = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  download(`${name}.csv`, new Blob([text], { type: "text/csv" }));
}

// A table with a header, a list of cards where it has no room; a cell is text, an element, or
// [value, interval].
function table(header, rows, { onRow = null } = {}) {
  const head = element("tr", {}, ...header.map((text) => element("th", { scope: "col" }, text)));
  const filled = (cell) => Array.isArray(cell) ? (cell[1] ? [cell[0], " ", element("small", {}, cell[1])] : [cell[0]]) : [cell ?? "–"];
  const body = rows.map((cells, k) => {
    const row = element("tr", {}, ...cells.map((cell, i) =>
      element(i ? "td" : "th", { scope: i ? null : "row", "data-label": header[i] || null }, ...filled(cell).filter((part) => part !== ""))));
    if (onRow) {
      row.tabIndex = 0;
      row.className = "choice";
      row.addEventListener("click", () => onRow(k));
      row.addEventListener("keydown", (event) => { if (event.key === "Enter") onRow(k); });
    }
    return row;
  });
  return element("table", { class: "cards" }, element("thead", {}, head), element("tbody", {}, ...body));
}

function later(task, wait = 120) {
  let timer = null;
  return () => { clearTimeout(timer); timer = setTimeout(task, wait); };
}

// Without a choice the page follows the system; a choice lasts as long as the page.
function themeButton() {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    byId("theme").setAttribute("aria-pressed", String(isDark()));
  });
  byId("print").addEventListener("click", () => window.print());
}

// The paragraph beside a button, to the clipboard; where that is barred it is selected.
function copyButtons() {
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const text = button.closest("section").querySelector("p");
      getSelection().selectAllChildren(text);
      try { await navigator.clipboard.writeText(text.textContent); button.textContent = "Copied"; } catch { button.textContent = document.execCommand("copy") ? "Copied" : "Selected"; }
    });
  }
}

// Several measurements: by the list above or by the table of them.
function connectChoice(show) {
  const several = byId("measurement");
  several?.addEventListener("change", () => show(Number(several.value)));
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => { several.value = button.dataset.choose; show(Number(several.value)); });
  }
}

// On paper charts are drawn at the width they have there, so that their text keeps its size.
let redrawCharts = () => {};

function connectPrint(redraw) {
  redrawCharts = redraw;
  const turn = (on) => { document.body.classList.toggle("paper", on); redraw(); };
  window.addEventListener("beforeprint", () => turn(true));
  window.addEventListener("afterprint", () => turn(false));
}
