// Before and after in one frame, with a slider between them.

import { h, w } from "./kit.js";

export function comparison(before, after) {
  const above = h("img", { src: after.url, alt: w("case.after") });
  const slider = h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": w("case.compare") });
  const cut = () => (above.style.clipPath = `inset(0 0 0 ${slider.value}%)`);
  slider.addEventListener("input", cut);
  cut();
  return h("div", { class: "compare-wrap" }, h("div", { class: "compare" }, h("img", { src: before.url, alt: w("case.before") }), above),
    h("div", { class: "row between small soft" }, h("span", {}, w("case.before")), h("span", {}, w("case.after"))), slider);
}
