// The crew's day: the list in the order of the way, one case with its pictures, and what is owed to the server.

import { ask, duration, el, h, icon, page, toast, w, when } from "../kit.js";
import { takePicture, watchPlace } from "./camera.js";
import { metres, routed } from "./route.js";
import { learn, owe, sendAll, serverNow } from "./send.js";
import { forget, owed } from "./store.js";

const OPEN = ["dispatched", "accepted", "under_repair", "parked"];
let day = { cases: [] };
let debts = [];
let here = null;
let shots = {};

// State after what is owed: the phone shows what the crew has done, not what the server knows of it yet.
const STEP = { accept: "accepted", start: "under_repair", report: "repair_reported", handback: "handed_back" };
function stateOf(job) {
  return debts.filter((debt) => debt.case === job.case && !debt.refused && STEP[debt.kind]).reduce((_, debt) => STEP[debt.kind], job.state);
}

async function refresh() {
  debts = (await owed()).filter((debt) => debt.who === page.who);
  const told = await ask("/crew/day").catch(() => null);
  if (told?.who === page.who) {
    day = told;
    if (navigator.onLine) learn(told.now);
  }
  show();
}

async function settle() {
  if (debts.length && (await sendAll(page.who).catch(() => 0))) return refresh();
  debts = (await owed()).filter((debt) => debt.who === page.who);
  return show();
}

async function does(kind, job, body, pictures) {
  await owe(page.who, kind, job.case, body, pictures);
  debts = (await owed()).filter((debt) => debt.who === page.who);
  show();
  settle();
}

// The list

function left(job) {
  return job.due ? Math.floor((Date.parse(job.due) - serverNow().getTime()) / 1000) : null;
}

function show() {
  el("#net").textContent = navigator.onLine ? w("crew.online") : w("crew.offline");
  el("#net").className = `tag ${navigator.onLine ? "green" : ""}`;
  const waiting = debts.filter((debt) => !debt.refused).length;
  el("#owed").hidden = !waiting;
  el("#owed").textContent = w("crew.owed", { count: waiting });
  const name = decodeURIComponent(location.hash.slice(1));
  const job = day.cases.find((one) => one.case === name);
  el("#list").hidden = Boolean(job);
  el("#case").hidden = !job;
  if (job) showCase(job);
  else showList();
}

function showList() {
  const todo = routed(day.cases.filter((job) => OPEN.includes(stateOf(job))), here);
  const done = day.cases.filter((job) => !OPEN.includes(stateOf(job)));
  el("#list").replaceChildren(...refusals(),
    ...(todo.length ? todo.map((job, index) => row(job, index + 1)) : [h("p", { class: "soft" }, w("crew.nothing"))]),
    ...(done.length ? [h("h2", {}, w("crew.reported")), ...done.map((job) => row(job, null))] : []));
}

function row(job, nth) {
  const state = stateOf(job);
  const away = here && job.place ? ` · ${(metres(here, job.place) / 1000).toFixed(1)} km` : "";
  const seconds = left(job);
  const open = nth !== null;
  return h("button", { class: `job ${open ? job.light : ""}`, "data-case": job.case, onclick: () => (location.hash = encodeURIComponent(job.case)) },
    h("span", { class: "nth" }, open ? String(nth) : ""),
    h("span", {}, h("span", { class: "what" }, w(`type.${job.distress}`), job.severity === "severe" ? ` · ${w("severity.severe")}` : ""), h("br"),
      h("small", {}, `${job.street || "–"}${away}`), h("br"), h("small", {}, `${job.case} · ${stateWord(state)}`)),
    open ? h("span", { class: "left", "data-due": job.due ?? "" }, seconds === null ? "–" : duration(seconds)) : verdictIcon(job));
}

const stateWord = (state) => (state === "handed_back" ? w("do.handed_back") : w(`state.${state}`));
const good = (verdict) => verdict === "REPAIRED" || verdict === "REPAIRED_WITH_DEFECT";

function verdictIcon(job) {
  const verdict = job.verdict?.verdict;
  return h("span", { class: `tag ${verdict ? (good(verdict) ? "green" : "red") : ""}` }, verdict ? w(`verdict.${verdict}`) : w("crew.waits"));
}

function refusals() {
  return debts.filter((debt) => debt.refused).map((debt) => h("div", { class: "problem stack", role: "alert" },
    h("p", {}, `${debt.case}: ${w(`crew.kind_${debt.kind.replace("-", "_")}`)} – ${debt.refused}`),
    h("button", { onclick: () => forget(debt.number).then(refresh) }, w("crew.dismiss"))));
}

// One case

function showCase(job) {
  const state = stateOf(job);
  const shown = [
    h("button", { class: "plain back", onclick: () => (location.hash = "") }, icon("back"), w("common.back")),
    h("div", {}, h("h2", {}, w(`type.${job.distress}`), " ", h("span", { class: "soft" }, job.case)),
      h("p", { class: "soft" }, `${job.street || "–"} · ${stateWord(state)} · ${w("crew.due")} ${when(job.due)}`)),
    verdict(job, state),
    job.before.length ? h("figure", {}, h("img", { class: "before", src: job.before[0], alt: w("case.before") }),
      h("figcaption", { class: "small soft" }, w("case.before"))) : h("p", { class: "soft" }, w("crew.no_before")),
    job.place ? way(job) : null, ...steps(job, state)];
  el("#case").replaceChildren(...shown.filter(Boolean)); // it would write "null" for what is not there
}

function way(job) {
  const { lat, lon } = job.place;
  const name = encodeURIComponent(`${job.street} ${job.case}`);
  const amap = `https://uri.amap.com/navigation?to=${job.gcj02.lon.toFixed(6)},${job.gcj02.lat.toFixed(6)},${name}&mode=car&coordinate=gaode&callnative=1`;
  return h("div", { class: "two" },
    h("a", { class: "button big", href: `geo:${lat.toFixed(6)},${lon.toFixed(6)}?q=${lat.toFixed(6)},${lon.toFixed(6)}(${name})` }, icon("place"), w("crew.map")),
    h("a", { class: "button big", href: amap, rel: "noreferrer" }, icon("route"), w("crew.amap")));
}

function verdict(job, state) {
  if (!job.verdict || OPEN.includes(state) === false && state !== "repair_reported" && !job.verdict.verdict) return null;
  const said = job.verdict.verdict;
  if (!said) return state === "repair_reported" ? h("p", { class: "verdict" }, icon("send"), w("crew.waits_long")) : null;
  return h("div", { class: `verdict ${good(said) ? "good" : "bad"}` }, icon(good(said) ? "check" : "warning"),
    h("div", {}, h("strong", {}, w(`verdict.${said}`)), job.verdict.reason ? h("div", { class: "small" }, job.verdict.reason) : null));
}

function steps(job, state) {
  if (state === "dispatched")
    return [h("button", { class: "main big", "data-do": "accept", onclick: () => does("accept", job) }, icon("check"), w("do.accepted")), back(job)];
  if (state === "accepted")
    return [h("button", { class: "main big", "data-do": "start", onclick: () => does("start", job) }, icon("next"), w("do.repair_started")), back(job)];
  if (state === "under_repair") return report(job);
  return [];
}

function back(job) {
  return h("details", {}, h("summary", {}, w("do.handed_back")), h("form", { class: "stack", onsubmit: (event) => {
    event.preventDefault();
    does("handback", job, { reason: new FormData(event.target).get("reason") });
  } }, h("label", { class: "above" }, w("field.reason"), h("textarea", { name: "reason", rows: 2, required: true, maxlength: 300 })),
    h("button", { class: "big" }, w("do.handed_back"))));
}

const GUIDES = ["context", "closeup"];

function report(job) {
  shots[job.case] ??= {};
  const taken = shots[job.case];
  const tiles = GUIDES.map((guide) => {
    const tile = h("button", { class: "shot", "data-shot": guide, onclick: () => shoot(job, guide) }, icon("camera"), h("span", {}, w(`crew.${guide}`)));
    if (taken[guide]) tile.append(h("img", { src: taken[guide].url, alt: w(`crew.${guide}`) }));
    return tile;
  });
  const all = GUIDES.every((guide) => taken[guide]);
  return [h("h3", {}, w("crew.after")), h("p", { class: "small soft" }, w("crew.after_help")), h("div", { class: "shots" }, ...tiles),
    h("button", { class: "main big", "data-do": "report", disabled: !all, onclick: () => hand(job) }, icon("send"), w("do.repair_reported"))];
}

async function shoot(job, guide) {
  const made = await takePicture(el("#camera"), w(`crew.${guide}_help`), guide === "context" ? job.before[0] : null);
  if (!made) return;
  const before = shots[job.case][guide];
  if (before) URL.revokeObjectURL(before.url);
  shots[job.case][guide] = { blob: made, url: URL.createObjectURL(made) };
  show();
}

async function hand(job) {
  const pictures = GUIDES.map((guide) => shots[job.case][guide].blob);
  delete shots[job.case];
  await does("report", job, {}, pictures);
  toast(navigator.onLine ? w("crew.sent") : w("crew.kept"));
}

// Begin

addEventListener("hashchange", show);
addEventListener("online", () => settle().then(refresh));
addEventListener("offline", show);
setInterval(() => document.visibilityState === "visible" && settle().then(refresh), 30000);
setInterval(() => {
  for (const place of document.querySelectorAll("[data-due]"))
    if (place.dataset.due) place.textContent = duration((Date.parse(place.dataset.due) - serverNow().getTime()) / 1000);
}, 1000);
watchPlace((place) => {
  const first = !here;
  here = place;
  if (first) show();
});
navigator.serviceWorker?.register("/crew/sw.js", { scope: "/crew" }).catch(() => {});
refresh().then(settle);
