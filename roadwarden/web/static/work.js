// The queues. Keys: j and k go on and back, x chooses, Enter opens, d dispatches by the rules, 1 to 7 judge a repair; for
// those of frames see label.js.

import { all, ask, called, duration, el, h, newKey, page, toast, tried, w, when, whenShort } from "./kit.js";
import { UNDO, command } from "./actions.js";
import { comparison } from "./compare.js";
import { labeller } from "./label.js";

const VERDICTS = ["REPAIRED", "REPAIRED_WITH_DEFECT", "PARTIAL", "NOT_REPAIRED", "WRONG_OBJECT", "LOCATION_UNCERTAIN", "INSUFFICIENT_EVIDENCE"];
let items = page.items;
let at = 0;
const chosen = new Set();
let frame = null; // that is being labelled

async function reload() {
  const told = await tried(() => ask(`/work/items?queue=${page.queue}`));
  if (!told) return;
  items = told.items;
  chosen.clear();
  at = Math.min(at, Math.max(0, items.length - 1));
  show();
}

function show() {
  const place = el("#items");
  if (!items.length) place.replaceChildren(h("p", { class: "soft" }, w("work.empty")));
  else if (page.queue === "review") place.replaceChildren(reviewing());
  else if (page.queue === "types") place.replaceChildren(labelling());
  else place.replaceChildren(table());
  showBulk();
}

// Lists

const headers = {
  intake: ["work.problem", "board.where", "work.source", "work.reported", ""],
  dispatch: ["", "board.case", "work.problem", "board.where", "board.left", ""],
  close: ["", "board.case", "work.problem", "board.where", "board.who", ""],
  wishes: ["board.case", "work.wish", "work.by", "work.at", ""],
};

function table() {
  const rows = items.map((item, index) => {
    const row = h("tr", { class: index === at ? "on" : "", onclick: () => go(index) }, ...cells[page.queue](item));
    return row;
  });
  const head = headers[page.queue].map((key) => (key ? h("th", { scope: "col" }, w(key)) : h("td")));
  return h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)));
}

const link = (name) => h("a", { href: `/cases/${encodeURIComponent(name)}` }, name);
const what = (item) => h("td", {}, w(`type.${item.distress}`), " ", item.severity === "severe" ? h("span", { class: "tag red" }, w("severity.severe")) : "");
const where = (item) => h("td", {}, item.street || "–", h("div", { class: "small soft" }, called(item.area)));
const left = (item) => h("td", { class: "nums" }, h("span", { class: `lamp ${item.light}` }), " ", item.left_s === null ? "–" : duration(item.left_s));
const box = (item) => h("td", {}, h("input", { type: "checkbox", "aria-label": item.case, checked: chosen.has(item.case), onclick: (event) => { event.stopPropagation(); pick(item.case); } }));
const button = (text, act, main) => h("button", { class: main ? "main" : "", onclick: (event) => { event.stopPropagation(); act(); } }, text);

const cells = {
  intake: (item) => [h("td", {}, w(`type.${item.problem}`), item.note ? h("div", { class: "small soft" }, item.note) : ""),
    h("td", {}, called(item.area) || "–", item.place ? h("div", { class: "small" }, h("a", { href: `/map?map=18/${item.place.lat.toFixed(5)}/${item.place.lon.toFixed(5)}` }, w("work.on_map"))) : ""),
    h("td", {}, w(`work.source_${item.source}`)), h("td", {}, when(item.seen_at)),
    h("td", {}, h("div", { class: "row" }, button(w("work.file"), () => fileTip(item), true), button(w("work.drop"), () => dropTip(item))))],
  dispatch: (item) => [box(item), h("td", {}, link(item.case)), what(item), where(item), left(item),
    h("td", {}, button(w("do.dispatched"), () => dispatch([item]), true))],
  close: (item) => [box(item), h("td", {}, link(item.case)), what(item), where(item), h("td", {}, called(item.crew) || "–"),
    h("td", {}, button(w("do.closed"), () => close([item]), true))],
  wishes: (item) => [h("td", {}, link(item.case)), h("td", {}, w(`event.${item.type}`), h("div", { class: "small soft" }, said(item.data))),
    h("td", {}, w(`work.role_${item.role}`)), h("td", {}, whenShort(item.at)),
    h("td", {}, h("div", { class: "row" }, button(w("work.approve"), () => decide(item, "approve"), true), button(w("work.refuse"), () => refuse(item))))],
};
const said = (data) => Object.values(data).map((value) => (/^\d{4}-\d\d-\d\dT/.test(value) ? when(value) : value)).join(" · ");

function go(index) {
  at = Math.max(0, Math.min(items.length - 1, index));
  all("tbody tr").forEach((row, nth) => row.classList.toggle("on", nth === at));
  if (page.queue === "review" || page.queue === "types") show();
  (el("tbody tr.on") ?? el(".review ol [aria-pressed=true]"))?.scrollIntoView({ block: "nearest" });
}

function pick(name) {
  chosen[chosen.has(name) ? "delete" : "add"](name);
  for (const one of all("tbody input")) one.checked = chosen.has(one.getAttribute("aria-label"));
  showBulk();
}

function showBulk() {
  const bar = el("#bulk");
  bar.hidden = !chosen.size;
  const picked = items.filter((item) => chosen.has(item.case));
  const act = { dispatch: [w("work.dispatch_all", { count: chosen.size }), dispatch], close: [w("work.close_all", { count: chosen.size }), close] }[page.queue];
  if (act) bar.replaceChildren(h("button", { class: "main", onclick: () => act[1](picked) }, act[0]), h("button", { onclick: () => (chosen.clear(), show()) }, w("common.cancel")));
}

// What is done

/** Each by itself: what one of them is refused does not stop the others. */
async function each(picked, kind, path) {
  const done = [];
  for (const item of picked) if (await tried(() => command(item.case, item.version, { kind, path }))) done.push(item.case);
  if (done.length) toast(w("work.done", { count: done.length }), UNDO[kind] && { text: w("common.undo"), run: () => takeBack(done, UNDO[kind]) });
  await reload();
}
async function takeBack(names, back) {
  for (const name of names) await tried(() => command(name, null, back, back.body));
  await reload();
}
const dispatch = (picked) => each(picked, "dispatched", "dispatch");
const close = (picked) => each(picked, "closed", "close");

async function fileTip(item) {
  const url = `/work/tips/${item.source}/${encodeURIComponent(item.id)}/file`;
  const told = await tried(() => ask(url, { method: "POST", body: {} }));
  if (told) toast(w("work.filed", { case: told.case }));
  await reload();
}

function reason(title, act) {
  const dialog = el("#dialog");
  const form = h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, title), h("label", { class: "above" }, w("field.reason"), h("textarea", { name: "reason", rows: 2, required: true, maxlength: 500 })),
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => dialog.close() }, w("common.cancel")), h("button", { class: "main" }, title)));
  form.addEventListener("submit", (event) => (event.preventDefault(), dialog.close(), act(new FormData(form).get("reason"))));
  dialog.replaceChildren(form);
  dialog.showModal();
}

const dropTip = (item) => reason(w("work.drop"), async (why) => {
  await tried(() => ask(`/work/tips/${item.source}/${encodeURIComponent(item.id)}/drop`, { method: "POST", body: { reason: why } }));
  await reload();
});

async function decide(item, how, body = {}) {
  const headers = { "idempotency-key": newKey(), "if-match": "*" };
  await tried(() => ask(`/api/v1/wishes/${item.id}/${how}`, { method: "POST", body, headers }));
  await reload();
}
const refuse = (item) => reason(w("work.refuse"), (why) => decide(item, "refuse", { reason: why }));

// Judging repairs

function reviewing() {
  const item = items[at];
  const list = items.map((one, index) => h("li", {}, h("button", { class: "plain", "aria-pressed": String(index === at), onclick: () => go(index) },
    h("span", {}, h("span", { class: `lamp ${one.light}` }), " ", one.case), h("span", { class: "nums small" }, one.left_s === null ? "" : duration(one.left_s)))));
  const pictures = item.before.length && item.after.length ? comparison({ url: item.before[0] }, { url: item.after[0] })
    : h("div", { class: "pictures" }, ...[...item.before, ...item.after].map((url) => h("img", { src: url, alt: w("case.pictures") })));
  const machine = item.machine ? h("p", {}, w("work.machine"), " ", h("strong", {}, w(`verdict.${item.machine.verdict}`)), ` · ${Math.round(item.machine.score)}`)
    : h("p", { class: "soft" }, w("work.no_machine"));
  const overlay = item.overlay ? h("img", { class: "before", src: item.overlay, alt: w("work.overlay") }) : null;
  const buttons = VERDICTS.map((verdict, nth) => h("button", { class: nth === 0 ? "main" : "", "data-verdict": verdict, onclick: () => judge(item, verdict) }, h("kbd", {}, String(nth + 1)), w(`verdict.${verdict}`)));
  return h("div", { class: "review" }, h("ol", {}, ...list), h("section", { class: "sheet stack" },
    h("div", { class: "row between" }, h("h2", {}, link(item.case), " ", w(`type.${item.distress}`)), h("span", { class: "soft" }, item.street)),
    item.before.length || item.after.length ? pictures : h("p", { class: "soft" }, w("case.no_pictures")), overlay, machine, h("div", { class: "judge" }, ...buttons)));
}

async function judge(item, verdict) {
  const body = { report_seq: item.report, verdict };
  const headers = { "idempotency-key": newKey(), "if-match": `"${item.version}"` };
  const told = await tried(() => ask(`/api/v1/cases/${encodeURIComponent(item.case)}/review`, { method: "POST", body, headers }));
  if (told) toast(`${item.case}: ${w(`verdict.${verdict}`)} · ${w(`state.${told.case.state}`)}`);
  await reload();
}

// Naming what frames show

function labelling() {
  const item = items[at];
  frame = labeller(item, (boxes) => keepLabels(item, boxes));
  const list = items.map((one, index) => h("li", {}, h("button", { class: "plain", "aria-pressed": String(index === at), onclick: () => go(index) },
    h("span", {}, one.id), h("span", { class: "small soft" }, w(`work.why_${one.why}`)))));
  return h("div", { class: "review" }, h("ol", {}, ...list), frame.node);
}

/** The frame stays at hand for one undo: a pass that is sent again replaces the one before. */
async function keepLabels(item, boxes) {
  const url = `/work/frames/${encodeURIComponent(item.id)}`;
  const told = await tried(() => ask(url, { method: "POST", body: { boxes } }));
  if (!told) return;
  const again = { ...item, boxes };
  toast(w("work.kept", { frame: item.id }), { text: w("common.undo"), run: () => (items.splice(at, 0, again), show()) });
  await reload();
}

addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select, dialog") || event.ctrlKey || event.metaKey || event.altKey || !items.length) return;
  if (page.queue === "types" && frame?.key(event)) return;
  const item = items[at];
  const keys = { j: () => go(at + 1), k: () => go(at - 1), x: () => item.case && page.queue !== "review" && pick(item.case), d: () => page.queue === "dispatch" && dispatch([item]) };
  if (keys[event.key]) keys[event.key]();
  else if (event.key === "Enter" && item.case && event.target === document.body) location.assign(`/cases/${encodeURIComponent(item.case)}`);
  else if (page.queue === "review" && VERDICTS[Number(event.key) - 1]) judge(item, VERDICTS[Number(event.key) - 1]);
});

show();
