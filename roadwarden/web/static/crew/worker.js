// Keeps the crew's page: its files for ever (their path holds their version), the day and the pictures as last seen.
// SHELL and VERSION stand above: the server writes them.

const FILES = `crew-files-${VERSION}`;
const SEEN = "crew-seen";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("crew-files-") && name !== FILES);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/assets/")) event.respondWith(keptFirst(event.request, FILES));
  else if (url.pathname.startsWith("/case-pictures/")) event.respondWith(keptFirst(event.request, SEEN));
  else if (url.pathname === "/crew") event.respondWith(networkFirst(event.request, FILES));
  else if (url.pathname === "/crew/day") event.respondWith(networkFirst(event.request, SEEN));
});

async function keptFirst(request, name) {
  const cache = await caches.open(name);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) cache.put(request, answer.clone());
  return answer;
}

/** The network if it answers within four seconds; another account's page or a login page is never kept. */
async function networkFirst(request, name) {
  const cache = await caches.open(name);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(4000) });
    if (answer.ok && !answer.redirected) cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
