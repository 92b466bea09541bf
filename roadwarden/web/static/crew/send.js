// Sends what is owed, in the order in which it was done. What the server refuses stays, with its reason, for the crew to
// see; what it cannot answer now is sent again later under the same key, and so is done once.

import { ask, csrf, newKey } from "../kit.js";
import { forget, keep, owed } from "./store.js";

let skew = 0; // milliseconds that the phone's clock is behind the server's
export const serverNow = () => new Date(Date.now() + skew);
export const learn = (iso) => (skew = Date.parse(iso) - Date.now());

export const owe = (who, kind, name, body = {}, pictures = []) =>
  keep({ who, key: newKey(), kind, case: name, body, pictures, at: serverNow().toISOString(), refused: null });

let sending = null;
/** Resolves to how many were answered. Two at once would send nothing twice, but are of no use. */
export function sendAll(who) {
  sending ??= sendEach(who).finally(() => (sending = null));
  return sending;
}

async function sendEach(who) {
  let answered = 0;
  const stuck = new Set();
  for (const entry of await owed()) {
    if (entry.who !== who || entry.refused || stuck.has(entry.case)) continue;
    try {
      await send(entry);
      await forget(entry.number);
      answered += 1;
    } catch (error) {
      stuck.add(entry.case);
      if (error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status))
        await keep({ ...entry, refused: error.message });
      else if (error.status === undefined || error.status === 401) break;
    }
  }
  return answered;
}

function send(entry) {
  const headers = { "idempotency-key": entry.key };
  if (entry.kind !== "report") {
    const url = `/api/v1/cases/${encodeURIComponent(entry.case)}/${entry.kind}`;
    return ask(url, { method: "POST", body: { ...entry.body, occurred_at: entry.at }, headers: { ...headers, "if-match": "*" } });
  }
  const form = new FormData();
  form.set("csrf_token", csrf());
  form.set("case", entry.case);
  form.set("occurred_at", entry.at);
  entry.pictures.forEach((picture, index) => form.append("pictures", picture, `${index + 1}.jpg`));
  return ask("/crew/reports", { method: "POST", body: form, headers });
}
