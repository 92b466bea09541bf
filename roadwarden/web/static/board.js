// The countdown board. It ticks from the server's time by the browser's monotonic clock: the device's time of day and
// its zone do not matter. Rows change in place at once; their order changes only while nobody reads.

import { all, ask, called, duration, el, h, w, whenExactly, whenShort } from "./kit.js";
import { verifiedTime } from "./signed-time.js";

const box = el("#board");
const body = el("#rows tbody");
const lamps = ["green", "yellow", "red"];
let base = { server: Date.now(), mark: performance.now() };
let rows = new Map();
let waiting = null;
let lastTouch = -Infinity;
let lights = new Map();
let audio = null;

const now = () => base.server + (performance.now() - base.mark);
const setNow = (iso) => (base = { server: Date.parse(iso), mark: performance.now() });

// What is asked for stands in the address

const wanted = new URLSearchParams(location.search);
for (const name of ["area", "department"]) {
  const field = el(`#${name}`);
  field.value = wanted.get(name) ?? "";
  field.addEventListener("change", () => {
    if (field.value) wanted.set(name, field.value);
    else wanted.delete(name);
    history.replaceState(null, "", wanted.size ? `?${wanted}` : location.pathname);
    connect();
  });
}

let events = null;
function connect() {
  events?.close();
  events = new EventSource(`/board/events${wanted.size ? `?${wanted}` : ""}`);
  events.addEventListener("board", (message) => take(JSON.parse(message.data)));
  events.addEventListener("beat", (message) => setNow(JSON.parse(message.data).now));
  events.onerror = () => box.classList.add("offline");
  events.onopen = () => box.classList.remove("offline");
}

// Taking news in

const reading = () => performance.now() - lastTouch < 6000 || body.contains(document.activeElement);
for (const kind of ["pointermove", "wheel", "keydown", "touchmove"])
  el(".board-list").addEventListener(kind, () => (lastTouch = performance.now()), { passive: true });

function take(board) {
  setNow(board.now);
  const news = new Map(board.rows.map((row) => [row.case, row]));
  for (const [name, row] of news) if (rows.has(name)) refresh(rows.get(name), row);
  const moved = [...news.keys()].join() !== [...rows.keys()].join();
  waiting = moved ? news : null;
  if (moved && (!rows.size || !reading() || box.classList.contains("wall"))) settle();
  else tellWaiting();
  for (const light of lamps) el(`#count-${light}`).textContent = board.counts[light];
  tick();
}

function settle() {
  if (!waiting) return;
  const first = !rows.size;
  const before = rows;
  rows = new Map([...waiting].map(([name, row]) => [name, before.get(name) ?? made(row)]));
  for (const [name, row] of waiting) {
    refresh(rows.get(name), row);
    if (!first && !before.has(name)) {
      rows.get(name).node.classList.add("fresh");
      setTimeout(() => rows.get(name)?.node.classList.remove("fresh"), 8000);
    }
  }
  waiting = null;
  body.replaceChildren(...[...rows.values()].map((one) => one.node));
  el("#empty").hidden = rows.size > 0;
  tellWaiting();
}

function tellWaiting() {
  const button = el("#changes");
  const count = waiting ? [...waiting.keys()].filter((name) => !rows.has(name)).length +
    [...rows.keys()].filter((name) => !waiting.has(name)).length : 0;
  button.hidden = !waiting;
  button.textContent = count ? w("board.changes", { count }) : w("board.new_order");
}
el("#changes").addEventListener("click", () => ((lastTouch = -Infinity), settle(), tick()));
setInterval(() => waiting && !reading() && (settle(), tick()), 1500);

// One row

function made(row) {
  const cells = { lamp: h("span", { class: "lamp" }), left: h("b"), used: h("i"), what: h("td"), where: h("td"), who: h("td"), state: h("td") };
  const left = h("div", { class: "left" }, cells.lamp, cells.left, h("span", { class: "used" }, cells.used));
  const link = h("a", { href: `/cases/${encodeURIComponent(row.case)}` }, row.case);
  const node = h("tr", { "data-case": row.case }, h("td", {}, left), h("td", {}, link), cells.what, cells.where, cells.who, cells.state);
  return { node, cells, row };
}

function refresh(one, row) {
  one.row = row;
  const severe = row.severity === "severe" ? [" ", h("span", { class: "tag red" }, w("severity.severe"))] : [];
  one.cells.what.replaceChildren(w(`type.${row.distress}`), ...severe);
  one.cells.where.replaceChildren(row.street || "–", h("div", { class: "small soft" }, called(row.area)));
  one.cells.who.replaceChildren(called(row.department) || "–", h("div", { class: "small soft" }, called(row.crew)));
  const rests = row.rests_until ? h("div", { class: "small soft" }, w("board.rests", { until: whenShort(row.rests_until) })) : null;
  one.cells.state.replaceChildren(w(`state.${row.state}`), h("div", { class: "small soft" }, row.clock ? w(`clock.${row.clock}`) : ""), ...(rests ? [rests] : []));
}

/** Seconds left, as the server reckons: a rest that ends before the due time holds the clock. */
function left(row, at) {
  const due = Date.parse(row.due);
  const rest = row.rests_until ? Date.parse(row.rests_until) : 0;
  const since = rest && rest <= due ? Math.max(at, rest) : at;
  return Math.floor((due - since) / 1000);
}

function light(row, at) {
  if (at > Date.parse(row.due)) return "red";
  return left(row, at) <= row.limit_s / 5 ? "yellow" : "green";
}

function tick() {
  const at = now();
  const soon = [];
  for (const one of rows.values()) {
    const { row, node, cells } = one;
    const seconds = left(row, at);
    const colour = light(row, at);
    if (node.dataset.light !== colour) {
      node.dataset.light = colour;
      node.className = `${colour}${node.classList.contains("fresh") ? " fresh" : ""}`;
      cells.lamp.className = `lamp ${colour}`;
      cells.lamp.title = w(`light.${colour}`);
    }
    const text = duration(seconds);
    if (cells.left.textContent !== text) cells.left.textContent = text;
    cells.used.style.width = `${Math.min(100, Math.max(0, (1 - seconds / row.limit_s) * 100))}%`;
    if (seconds >= 0 && seconds < 86400) soon.push({ row, seconds, colour });
    announce(row, colour);
  }
  const count = (colour) => [...rows.values()].filter((one) => one.node.dataset.light === colour).length;
  if (!waiting) for (const colour of lamps) el(`#count-${colour}`).textContent = count(colour);
  el("#clock").textContent = whenExactly(at);
  tickSoon(soon);
}

let soonShown = "";
function tickSoon(soon) {
  el("#count-soon").textContent = soon.length;
  const list = el("#soon");
  const names = soon.map((one) => `${one.row.case}${one.colour}`).join();
  if (names !== soonShown && !list.matches(":hover, :focus-within")) {
    soonShown = names;
    list.replaceChildren(...soon.map(({ row, colour }) =>
      h("li", { class: `soon-row ${colour}`, "data-of": row.case }, h("a", { href: `/cases/${encodeURIComponent(row.case)}` },
        h("span", {}, row.case), h("span", { class: "soft" }, w(`clock.${row.clock}`)), h("b")))));
  }
  for (const { row, seconds } of soon) {
    const place = list.querySelector(`[data-of="${CSS.escape(row.case)}"] b`);
    if (place) place.textContent = duration(seconds);
  }
}

// Telling of what turned yellow or red

function announce(row, colour) {
  const before = lights.get(row.case);
  lights.set(row.case, colour);
  if (before === undefined || lamps.indexOf(colour) <= lamps.indexOf(before)) return;
  el("#spoken").textContent = `${row.case}: ${w(`light.${colour}`)}`;
  if (audio) beep(colour === "red" ? 880 : 587);
}

function beep(pitch) {
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0.15, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.6);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.6);
}

el("#sound").addEventListener("click", ({ currentTarget: button }) => {
  audio = audio ? (audio.close(), null) : new AudioContext();
  button.setAttribute("aria-pressed", String(Boolean(audio)));
  if (audio) beep(587);
});

// On a wall

el("#wall").addEventListener("click", () => {
  box.classList.add("wall");
  box.requestFullscreen?.().catch(() => {});
});
const leaveWall = () => box.classList.remove("wall");
document.addEventListener("fullscreenchange", () => document.fullscreenElement || leaveWall());
document.addEventListener("keydown", (event) => event.key === "Escape" && leaveWall());
setInterval(() => {
  if (!box.classList.contains("wall")) return;
  const table = el(".board .table");
  const end = table.scrollTop + table.clientHeight >= table.scrollHeight - 4;
  table.scrollTo({ top: end ? 0 : table.scrollTop + table.clientHeight * 0.8 });
}, 15000);

verifiedTime().then((told) => {
  if (!told) return;
  el("#signed").textContent = told.verified ? w("board.signed") : w("board.not_checked");
  el("#signed").title = told.key;
});
connect();
setInterval(tick, 500);
ask(`/board/rows${wanted.size ? `?${wanted}` : ""}`).then(take).catch(() => {});
all(".board a").forEach((link) => link.addEventListener("click", () => events?.close()));
