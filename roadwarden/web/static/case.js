// One case: what may be done, the pictures beside each other, the time left.

import { duration, el, h, page, toast, tried, w } from "./kit.js";
import { UNDO, command, perform } from "./actions.js";
import { comparison } from "./compare.js";

/** The page as it is now; what can be taken back is offered on it. */
function after(action) {
  if (action.wish) return toast(w("case.wished"));
  if (UNDO[action.kind]) sessionStorage.setItem("undo", JSON.stringify({ case: page.case, kind: action.kind }));
  return location.reload();
}

const done = JSON.parse(sessionStorage.getItem("undo") ?? "null");
sessionStorage.removeItem("undo");
if (done?.case === page.case) {
  const back = UNDO[done.kind];
  const run = () => tried(() => command(page.case, null, back, back.body)).then(() => location.reload());
  toast(w("common.done"), { text: w("common.undo"), run });
}

el("#actions").append(...page.actions.filter((action) => action.path !== "report").map((action, index) =>
  h("button", { class: index === 0 ? "main" : "", "data-action": action.kind,
    onclick: () => perform(el("#dialog"), action, page.case, page.version, page.report, () => after(action)) }, w(`do.${action.kind}`))));
el("#actions").hidden = !page.actions.length;
el("#print").addEventListener("click", () => print());
if (page.before.length && page.after.length) el("#compare")?.append(comparison({ url: page.before[0] }, { url: page.after[0] }));

const countdown = el("#countdown");
const begin = performance.now();
const left = Number(countdown.dataset.left);
if (countdown.dataset.left) setInterval(() => (countdown.textContent = duration(left - (performance.now() - begin) / 1000)), 1000);
