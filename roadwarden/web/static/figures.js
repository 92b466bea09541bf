// Draws the blocks that the server reckoned: facts, sentences, charts, tables. Colours are those of the page's theme.
import { ask, h, language, page, w } from "./kit.js";
import { drawArcs } from "./arcs.js";

const place = document.getElementById("blocks");
const query = new URLSearchParams(page.query);
const isCase = page.data.startsWith("/cases/");
const charts = [];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || name;
const csvUrl = (name) => (isCase ? page.data.replace(/\/data$/, ".csv") : `/figures/csv/${name}.csv`) + `?${query}`;

const makers = { facts, text, chart, arcs: arcChart, table, code };

function facts(block) {
  const items = block.items.map((one) => h("div", { class: `fact ${one.tone}` },
    h("a", { href: `/figures/definitions#${one.key}` }, one.label), h("b", {}, one.value), one.note ? h("small", {}, one.note) : null));
  return h("section", {}, h("div", { class: "head" }, h("h2", {}, block.title)), h("div", { class: "facts-row" }, items));
}

function text(block) {
  return h("p", { class: `say ${block.tone}` }, block.text);
}

function code(block) {
  return h("section", {}, h("h2", {}, block.title), h("pre", { class: "code", tabindex: 0 }, block.text));
}

function frame(block, plot, toPng) {
  const csv = block.csv ? h("a", { class: "button", href: csvUrl(block.csv), download: "" }, "CSV") : null;
  const png = h("button", { onclick: toPng, "aria-label": `PNG: ${block.title}` }, "PNG");
  return h("figure", { class: "sheet", "aria-label": block.title },
    h("figcaption", {}, h("h2", {}, block.title), png, csv), h("p", { class: "soft small" }, block.says), plot);
}

function chart(block) {
  const plot = h("div", { class: `plot${block.layout.height > 400 ? " tall" : ""}`, role: "img", "aria-label": `${block.title}. ${block.says}` });
  const draw = () => Plotly.react(plot, traces(block), layout(block), { displayModeBar: false, responsive: true, locale: language });
  charts.push(draw);
  const toPng = () => Plotly.downloadImage(plot, { format: "png", width: 1200, height: 640, scale: 2, filename: block.name });
  return frame(block, plot, toPng);
}

function traces(block) {
  return block.traces.map((trace) => {
    const made = { ...trace };
    if (trace.type === "sankey") {
      made.node = { ...trace.node, color: trace.node.colours.map(colour), line: { width: 0 } };
      made.link = { ...trace.link, color: trace.link.source.map((from) => faint(colour(trace.node.colours[from]))) };
      made.textfont = { color: colour("ink"), size: 13 };
      return made;
    }
    const tone = trace.colours ? trace.colours.map(colour) : colour(trace.colour ?? "accent");
    if (trace.type === "scatter" && trace.mode === "lines") made.line = { ...trace.line, color: tone };
    else made.marker = { color: tone, symbol: trace.symbol, size: trace.size, line: { width: trace.symbol?.endsWith("open") ? 3 : 0, color: tone } };
    if (trace.fillcolour) made.fillcolor = colour(trace.fillcolour);
    return made;
  });
}

function faint(hex) {
  return /^#[0-9a-f]{6}$/i.test(hex) ? `${hex}55` : hex;
}

function layout(block) {
  const isSankey = block.traces[0]?.type === "sankey";
  const { marks = [], levels = [], height, ...given } = block.layout;
  const axis = { gridcolor: colour("line"), zerolinecolor: colour("line-strong"), linecolor: colour("line-strong"), automargin: true };
  const line = { width: 2, dash: "dot", color: colour("lamp-red") };
  return {
    ...given,
    height: height ?? 340,
    xaxis: { ...axis, ...given.xaxis },
    yaxis: { ...axis, ...given.yaxis },
    margin: isSankey ? { l: 8, r: 90, t: 16, b: 16 } : { l: 56, r: 16, t: 24, b: 48 },
    paper_bgcolor: colour("sheet"),
    plot_bgcolor: colour("sheet"),
    font: { color: colour("ink"), family: getComputedStyle(document.body).fontFamily, size: 13 },
    legend: { orientation: "h", y: 1.12, x: 0, ...given.legend },
    hoverlabel: { bgcolor: colour("raised"), font: { color: colour("ink") } },
    shapes: [
      ...marks.map((mark) => ({ type: "line", x0: mark.x, x1: mark.x, y0: 0, y1: 1, yref: "paper", line })),
      ...levels.map((level) => ({ type: "line", y0: level.y, y1: level.y, x0: 0, x1: 1, xref: "paper", line })),
    ],
    annotations: [
      ...marks.map((mark) => ({ x: mark.x, y: 1, yref: "paper", text: mark.text, showarrow: false, yanchor: "bottom" })),
      ...levels.map((level) => ({ y: level.y, x: 1, xref: "paper", text: level.text, showarrow: false, xanchor: "right", yanchor: "bottom" })),
    ],
  };
}

function arcChart(block) {
  const plot = h("div", { class: "plot arc", tabindex: 0, role: "group", "aria-label": block.title });
  charts.push(() => plot.replaceChildren(drawArcs(block, colour, `${block.title}. ${block.says}`)));
  return frame(block, plot, () => svgToPng(plot.querySelector("svg"), block.name));
}

function svgToPng(svg, name) {
  const { width, height } = svg.viewBox.baseVal;
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const image = new Image();
  image.onload = () => {
    const canvas = h("canvas", { width: width * 2, height: height * 2 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = colour("sheet");
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => {
      const link = h("a", { href: URL.createObjectURL(blob), download: `${name}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
}

function table(block) {
  const head = h("tr", {}, block.columns.map((one) => h("th", { scope: "col", class: one.number ? "number" : null }, one.label)));
  const rows = block.rows.map((row) => h("tr", {}, row.map((cell, nth) => h("td", { class: block.columns[nth].number ? "number" : null },
    cell.href ? h("a", { href: cell.href }, cell.text) : cell.text))));
  const csv = /^(neighbours|saved)$/.test(block.name) ? null
    : h("a", { class: "button", href: csvUrl(block.name.split("-")[0]), download: "" }, "CSV");
  const more = block.more ? h("p", { class: "soft small" }, w("figures.more_rows", { count: block.more })) : null;
  const body = rows.length
    ? h("div", { class: "table", tabindex: 0, role: "region", "aria-label": block.title }, h("table", {}, h("thead", {}, head), h("tbody", {}, rows)))
    : h("p", { class: "soft" }, w("common.nothing"));
  return h("section", { class: "tools" }, h("div", { class: "head" }, h("h2", {}, block.title), csv), body, more,
    block.note ? h("p", { class: "soft small" }, block.note) : null);
}

/** Charts that follow one another stand side by side, those of states in a row over the whole width. */
function laidOut(blocks) {
  const made = [];
  let row = null;
  for (const block of blocks) {
    const node = makers[block.kind](block);
    if (block.kind !== "chart" || block.layout.height > 400) {
      row = null;
      made.push(node);
    } else if (row) {
      row.append(node);
    } else {
      row = h("div", { class: "charts" }, node);
      made.push(row);
    }
  }
  return made;
}

function redraw() {
  for (const draw of charts) draw();
}

const failed = (error) => h("p", { class: "problem", role: "alert" }, w("common.failed", { why: error.message }));

/** Figures and tables at once; charts when Plotly is there, which is large. */
async function show() {
  try {
    const { blocks } = await ask(`${page.data}?${query}`);
    place.replaceChildren(...laidOut(blocks));
    await drawn.then(redraw).catch((error) => place.prepend(failed(error)));
  } catch (error) {
    place.replaceChildren(failed(error));
  } finally {
    place.setAttribute("aria-busy", "false");
  }
}

const library = document.getElementById("plotly");
const drawn = new Promise((resolve, reject) => {
  if (window.Plotly) resolve();
  library.addEventListener("load", resolve);
  library.addEventListener("error", () => reject(new Error(library.src)));
});
const redrawn = () => drawn.then(redraw);
document.addEventListener("theme", redrawn);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawn);
show();
