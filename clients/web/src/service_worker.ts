/// <reference lib="webworker" />
// Keeps the app on the phone: every file of the build is fetched at installation, and each start is
// served from there, with or without a network. Calls to the server are never touched. A new version
// takes over when the app is next opened, not under a person's hands.
export {};

declare const self: ServiceWorkerGlobalScope & {
  __WB_MANIFEST: { url: string; revision: string | null }[];
};

const files = self.__WB_MANIFEST;
const PREFIX = 'nightlog-';

// One cache a build: its name is a hash of what is in it.
async function cacheName(): Promise<string> {
  const names = files.map(({ url, revision }) => `${url} ${revision ?? ''}`).join('\n');
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(names));
  return (
    PREFIX + [...new Uint8Array(hash, 0, 8)].map((b) => b.toString(16).padStart(2, '0')).join('')
  );
}

async function install(): Promise<void> {
  const cache = await caches.open(await cacheName());
  // Files with a hash in their name may come from the browser's cache; the others may not.
  await cache.addAll(
    files.map(({ url, revision }) => new Request(url, { cache: revision ? 'reload' : 'default' })),
  );
}

async function removeOldCaches(): Promise<void> {
  const kept = await cacheName();
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== kept).map((n) => caches.delete(n)),
  );
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(await cacheName());
  const page = request.mode === 'navigate';
  return (
    (await cache.match(page ? '/index.html' : request, { ignoreVary: true })) ?? fetch(request)
  );
}

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(removeOldCaches()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && new URL(request.url).origin === self.location.origin) {
    event.respondWith(answer(request));
  }
});
