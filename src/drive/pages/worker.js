// The service worker of the driver's pages. It opens them without the server: its cache has the page without data and its
// assets, named by their hashes. It never replaces itself during a day: the page says when nothing waits.
const BASE = "/*BASE*/";
const PAGE = `${BASE}/drive/offline`;
const ASSETS = "/*ASSETS*/";
const CACHE = `drive ${ASSETS.join(" ")}`;
// How long a page of the server may take.
const PATIENCE_MS = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...ASSETS])));
});

self.addEventListener("activate", (event) => {
  const others = caches.keys().then((names) => names.filter((name) => name.startsWith("drive ") && name !== CACHE));
  event.waitUntil(others.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => clients.claim()));
});

self.addEventListener("message", ({ data }) => {
  if (data === "nothing-waits") self.skipWaiting();
});

// The page of the server; the cached one if it does not answer, or asks for a login that the day key makes needless.
async function open(request) {
  const stored = () => caches.match(PAGE);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  try {
    const answer = await Promise.race([fetch(request), late]);
    if (!answer || answer.type === "opaqueredirect" || answer.status >= 502) return (await stored()) ?? answer ?? Response.error();
    return answer;
  } catch {
    return (await stored()) ?? Response.error();
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate" && pathname === `${BASE}/drive`) event.respondWith(open(request));
  else if (ASSETS.includes(pathname)) event.respondWith(caches.match(request).then((found) => found ?? fetch(request)));
});
