// What is done to cases, by the commands of the API: with the version that was seen and a key of its own.

import { ask, called, h, language, momentOf, newKey, page, tried, w } from "./kit.js";

/** Sends one command; raises Refused. */
export function command(name, version, action, body = {}, key = newKey()) {
  const url = action.wish ? `/api/v1/cases/${encodeURIComponent(name)}/wishes` : `/api/v1/cases/${encodeURIComponent(name)}/${action.path}`;
  const sent = action.wish ? { type: action.kind, data: body } : body;
  return ask(url, { method: "POST", body: sent, headers: { "idempotency-key": key, "if-match": version === null ? "*" : `"${version}"` } });
}

/** What takes a command back, where the workflow has such a thing; a reopening is recorded as one. */
export const UNDO = {
  merged: { kind: "unmerged", path: "unmerge", body: {} },
  closed: { kind: "reopened", path: "reopen", body: { reason: w("case.closed_by_mistake") } },
};

const options = (pairs, first) => [...(first === undefined ? [] : [h("option", { value: "" }, first)]), ...pairs.map(([value, text]) => h("option", { value }, text))];
const verdicts = ["REPAIRED", "REPAIRED_WITH_DEFECT", "PARTIAL", "NOT_REPAIRED", "WRONG_OBJECT", "LOCATION_UNCERTAIN", "INSUFFICIENT_EVIDENCE"];

const makers = {
  reason: () => h("textarea", { name: "reason", rows: 2, maxlength: 500, required: true }),
  kind: () => h("select", { name: "kind" }, ...options([["fence", w("field.fence")], ["guard", w("field.guard")], ["plate", w("field.plate")]])),
  to: () => h("select", { name: "to" }, ...options([["severe", w("severity.severe")]])),
  verdict: () => h("select", { name: "verdict" }, ...options(verdicts.map((one) => [one, w(`verdict.${one}`)]))),
  into: () => h("input", { name: "into", required: true, maxlength: 200 }),
  until: () => h("input", { name: "until", type: "datetime-local", required: true }),
  due: () => h("input", { name: "due", type: "datetime-local", required: true }),
  department: () => h("select", { name: "department" }, ...options(page.departments.map((one) => [one.id, one[language]]), w("field.by_rules"))),
  department_to: () => h("select", { name: "to" }, ...options(page.departments.map((one) => [one.id, one[language]]))),
  crew: () => h("select", { name: "crew" }, ...options(page.departments.flatMap((one) => one.crews.map((crew) => [crew, called(crew)])), w("field.no_crew"))),
};

/** What a filled form says to the command. */
export function said(action, form, report) {
  const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  for (const name of ["until", "due"]) if (body[name]) body[name] = momentOf(body[name]);
  if (["assessed", "evidence_requested"].includes(action.kind)) body.report_seq = report;
  if (action.kind === "extended") body.clock = "repair";
  return body;
}

/** Asks what has to be filled in and does it; `done` is called with the answer. */
export function perform(dialog, action, name, version, report, done) {
  const fields = action.fields.filter((field) => makers[field]);
  const go = async (body) => {
    const answer = await tried(() => command(name, version, action, body));
    if (answer) done(answer);
  };
  if (!fields.length) return go({});
  const form = h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, w(`do.${action.kind}`)),
    action.wish ? h("p", { class: "soft" }, w("case.needs_approval")) : null,
    ...fields.map((field) => h("label", { class: "above" }, w(`field.${field}`), makers[field]())),
    h("div", { class: "row" }, h("button", { type: "button", onclick: () => dialog.close() }, w("common.cancel")), h("button", { class: "main" }, w(`do.${action.kind}`))));
  if (action.kind === "assessed") form.elements.reason.required = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    go(said(action, form, report));
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  return undefined;
}
