// All that is known of one defect, beside the map.

import { ask, h, icon, tried, w, when, whenShort } from "./kit.js";
import { comparison } from "./compare.js";

const fact = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];
const metres = (value) => value.toLocaleString(undefined, { maximumFractionDigits: 2 });

/** Fills the panel; returns [lon, lat] of the defect. */
export async function showDefect(panel, id, onShut) {
  panel.hidden = false;
  panel.replaceChildren(h("p", { class: "soft" }, w("common.loading")));
  const told = await tried(() => ask(`/map/defects/${id}`));
  const shut = () => ((panel.hidden = true), onShut());
  if (!told) {
    shut();
    return null;
  }
  panel.replaceChildren(
    h("button", { class: "shut plain", title: w("common.close"), "aria-label": w("common.close"), onclick: shut }, icon("close")),
    h("h2", {}, w(`type.${told.type}`)),
    h("p", { class: "soft" }, told.street ? `${told.street} · ${metres(told.chainage_m)} m` : w("map.off_road")),
    h("p", { class: "row" }, ...tags(told)),
    pictures(told), repair(told), facts(told), votes(told), cases(told), events(told), sightings(told),
  );
  panel.onkeydown = (event) => {
    if (event.key === "Escape") shut(); // and say nothing else: false would take every other key away from the panel
  };
  panel.focus();
  return [told.lon, told.lat];
}

function tags(told) {
  const found = [];
  if (told.severity) found.push(h("span", { class: `tag ${told.severity === "severe" ? "red" : "yellow"}` }, w(`severity.${told.severity}`)));
  if (told.suspected) found.push(h("span", { class: "tag" }, w("map.suspected")));
  found.push(h("span", { class: "tag" }, w(`presence.${told.presence}`)));
  return found;
}

function facts(told) {
  return h("section", {}, h("dl", { class: "facts" },
    ...fact(w("map.size"), `${metres(told.length_m)} × ${metres(told.width_m)} m ± ${metres(1.96 * told.size_sigma_m)} m`),
    ...fact(w("map.place_error"), `± ${metres(told.place_sigma_m * 1.96)} m`),
    ...fact(w("map.first_seen"), when(told.first_seen_at)), ...fact(w("map.last_seen"), when(told.last_seen_at)),
    ...fact(w("map.passes"), `${told.passes} / ${told.sightings_count}`),
    ...fact(w("map.id"), h("code", {}, told.id.slice(0, 12)))));
}

function votes(told) {
  const rows = told.votes.map(({ type, share }) =>
    h("div", {}, h("span", {}, w(`type.${type}`)), h("meter", { min: 0, max: 1, value: share, "aria-label": w(`type.${type}`) }),
      h("span", { class: "nums" }, `${Math.round(share * 100)} %`)));
  return h("section", {}, h("h3", {}, w("map.votes")), h("div", { class: "bars" }, ...rows));
}

function cases(told) {
  if (!told.cases.length) return h("section", {}, h("h3", {}, w("map.cases")), h("p", { class: "soft" }, w("map.no_case")));
  const rows = told.cases.map((one) =>
    h("a", { href: `/cases/${encodeURIComponent(one.case_id)}`, class: "row" }, h("span", { class: `lamp ${one.light}` }),
      h("span", {}, one.case_id), h("span", { class: "soft" }, w(`state.${one.state}`))));
  return h("section", {}, h("h3", {}, w("map.cases")), ...rows);
}

/** Of the newest sightings; a frame whose archive is not at hand any more is left out. */
function pictures(told) {
  if (!told.pictures.length) return "";
  const shown = told.pictures.map((one) => h("figure", {}, h("a", { href: one.whole },
    h("img", { src: one.url, alt: `${w("map.sightings")} ${whenShort(one.at)}`, onerror: (event) => event.target.closest("figure").remove() })),
    h("figcaption", { class: "small soft" }, whenShort(one.at))));
  return h("section", {}, h("h3", {}, w("map.pictures")), h("div", { class: "pictures" }, ...shown));
}

function repair(told) {
  const { repair: one } = told;
  if (!one) return "";
  const drawn = one.overlay ? h("a", { href: one.overlay }, h("img", { class: "overlay", src: one.overlay, alt: w("map.overlay") })) : null;
  return h("section", {}, h("h3", {}, w("case.compare"), " ", h("a", { href: `/cases/${encodeURIComponent(one.case)}` }, one.case)),
    comparison({ url: one.before }, { url: one.after }), drawn);
}

/** What happened to the newest case. */
function events(told) {
  if (!told.events.length) return "";
  const rows = told.events.map((one) => h("li", {}, h("time", { class: "nums soft" }, whenShort(one.at)), " ", w(`event.${one.type}`)));
  return h("section", {}, h("h3", {}, w("map.events")), h("ol", { class: "events" }, ...rows));
}

function sightings(told) {
  const rows = told.sightings.map((one) => h("tr", {}, h("td", {}, whenShort(one.seen_at)), h("td", {}, w(`type.${one.type}`)),
    h("td", { class: "number" }, one.score.toFixed(2)), h("td", { class: "number" }, `${metres(one.length_m)} × ${metres(one.width_m)}`)));
  const head = h("tr", {}, ...["map.seen", "map.type", "map.score", "map.size"].map((key) => h("th", { scope: "col" }, w(key))));
  return h("section", {}, h("h3", {}, w("map.sightings")),
    h("div", { class: "table sightings", tabindex: "0", role: "region", "aria-label": w("map.sightings") },
      h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows))));
}
