"use strict";
// Figures as files: the size that is asked for, and the drawings which stand in the page as images.

const TEXT_PX = 11.5; // of the axes' numbers on the screen

// What the fields of the header ask for, null where none is filled: mm, pt, dots per inch.
function wantedSize() {
  const read = (name) => { const field = byId(`size-${name}`); return field?.value && field.validity.valid ? Number(field.value) : null; };
  const size = { width: read("width"), height: read("height"), font: read("font"), dpi: read("dpi") };
  return Object.values(size).some((value) => value != null) ? size : null;
}

// A PNG that says its resolution: a pHYs chunk behind the header (PNG specification, 11.3.4.3).
function withDpi(png, dpi) {
  const chunk = new Uint8Array(21), view = new DataView(chunk.buffer), perMeter = Math.round(dpi / 0.0254);
  view.setUint32(0, 9);
  chunk.set([0x70, 0x48, 0x59, 0x73], 4);
  view.setUint32(8, perMeter);
  view.setUint32(12, perMeter);
  chunk[16] = 1;
  let crc = 0xffffffff;
  for (const byte of chunk.subarray(4, 17)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  view.setUint32(17, (crc ^ 0xffffffff) >>> 0);
  const made = new Uint8Array(png.length + 21);
  made.set(png.subarray(0, 33));
  made.set(chunk, 33);
  made.set(png.subarray(33), 54);
  return made;
}

// Buttons for the drawings, which come from Python: what can be chosen is their width, and text
// grows with it.
function connectDrawings() {
  for (const drawing of document.querySelectorAll("img.drawing")) {
    const caption = drawing.closest("figure").querySelector("figcaption"), vector = drawing.src.startsWith("data:image/svg");
    const tools = element("span", { class: "tools" }, element("button", { onclick: () => saveDrawingPng(drawing), title: "Picture, of the width chosen at the top" }, "PNG"));
    if (vector) tools.append(element("button", { onclick: () => download(`${drawing.dataset.name}.svg`, new Blob([drawingText(drawing)], { type: "image/svg+xml" })), title: "Drawing, of the width chosen at the top; text as text" }, "SVG"));
    caption.append(tools);
  }
}

// The drawing's own text, with the width that was chosen.
function drawingText(drawing) {
  const bytes = Uint8Array.from(atob(drawing.src.split(",")[1]), (one) => one.charCodeAt(0));
  const text = new TextDecoder().decode(bytes), width = wantedSize()?.width;
  if (!width) return text;
  const height = (width * drawing.naturalHeight) / drawing.naturalWidth;
  return text.replace(/<svg[^>]*>/, (head) => head.replace(/ width="[^"]*"/, ` width="${width.toFixed(2)}mm"`).replace(/ height="[^"]*"/, ` height="${height.toFixed(2)}mm"`));
}

// As many pixels as the width and the resolution ask for; without a width those of the picture,
// of a drawing its size on paper.
function saveDrawingPng(drawing) {
  const size = wantedSize(), dpi = size?.dpi ?? 300, natural = drawing.naturalWidth;
  const vector = drawing.src.startsWith("data:image/svg"), across = size?.width ? (size.width / 25.4) * dpi : vector ? (natural * dpi) / 96 : natural;
  const canvas = element("canvas", { width: Math.round(across), height: Math.round((across * drawing.naturalHeight) / natural) });
  canvas.getContext("2d").drawImage(drawing, 0, 0, canvas.width, canvas.height);
  canvas.toBlob(async (blob) => download(`${drawing.dataset.name}.png`, new Blob([withDpi(new Uint8Array(await blob.arrayBuffer()), dpi)], { type: "image/png" })));
}
