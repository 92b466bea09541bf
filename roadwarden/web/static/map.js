// The road-health map. What is shown stands in the address: zoom and place, layers, filters, moment, the chosen defect.

import { afterPaint, all, ask, el, h, page, w, when, whenShort } from "./kit.js";
import { showDefect } from "./panel.js";

const wanted = new URLSearchParams(location.search);
const state = {
  layers: new Set((wanted.get("layers") ?? "health,defects,cases").split(",").filter(Boolean)),
  types: new Set((wanted.get("types") ?? "").split(",").filter(Boolean)),
  severity: wanted.get("severity") ?? "",
  late: wanted.get("late") === "1",
  at: wanted.get("at") ?? "",
  defect: wanted.get("defect") ?? "",
};

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const lamp = () => ["--lamp-green", "--lamp-grey", "--lamp-yellow", "--lamp-red"].map(css);
const byCode = () => ["match", ["get", "code"], 0, lamp()[0], 1, lamp()[1], 2, lamp()[2], lamp()[3]];
// A metre is this many pixels at zoom 0, at the city's latitude; it doubles with every zoom.
const metre0 = 512 / (40075016.7 * Math.cos((page.centre[1] * Math.PI) / 180));
const metres = (value, least) => ["interpolate", ["exponential", 2], ["zoom"],
  10, least, 13, ["max", least + 0.6, ["*", value, metre0 * 2 ** 13]], 22, ["*", value, metre0 * 2 ** 22]];

function tiles(kind) {
  const query = new URLSearchParams();
  if (state.at) query.set("at", state.at);
  if (kind !== "health" && kind !== "ages") {
    if (state.types.size) query.set("types", [...state.types].join(","));
    if (state.severity) query.set("severity", state.severity);
    if (kind === "cases" && state.late) query.set("late", "1");
  }
  const tail = query.size ? `?${query}` : "";
  return [`${location.origin}/map/tiles/${kind}/{z}/{x}/{y}.pbf${tail}`];
}

const source = (kind, maxzoom) => ({ type: "vector", tiles: tiles(kind), minzoom: 6, maxzoom });

/** The city's own basemap, quietly: layers by the names that Protomaps and OpenMapTiles give them. */
function base() {
  const { basemap } = page;
  if (!basemap) return [];
  if (!basemap.vector) return [{ id: "base", type: "raster", source: "base", paint: { "raster-opacity": 0.55, "raster-saturation": -0.6 } }];
  const fills = { landcover: "--base-green", landuse: "--base-green", park: "--base-green", water: "--base-water", buildings: "--base-building", building: "--base-building" };
  const lines = { roads: 1.4, transportation: 1.4, boundaries: 0.7, boundary: 0.7 };
  const has = ([name]) => basemap.layers.includes(name);
  return [
    ...Object.entries(fills).filter(has).map(([name, colour]) => ({ id: `base-${name}`, type: "fill", source: "base", "source-layer": name,
      filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": css(colour) } })),
    ...Object.entries(lines).filter(has).map(([name, width]) => ({ id: `base-${name}`, type: "line", source: "base", "source-layer": name,
      paint: { "line-color": css("--base-line"), "line-width": width } })),
  ];
}

const baseSource = () => page.basemap && { base: { type: page.basemap.vector ? "vector" : "raster", tiles: [`${location.origin}/map/tiles/base/{z}/{x}/{y}`],
  minzoom: page.basemap.minzoom, maxzoom: page.basemap.maxzoom, tileSize: page.basemap.vector ? 512 : 256 } };

function layers() {
  const far = ["all", ["has", "count"]];
  const near = ["all", ["!", ["has", "count"]]];
  const shown = (name) => ({ visibility: state.layers.has(name) ? "visible" : "none" });
  return [
    { id: "ground", type: "background", paint: { "background-color": css("--sunk") } },
    ...base(),
    { id: "casing", type: "line", source: "health", "source-layer": "bands", layout: { "line-cap": "butt", ...shown("health") },
      paint: { "line-color": css("--sheet"), "line-width": metres(["+", ["get", "width"], 3], 2) } },
    { id: "bands", type: "line", source: "health", "source-layer": "bands", layout: { "line-join": "round", ...shown("health") },
      paint: { "line-color": byCode(), "line-width": metres(["get", "width"], 1.2), "line-opacity": 0.92 } },
    { id: "cells", type: "fill", source: "health", "source-layer": "cells", layout: shown("health"),
      paint: { "fill-color": byCode(), "fill-antialias": false, "fill-opacity": 0.92 } },
    { id: "ages", type: "line", source: "ages", "source-layer": "ages", layout: { "line-join": "round", ...shown("ages") },
      paint: { "line-color": ["match", ["get", "age"], ...[0, 1, 2, 3, 4].flatMap((age) => [age, css(`--age-${age}`)]), css("--age-5")],
        "line-width": metres(["get", "width"], 1.2) } },
    { id: "roads", type: "line", source: "health", "source-layer": "streets",
      paint: { "line-color": css("--line-strong"), "line-width": ["interpolate", ["linear"], ["zoom"], 13, 0.5, 18, 1.2], "line-dasharray": [4, 3],
        "line-opacity": 0.6 } },
    { id: "names", type: "symbol", source: "health", "source-layer": "streets", minzoom: 14.5,
      layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-size": 13, "text-font": ["sans-serif"], "symbol-spacing": 260 },
      paint: { "text-color": css("--ink"), "text-halo-color": css("--sheet"), "text-halo-width": 1.8 } },
    { id: "heat", type: "heatmap", source: "defects", "source-layer": "defects", layout: shown("heat"),
      paint: { "heatmap-weight": ["+", ["coalesce", ["get", "count"], 1], ["*", 2, ["to-number", ["get", "severe"]]]],
        "heatmap-intensity": ["interpolate", ["linear"], ["zoom"], 10, 0.03, 14, 0.12, 17, 0.8],
        "heatmap-radius": ["interpolate", ["linear"], ["zoom"], 10, 14, 14, 26, 18, 60], "heatmap-opacity": 0.75,
        "heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], 0, "rgba(35,153,90,0)", 0.2, lamp()[0], 0.5, lamp()[2], 1, lamp()[3]] } },
    { id: "defects-far", type: "circle", source: "defects", "source-layer": "defects", filter: far, layout: shown("defects"),
      paint: { "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "count"]], 1, 3, 6, 9, 20, 18],
        "circle-color": ["case", [">", ["get", "severe"], 0], lamp()[3], lamp()[2]], "circle-opacity": 0.55,
        "circle-stroke-color": css("--sheet"), "circle-stroke-width": 1 } },
    { id: "defects", type: "circle", source: "defects", "source-layer": "defects", filter: near, layout: shown("defects"),
      paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 14, 3.5, 18, 8],
        "circle-color": ["case", ["get", "severe"], lamp()[3], lamp()[2]],
        "circle-opacity": ["case", ["get", "seen"], 0.95, 0.35], "circle-stroke-color": css("--ink"), "circle-stroke-width": 1.2 } },
    { id: "cases-far", type: "circle", source: "cases", "source-layer": "cases", filter: far, layout: shown("cases"),
      paint: { "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "count"]], 1, 5, 6, 12, 20, 22], "circle-opacity": 0,
        "circle-stroke-color": ["case", [">", ["get", "late"], 0], css("--red"), css("--accent")], "circle-stroke-width": 2.5 } },
    { id: "cases", type: "circle", source: "cases", "source-layer": "cases", filter: near, layout: shown("cases"),
      paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 14, 7, 18, 14], "circle-opacity": 0,
        "circle-stroke-color": ["case", ["get", "late"], css("--red"), css("--accent")], "circle-stroke-width": 2.5 } },
    { id: "chosen", type: "circle", source: "chosen",
      paint: { "circle-radius": 17, "circle-opacity": 0, "circle-stroke-color": css("--ink"), "circle-stroke-width": 3 } },
  ];
}

function style() {
  return {
    version: 8, transition: { duration: 0, delay: 0 }, // a colour that fades in is drawn twenty times
    glyphs: `${location.origin}/map/glyphs/{fontstack}/{range}.pbf`,
    sources: { ...baseSource(), health: source("health", 17), ages: source("ages", 16), defects: source("defects", 16), cases: source("cases", 16),
      chosen: { type: "geojson", data: { type: "FeatureCollection", features: [] } } },
    layers: layers(),
  };
}

const [zoom, lat, lon] = (wanted.get("map") ?? "").split("/").map(Number);
const map = new maplibregl.Map({
  container: "map", style: style(), attributionControl: false, dragRotate: false, pitchWithRotate: false, maxZoom: 21, minZoom: 8,
  fadeDuration: 0,
  ...(Number.isFinite(lon) ? { center: [lon, lat], zoom } : { bounds: page.bounds, fitBoundsOptions: { padding: { top: 30, left: 30, right: 30, bottom: 90 } } }),
  localIdeographFontFamily: '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
});
window.roadMap = map; // for tests
// MapLibre draws Chinese letters with the device's fonts and wants files for all others; it has no setting for those.
const glyphs = Object.getPrototypeOf(map.style.glyphManager ?? {});
if (glyphs._doesCharSupportLocalGlyph) glyphs._doesCharSupportLocalGlyph = () => true;
map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "bottom-right");
if (page.basemap?.attribution) el("#thanks").textContent = new DOMParser().parseFromString(page.basemap.attribution, "text/html").body.textContent;
map.addControl(new maplibregl.ScaleControl({ maxWidth: 110 }), "bottom-right");
map.touchZoomRotate.disableRotation();
map.keyboard.disableRotation();

function remember() {
  const query = new URLSearchParams();
  const centre = map.getCenter();
  query.set("map", `${map.getZoom().toFixed(2)}/${centre.lat.toFixed(5)}/${centre.lng.toFixed(5)}`);
  query.set("layers", [...state.layers].join(","));
  if (state.types.size) query.set("types", [...state.types].join(","));
  for (const name of ["severity", "at", "defect"]) if (state[name]) query.set(name, state[name]);
  if (state.late) query.set("late", "1");
  history.replaceState(null, "", `?${query}`.replaceAll("%2F", "/").replaceAll("%2C", ","));
}
map.on("moveend", remember);

function reload(...kinds) {
  afterPaint(() => kinds.forEach((kind) => map.getSource(kind)?.setTiles(tiles(kind))));
  remember();
}

// Layers and filters

function showLayers() {
  const of = { health: ["casing", "bands", "cells"], ages: ["ages"], heat: ["heat"], defects: ["defects", "defects-far"], cases: ["cases", "cases-far"] };
  for (const [name, ids] of Object.entries(of))
    for (const id of ids) map.setLayoutProperty(id, "visibility", state.layers.has(name) ? "visible" : "none");
  showLegend();
}

const showLegend = () => (el("#ages").hidden = !state.layers.has("ages"));
showLegend();
for (const box of all("[data-layer]")) {
  box.checked = state.layers.has(box.dataset.layer);
  box.addEventListener("change", () => {
    state.layers[box.checked ? "add" : "delete"](box.dataset.layer);
    afterPaint(showLayers);
    remember();
  });
}
for (const box of all("[data-type]")) {
  box.checked = state.types.has(box.dataset.type);
  box.addEventListener("change", () => {
    state.types[box.checked ? "add" : "delete"](box.dataset.type);
    reload("defects", "cases");
  });
}
const severity = el("#severity");
severity.value = state.severity;
severity.addEventListener("change", () => ((state.severity = severity.value), reload("defects", "cases")));
const late = el("#late");
late.checked = state.late;
late.addEventListener("change", () => ((state.late = late.checked), reload("cases")));
el("#map-open").addEventListener("click", () => el("#map-side").classList.toggle("open"));

// The moment

const slider = el("#moment");
const told = el("#moment-told");
const first = new Date(page.first).getTime();
const last = new Date(page.now).getTime();
const days = Math.max(1, Math.round((last - first) / 864e5));
slider.max = days;
slider.value = state.at ? Math.round((new Date(state.at).getTime() - first) / 864e5) : days;

function tellMoment() {
  told.textContent = state.at ? when(state.at) : w("map.now");
  slider.setAttribute("aria-valuetext", told.textContent);
}
slider.addEventListener("input", () => {
  const day = Number(slider.value);
  state.at = day >= days ? "" : new Date(first + day * 864e5).toISOString().slice(0, 13) + ":00:00Z";
  tellMoment();
});
slider.addEventListener("change", () => (reload("health", "ages", "defects", "cases"), summarise()));
tellMoment();

async function summarise() {
  const query = state.at ? `?at=${encodeURIComponent(state.at)}` : "";
  const summary = await ask(`/map/summary${query}`).catch(() => null);
  if (!summary) return;
  for (const [code, count] of Object.entries(summary.cells)) {
    const place = el(`[data-count="${code}"]`);
    if (place) place.textContent = count < 1000 ? `${count} m²` : `${(count / 10000).toLocaleString(undefined, { maximumFractionDigits: 1 })} ha`;
  }
  el("#as-of").textContent = w("map.as_of", { at: whenShort(summary.at) });
}
summarise();

// What is clicked

const clickable = ["defects", "cases"];
for (const id of [...clickable, "defects-far", "cases-far"]) {
  map.on("mouseenter", id, () => (map.getCanvas().style.cursor = "pointer"));
  map.on("mouseleave", id, () => (map.getCanvas().style.cursor = ""));
}
map.on("click", (event) => afterPaint(() => clicked(event.lngLat)));

function clicked(place) {
  const { x, y } = map.project(place); // the map may have moved since
  const around = [[x - 6, y - 6], [x + 6, y + 6]];
  const [far] = map.queryRenderedFeatures(around, { layers: ["defects-far", "cases-far"] });
  if (far) return map.easeTo({ center: place, zoom: Math.min(map.getZoom() + 2, 16) });
  const found = map.queryRenderedFeatures(around, { layers: clickable });
  const defect = found.find((one) => one.layer.id === "defects");
  const kase = found.find((one) => one.layer.id === "cases");
  if (defect) choose(defect.properties.id);
  else if (kase) location.assign(`/cases/${encodeURIComponent(kase.properties.id)}`);
  else askRoad(place);
}

function askRoad(place) {
  const [road] = map.queryRenderedFeatures(map.project(place), { layers: ["roads", "bands", "cells"] }).filter((one) => one.properties.name !== undefined);
  if (!road) return;
  const popup = new maplibregl.Popup({ closeButton: false, maxWidth: "16rem" });
  const body = h("div", {}, h("strong", {}, road.properties.name || road.properties.id), h("br"),
    `${w("map.grade")} ${road.properties.grade}`);
  popup.setLngLat(place).setDOMContent(body).addTo(map);
}

async function choose(id) {
  state.defect = id;
  remember();
  const place = await showDefect(el("#panel"), id, () => ((state.defect = ""), mark(null), remember()));
  mark(place);
}

function mark(place) {
  const features = place ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: place } }] : [];
  map.getSource("chosen")?.setData({ type: "FeatureCollection", features });
}

map.once("load", () => state.defect && choose(state.defect));
document.addEventListener("theme", () => map.setStyle(style()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.setStyle(style()));
