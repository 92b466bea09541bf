// One case: what may be done, the pictures beside each other, the time left.

import { duration, el, h, page, toast, w } from "./kit.js";
import { command, perform } from "./actions.js";
import { comparison } from "./compare.js";

const undo = { merged: { kind: "unmerged", path: "unmerge" } };

function after(action) {
  if (action.wish) return toast(w("case.wished"));
  const back = undo[action.kind];
  if (!back) return location.reload();
  return toast(w("common.done"), { text: w("common.undo"), run: () => command(page.case, null, back).then(() => location.reload()) });
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
