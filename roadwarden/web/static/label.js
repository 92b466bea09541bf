// One frame and the boxes on it: drawn with the pointer, named with the number keys, kept with Enter.

import { h, page, w } from "./kit.js";

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 6; // pixels of the screen; a shorter drag was a click
const known = Object.fromEntries((page.labels ?? []).map((one) => [one.type, one.colour]));
const colour = (type) => known[type] ?? "#888";
export const labels = (page.labels ?? []).map((one) => one.type);

function s(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** The frame, its boxes, and what keys do to them; `keep` is called with the boxes. */
export function labeller(item, keep) {
  let boxes = item.boxes.map((one) => ({ type: one.type, box: [...one.box_xyxy], score: one.score }));
  let chosen = boxes.length ? 0 : -1;
  let last = labels[0]; // what the next box is called
  const before = [];
  const canvas = s("svg", { viewBox: `0 0 ${item.width} ${item.height}`, class: "boxes", role: "img", "aria-label": w("work.frame") });
  const list = h("ol", { class: "boxes-list" });
  const help = h("div", { class: "labels", role: "group", "aria-label": w("work.labels") });

  const change = (act) => {
    before.push({ boxes: boxes.map((one) => ({ ...one, box: [...one.box] })), chosen });
    act();
    show();
  };

  function show() {
    const unit = item.width / 100;
    canvas.replaceChildren(s("image", { href: item.url, width: item.width, height: item.height }), ...boxes.flatMap(({ type, box: [x1, y1, x2, y2] }, index) => {
      const on = index === chosen;
      const frame = s("rect", { x: x1, y: y1, width: x2 - x1, height: y2 - y1, fill: on ? colour(type) : "transparent", "fill-opacity": 0.18,
        stroke: colour(type), "stroke-width": on ? unit * 0.5 : unit * 0.25, "data-index": index });
      const text = s("text", { x: x1 + unit * 0.5, y: Math.max(unit * 2, y1 - unit * 0.6), fill: colour(type), "font-size": unit * 1.9, "paint-order": "stroke",
        stroke: "#000", "stroke-width": unit * 0.25 });
      text.textContent = w(`type.${type}`);
      return [frame, text];
    }));
    list.replaceChildren(...boxes.map((one, index) => h("li", {}, h("button", { class: "plain", type: "button", "aria-pressed": String(index === chosen), onclick: () => ((chosen = index), show()) },
      `${index + 1}. ${w(`type.${one.type}`)}`, one.score === undefined ? "" : h("span", { class: "small soft" }, ` ${Math.round(one.score * 100)} %`)))));
    const now = boxes[chosen]?.type ?? last;
    help.replaceChildren(...labels.map((type, nth) => h("button", { type: "button", "data-label": type, "aria-pressed": String(type === now), onclick: () => name(nth) },
      nth < 9 ? h("kbd", {}, String(nth + 1)) : "", w(`type.${type}`))));
  }

  function name(nth) {
    if (nth >= labels.length) return;
    last = labels[nth];
    if (boxes[chosen]) change(() => (boxes[chosen].type = last));
    else show();
  }

  const remove = () => boxes[chosen] && change(() => (boxes.splice(chosen, 1), (chosen = Math.min(chosen, boxes.length - 1))));

  function undo() {
    const back = before.pop();
    if (!back) return;
    ({ boxes, chosen } = back);
    show();
  }

  // Drawing

  const onFrame = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(canvas.getScreenCTM().inverse());
  const at = (event) => {
    const { x, y } = onFrame(event);
    return [Math.min(item.width, Math.max(0, x)), Math.min(item.height, Math.max(0, y))];
  };
  let from = null;
  let ghost = null;
  canvas.addEventListener("pointerdown", (event) => {
    from = at(event);
    ghost = s("rect", { fill: "none", stroke: colour(last), "stroke-width": item.width / 300, "stroke-dasharray": item.width / 100 });
    canvas.append(ghost);
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = at(event);
    for (const [key, value] of Object.entries({ x: Math.min(x, from[0]), y: Math.min(y, from[1]), width: Math.abs(x - from[0]), height: Math.abs(y - from[1]) })) ghost.setAttribute(key, value);
  });
  canvas.addEventListener("pointerup", (event) => {
    const start = from;
    from = null;
    ghost?.remove();
    if (!start) return;
    const [x, y] = at(event);
    const least = LEAST / canvas.getScreenCTM().a;
    if (Math.abs(x - start[0]) < least || Math.abs(y - start[1]) < least) return choose(x, y);
    change(() => (boxes.push({ type: last, box: [Math.min(x, start[0]), Math.min(y, start[1]), Math.max(x, start[0]), Math.max(y, start[1])] }), (chosen = boxes.length - 1)));
  });

  /** The smallest of the boxes there: a large one may hold it. */
  function choose(x, y) {
    const size = ({ box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
    const there = boxes.map((one, index) => [one, index]).filter(([{ box: [x1, y1, x2, y2] }]) => x >= x1 && x <= x2 && y >= y1 && y <= y2);
    chosen = there.sort(([one], [other]) => size(one) - size(other))[0]?.[1] ?? -1;
    show();
  }

  function key(event) {
    const step = (by) => boxes.length && ((chosen = (chosen + by + boxes.length) % boxes.length), show());
    const keys = { ArrowRight: () => step(1), ArrowLeft: () => step(-1), Delete: remove, Backspace: remove, x: remove, u: undo, Escape: () => ((chosen = -1), show()) };
    if (keys[event.key]) keys[event.key]();
    else if (/^[1-9]$/.test(event.key)) name(Number(event.key) - 1);
    else if (event.key === "Enter" && !event.target.closest("button, a")) keep(told());
    else return false;
    event.preventDefault();
    return true;
  }

  const told = () => boxes.map(({ type, box }) => ({ type, box_xyxy: box }));
  const act = (word, run, main) => h("button", { type: "button", class: main ? "main" : "", onclick: run }, word);
  const node = h("section", { class: "sheet stack labelling" },
    h("p", { class: "soft" }, item.blind ? w("work.blind") : w("work.proposed")), canvas, help,
    h("div", { class: "row between" }, h("div", { class: "row" }, act(w("work.remove_box"), remove), act(w("common.undo"), undo)),
      h("button", { type: "button", class: "main", "data-do": "keep", onclick: () => keep(told()) }, w("work.keep"))), list);
  show();
  return { node, key };
}
