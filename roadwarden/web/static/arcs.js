// A chart of states in a row: what goes forward is an arc above them, what goes back is one below.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 1160, NODE = 122, HIGH = 38, RISE = 0.76; // a curve reaches three quarters of the way to its handles

function s(name, attributes, ...children) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Draws nodes and arcs; `colour` gives the value of a colour's name. Returns the svg. */
export function drawArcs(block, colour, says) {
  const step = (WIDTH - NODE) / (block.nodes.length - 1);
  const at = new Map(block.nodes.map((node, place) => [node.id, place]));
  const reach = (arc) => Math.abs(at.get(arc.to) - at.get(arc.from));
  const lift = (arc) => 26 + 20 * reach(arc);
  const above = Math.max(0, ...block.arcs.filter((arc) => at.get(arc.to) > at.get(arc.from)).map(lift));
  const below = Math.max(0, ...block.arcs.filter((arc) => at.get(arc.to) < at.get(arc.from)).map(lift));
  const top = RISE * above + 16, height = top + HIGH + RISE * below + 16;
  const svg = s("svg", { viewBox: `-2 0 ${WIDTH + 4} ${height}`, class: "arcs-svg", role: "img", "aria-label": says, width: WIDTH, height });
  for (const arc of [...block.arcs].sort((a, b) => b.width - a.width)) svg.append(path(arc, at, step, top, lift(arc), colour));
  block.nodes.forEach((node, place) => {
    const x = place * step;
    svg.append(
      s("rect", { x, y: top, width: NODE, height: HIGH, rx: 7, fill: colour("sheet"), stroke: colour(node.colour), "stroke-width": 2 }),
      s("text", { x: x + NODE / 2, y: top + HIGH / 2 + 5, "text-anchor": "middle", "font-size": 13.5, fill: colour("ink"),
        "font-family": getComputedStyle(document.body).fontFamily }, node.label),
    );
  });
  return svg;
}

function path(arc, at, step, top, lift, colour) {
  const from = at.get(arc.from), to = at.get(arc.to), forward = to > from;
  const shift = forward ? 10 : -10; // leave on one side of the middle, arrive on the other
  const x1 = from * step + NODE / 2 + shift, x2 = to * step + NODE / 2 - shift;
  const y = forward ? top : top + HIGH, bend = forward ? -lift : lift;
  const d = `M${x1},${y} C${x1},${y + bend} ${x2},${y + bend} ${x2},${y + (forward ? -7 : 7)}`;
  const tone = colour(forward ? "accent" : "lamp-red");
  const tip = `M${x2 - 5},${y + (forward ? -8 : 8)} L${x2 + 5},${y + (forward ? -8 : 8)} L${x2},${y} Z`;
  const group = s("g", { opacity: forward ? 0.75 : 0.7 });
  const title = s("title", {}, arc.tell);
  group.append(title, s("path", { d, fill: "none", stroke: tone, "stroke-width": arc.width }), s("path", { d: tip, fill: tone }));
  return group;
}
