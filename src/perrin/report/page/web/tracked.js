"use strict";
// A tracked movie: its pictures stand in the page, its particles in a table.

const ALL = DATA.measurements.map((record) => ({
  ...record,
  columns: Object.entries(record.columns).map(([name, packed]) => [name, unpack(packed)]),
}));
let shown = 0;

function drawParticles() {
  const { columns, n } = ALL[shown];
  const rows = Array.from({ length: n }, (_, k) => columns.map(([, values]) => significant(values[k], 4)));
  byId("particles").replaceChildren(table(columns.map(([name]) => name.replaceAll("_", " ")), rows));
}

function show(index) {
  shown = index;
  for (const part of document.querySelectorAll("[data-measurement]")) part.hidden = Number(part.dataset.measurement) !== index;
  drawParticles();
}

byId("table-csv").addEventListener("click", () => {
  const { name, columns, n } = ALL[shown];
  const rows = Array.from({ length: n }, (_, k) => columns.map(([, values]) => values[k]));
  downloadCsv(`${name}-particles`, [columns.map(([column]) => column), ...rows]);
});
themeButton();
connectChoice(show);
show(0);
