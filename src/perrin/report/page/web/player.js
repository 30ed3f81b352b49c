"use strict";
// The movie with its tracks: pictures from the page itself, lines drawn where they are looked at.

const TRACK_COLORS = ["#56b4e9", "#e69f00", "#35c79b", "#f0e442", "#ff8c5a", "#dc93bf", "#9ad0ff", "#b7e36b"];
const TALLEST = 620, ENLARGED = 3;
const player = { movie: null, at: 0, timer: null, chosen: null };

// Packed arrays -> a movie: images that load when needed, each particle with its places.
function movieOf(record) {
  const packed = record.player;
  const [frames, particle, first, frame, x, y, label] =
    ["frames", "particle", "first", "frame", "x", "y", "label"].map((name) => unpack(packed[name]));
  const parts = Array.from(particle, (number, k) => ({ number, from: first[k], to: k + 1 < first.length ? first[k + 1] : frame.length }));
  const byFrame = new Map();
  for (const part of parts) {
    for (let row = part.from; row < part.to; row++) {
      if (!byFrame.has(frame[row])) byFrame.set(frame[row], []);
      byFrame.get(frame[row]).push([part.number, row]);
    }
  }
  return { ...packed, frames, frame, x, y, label, parts, byFrame, images: new Map(), columns: new Map(record.columns) };
}

function pictureOf(movie, at) {
  if (!movie.images.has(at)) {
    const image = new Image();
    image.onload = () => { if (player.movie === movie && (player.at === at || !movie.width)) sizePlayer(image); };
    image.src = `data:image/jpeg;base64,${movie.pictures[at]}`;
    movie.images.set(at, image);
  }
  return movie.images.get(at);
}

function showPlayer(record) {
  stopPlayer();
  byId("player").hidden = !record.player;
  if (!record.player) return;
  record.movie ??= movieOf(record);
  Object.assign(player, { movie: record.movie, at: 0, chosen: null });
  byId("player-said").textContent = record.player.said;
  byId("player-frame").max = player.movie.frames.length - 1;
  goTo(0);
}

function sizePlayer(image) {
  const movie = player.movie;
  movie.width = image.naturalWidth * movie.averaged;
  movie.height = image.naturalHeight * movie.averaged;
  drawPlayer();
}

function goTo(at) {
  player.at = Math.max(0, Math.min(at, player.movie.frames.length - 1));
  byId("player-frame").value = player.at;
  const frame = player.movie.frames[player.at];
  byId("player-time").textContent = `frame ${frame}, ${significant(frame * player.movie.interval_s, 4)} s`;
  if (player.at + 1 < player.movie.frames.length) pictureOf(player.movie, player.at + 1);
  drawPlayer();
}

// What part of the field is seen: x, y of the corner and how many screen pixels a camera pixel has.
function viewOf(movie, box) {
  const scale = Math.min(box / movie.width, TALLEST / movie.height);
  const place = byId("player-follow").checked ? placeOf(movie, player.chosen, movie.frames[player.at]) : null;
  if (!place) return { left: -0.5, top: -0.5, scale, width: movie.width * scale, height: movie.height * scale };
  const near = ENLARGED * scale, width = movie.width * scale, height = movie.height * scale;
  return { left: place[0] - width / near / 2, top: place[1] - height / near / 2, scale: near, width, height };
}

// The last known place of a particle up to a frame.
function placeOf(movie, number, frame) {
  const part = movie.parts.find((one) => one.number === number && number >= 0);
  if (!part) return null;
  let row = part.from;
  while (row + 1 < part.to && movie.frame[row + 1] <= frame) row++;
  return [movie.x[row], movie.y[row]];
}

function drawPlayer() {
  const movie = player.movie, image = pictureOf(movie, player.at);
  if (!image.complete || !movie.width) return;
  const canvas = byId("player-canvas"), sharp = window.devicePixelRatio || 1;
  const view = viewOf(movie, canvas.parentElement.clientWidth || 800);
  canvas.width = Math.round(view.width * sharp);
  canvas.height = Math.round(view.height * sharp);
  canvas.style.width = `${view.width}px`;
  const draw = canvas.getContext("2d");
  draw.imageSmoothingEnabled = false;
  draw.setTransform(view.scale * sharp, 0, 0, view.scale * sharp, -view.left * view.scale * sharp, -view.top * view.scale * sharp);
  draw.drawImage(image, -0.5, -0.5, movie.width, movie.height);
  player.view = view;
  const frame = movie.frames[player.at];
  if (byId("player-tracks").checked) drawTails(draw, movie, frame, 1.6 / view.scale);
  if (byId("player-rings").checked) drawRings(draw, movie, frame, 1.6 / view.scale, Math.max(8 / view.scale, 1.6 * movie.radius_px));
}

const colorOf = (number) => (number < 0 ? "#c8c8c8" : TRACK_COLORS[number % TRACK_COLORS.length]);

// The way of each particle up to this frame; what has long ended is not drawn.
function drawTails(draw, movie, frame, width) {
  const tail = Number(byId("player-tail").value);
  for (const part of movie.parts) {
    if (part.number < 0 || movie.frame[part.from] > frame || movie.frame[part.to - 1] < frame - tail) continue;
    draw.beginPath();
    for (let row = part.from; row < part.to && movie.frame[row] <= frame; row++) {
      if (movie.frame[row] >= frame - tail && movie.label[row] !== 2) draw.lineTo(movie.x[row], movie.y[row]);
    }
    draw.strokeStyle = colorOf(part.number);
    draw.lineWidth = part.number === player.chosen ? 2 * width : width;
    draw.stroke();
  }
}

function drawRings(draw, movie, frame, width, radius) {
  for (const [number, row] of movie.byFrame.get(frame) ?? []) {
    draw.beginPath();
    draw.arc(movie.x[row], movie.y[row], number === player.chosen ? 1.5 * radius : radius, 0, 2 * Math.PI);
    draw.setLineDash(movie.label[row] === 2 ? [2 * width, 2 * width] : []);
    draw.strokeStyle = colorOf(number);
    draw.lineWidth = width;
    draw.stroke();
  }
  draw.setLineDash([]);
}

// Choose a particle by its number; jump: to where its track begins.
function chooseParticle(number, { jump = false } = {}) {
  const movie = player.movie, part = movie.parts.find((one) => one.number === number && number >= 0);
  player.chosen = part ? number : null;
  const box = byId("player-chosen");
  if (!part) box.textContent = `Particle ${number} is not drawn.`;
  else {
    const from = movie.frame[part.from], to = movie.frame[part.to - 1], row = movie.columns.get("particle")?.indexOf(number) ?? -1;
    const moves = row < 0 ? "" : `, D ${significant(movie.columns.get("D_um2_per_s")?.[row])} µm²/s, localization error ${significant(movie.columns.get("localisation_se_nm")?.[row])} nm`;
    box.textContent = `Particle ${number}: frames ${from} to ${to}, ${part.to - part.from} positions${moves}.`;
    if (jump) {
      byId("player").scrollIntoView({ block: "nearest" });
      goTo(Math.max(0, movie.frames.findIndex((frame) => frame >= from)));
      return;
    }
  }
  drawPlayer();
}

function clickedPlayer(event) {
  const { movie, view } = player, box = byId("player-canvas").getBoundingClientRect();
  const x = view.left + (event.clientX - box.left) / view.scale, y = view.top + (event.clientY - box.top) / view.scale;
  let best = null, least = (25 / view.scale) ** 2;
  for (const [number, row] of movie.byFrame.get(movie.frames[player.at]) ?? []) {
    const far = (movie.x[row] - x) ** 2 + (movie.y[row] - y) ** 2;
    if (number >= 0 && far < least) [best, least] = [number, far];
  }
  if (best !== null) chooseParticle(best);
}

function stopPlayer() {
  clearInterval(player.timer);
  player.timer = null;
  byId("player-play").textContent = "Play";
}

function playPlayer() {
  stopPlayer();
  byId("player-play").textContent = "Stop";
  const last = player.movie.frames.length - 1;
  player.timer = setInterval(() => goTo(player.at >= last ? 0 : player.at + 1), 1000 / Number(byId("player-speed").value));
}

byId("player-play").addEventListener("click", () => (player.timer ? stopPlayer() : playPlayer()));
byId("player-speed").addEventListener("change", () => { if (player.timer) playPlayer(); });
byId("player-frame").addEventListener("input", (event) => { stopPlayer(); goTo(Number(event.target.value)); });
byId("player-canvas").addEventListener("click", clickedPlayer);
byId("player-canvas").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) { event.preventDefault(); stopPlayer(); goTo(player.at + step); }
});
for (const id of ["player-tracks", "player-rings", "player-follow", "player-tail"]) byId(id).addEventListener("change", () => drawPlayer());
window.addEventListener("resize", later(() => { if (player.movie) drawPlayer(); }));
