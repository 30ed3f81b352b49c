"use strict";
// A tracked movie: its pictures stand in the page, its particles in a table.

const ALL = DATA.measurements.map((record) => ({
  ...record,
  columns: Object.entries(record.columns).map(([name, packed]) => [name, unpack(packed)]),
}));
let shown = 0;

// The name of a column in words, its unit in brackets
const UNITS = { um2_per_s: "µm²/s", rad2_per_s: "rad²/s", per_s: "1/s", nm: "nm", px: "px", kda: "kDa", deg: "°", s: "s" };
function worded(name) {
  const unit = Object.keys(UNITS).find((one) => name.endsWith(`_${one}`));
  const bare = unit ? name.slice(0, -unit.length - 1) : name;
  const words = bare.replace("localisation_se", "localization_error").replace(/_se$/, "_standard_error").replaceAll("_", " ");
  return unit ? `${words} (${UNITS[unit]})` : words;
}

function drawParticles() {
  const { columns, n } = ALL[shown];
  const rows = Array.from({ length: n }, (_, k) => columns.map(([, values]) => significant(values[k], 4)));
  const onRow = ALL[shown].player ? (k) => chooseParticle(columns[0][1][k], { jump: true }) : null;
  byId("particles").replaceChildren(table(columns.map(([name]) => worded(name)), rows, { onRow }));
}

function show(index) {
  shown = index;
  for (const part of document.querySelectorAll("[data-measurement]")) part.hidden = Number(part.dataset.measurement) !== index;
  drawParticles();
  showPlayer(ALL[index]);
}

byId("table-csv").addEventListener("click", () => {
  const { name, columns, n } = ALL[shown];
  const rows = Array.from({ length: n }, (_, k) => columns.map(([, values]) => values[k]));
  downloadCsv(`${name}-particles`, [columns.map(([column]) => column), ...rows]);
});
themeButton();
connectDrawings();
copyButtons();
connectChoice(show);
show(0);
