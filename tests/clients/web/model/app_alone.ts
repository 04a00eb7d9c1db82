// The app over its storage, with no server and no other tab.
import 'fake-indexeddb/auto';
import { DeviceClock } from '@web/model/device_clock.ts';
import { openApp } from '@web/model/open_app.ts';

export async function openAlone(name: string) {
  const app = openApp({
    name,
    clock: new DeviceClock(),
    loadRemote: () => Promise.reject(new Error('there is no server')),
    marker: { isSet: () => false, set: () => {} },
    withLock: () => {},
    storage: { persisted: async () => true, persist: async () => true },
    onOnline: () => {},
  });
  await app.opened;
  return app;
}
