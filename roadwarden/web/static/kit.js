// What every page's module uses: words, requests, messages, times. No page draws HTML from text: nodes are made here.

const data = JSON.parse(document.getElementById("page-data")?.textContent ?? "{}");
export const page = data.page ?? {};
export const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

/** The word of a key, with {names} filled in. */
export function w(key, values = {}) {
  const text = data.words?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** What an area, department or crew is called. */
export const called = (id) => (id ? (data.named?.[id] ?? id) : "");

/** An element: h("button", {class: "main", onclick: go}, "text", node, ...). */
export function h(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** An icon that the page's template has put into <template id="icon-NAME">. */
export function icon(name) {
  return document.getElementById(`icon-${name}`)?.content.cloneNode(true) ?? "";
}

export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || String(status));
    this.status = status;
    this.problem = problem;
  }
}

/** JSON from the server; raises Refused with its words where it says no. */
export async function ask(url, { method = "GET", body, headers = {}, signal } = {}) {
  const sent = { accept: "application/json", ...headers };
  if (method !== "GET") sent["x-csrf-token"] = csrf();
  if (body !== undefined && !(body instanceof FormData)) sent["content-type"] = "application/json";
  const payload = body === undefined || body instanceof FormData ? body : JSON.stringify(body);
  const response = await fetch(url, { method, body: payload, headers: sent, signal });
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const answer = isJson ? await response.json() : {};
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

export function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

export function newKey() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16)).join("");
}

let toastTimer;
/** A short message that goes by itself; `action` is {text, run} for a button such as undo. */
export function toast(text, action) {
  document.querySelector(".toast")?.remove();
  clearTimeout(toastTimer);
  const box = h("div", { class: "toast", role: "status" }, text);
  if (action) box.append(h("button", { onclick: () => (box.remove(), action.run()) }, action.text));
  document.body.append(box);
  toastTimer = setTimeout(() => box.remove(), action ? 10000 : 4000);
}

/** Runs something and says what the server has against it. */
export async function tried(action) {
  try {
    return await action();
  } catch (error) {
    toast(error.status === 412 ? w("common.stale") : w("common.failed", { why: error.message }));
    return undefined;
  }
}

const zone = data.zone ?? "Asia/Shanghai";
const minute = { timeZone: zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false };
const formatOf = (options) => new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", options);
const shortTime = formatOf(minute);
const longTime = formatOf({ ...minute, year: "numeric" });
const exactTime = formatOf({ ...minute, second: "2-digit" });
export const when = (iso) => (iso ? longTime.format(new Date(iso)) : "–");
export const whenShort = (iso) => (iso ? shortTime.format(new Date(iso)) : "–");
export const whenExactly = (ms) => exactTime.format(new Date(ms));

/** The moment that the text of a datetime-local field means by the city's clock, whatever the device's zone; ISO, UTC. */
export function momentOf(text) {
  const asked = Date.parse(`${text}Z`);
  const parts = new Intl.DateTimeFormat("en-GB", { ...minute, year: "numeric", second: "2-digit", hourCycle: "h23", hour12: undefined });
  const shift = (at) => {
    const told = Object.fromEntries(parts.formatToParts(at).map((part) => [part.type, part.value]));
    return Date.parse(`${told.year}-${told.month}-${told.day}T${told.hour}:${told.minute}:${told.second}Z`) - at;
  };
  const near = asked - shift(asked);
  return new Date(asked - shift(near)).toISOString(); // where clocks are put forward in between, the shift is another
}

/** Whole seconds as h:mm:ss, with days from two on; rounded down, so that nobody is shown time that he does not have. */
export function duration(seconds) {
  const whole = Math.abs(Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = [Math.floor((whole % 3600) / 60), whole % 60].map((part) => String(part).padStart(2, "0")).join(":");
  const sign = seconds < 0 ? "−" : "";
  return hours >= 72 ? `${sign}${Math.floor(hours / 24)} ${w("time.days")} ${hours % 24}:${rest}` : `${sign}${hours}:${rest}`;
}

/** Work that must not hold up the frame which shows what was clicked. */
export const afterPaint = (work) => requestAnimationFrame(() => setTimeout(work));
export const el = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
