// The browser as the app's surroundings.
import { DeviceClock } from '../model/device_clock.ts';
import type { Surroundings } from '../model/open_app.ts';

const MARKER = 'nightlog.paired';

export const browser: Surroundings = {
  name: 'nightlog',
  clock: new DeviceClock(),
  loadRemote: async (host) => {
    // In parts, for the work of each keeps a slow phone from answering a tap.
    await import('../sync/well_known.ts');
    await import('../gen/nightlog/v1/sync_service_pb.js');
    await import('../gen/nightlog/v1/family_service_pb.js');
    const { makeRemote } = await import('../sync/web_remote.ts');
    return makeRemote(host);
  },
  marker: {
    isSet: () => localStorage.getItem(MARKER) !== null,
    set: (paired) => {
      if (paired) localStorage.setItem(MARKER, '1');
      else localStorage.removeItem(MARKER);
    },
  },
  withLock: (name, signal, run) => {
    // Without locks (an insecure address) each tab syncs: the server takes repeats for what they are.
    if (!navigator.locks) void run();
    else navigator.locks.request(name, { signal }, run).catch(() => undefined);
  },
  storage: {
    persisted: async () => (await navigator.storage?.persisted?.()) ?? false,
    persist: async () => (await navigator.storage?.persist?.()) ?? false,
  },
  onOnline: (changed) => {
    changed(navigator.onLine);
    addEventListener('online', () => changed(true));
    addEventListener('offline', () => changed(false));
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') changed(navigator.onLine);
    });
  },
};
