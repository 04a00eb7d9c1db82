// The app over its storage, without a server.
import 'fake-indexeddb/auto';
import { DeviceClock } from '@web/model/device_clock.ts';
import { openApp } from '@web/model/open_app.ts';
import type { SyncHost } from '@web/model/remote.ts';
import { expect, test, vi } from 'vitest';
import { replicaAlone } from '../sync/replica_alone.ts';

test('families are read again after the storage failed once', async () => {
  const app = openApp({
    name: 'fails_once',
    clock: new DeviceClock(),
    loadRemote: () => Promise.reject(new Error('there is no server')),
    marker: { isSet: () => false, set: () => {} },
    withLock: () => {},
    storage: { persisted: async () => true, persist: async () => true },
    onOnline: () => {},
  });
  await app.opened;
  (await replicaAlone('fails_once')).close();

  const host = app as unknown as SyncHost;
  const failing = vi.spyOn(IDBObjectStore.prototype, 'getAll').mockImplementationOnce(() => {
    throw new DOMException('disk I/O error', 'UnknownError');
  });
  await expect(host.familiesChanged()).rejects.toThrow('disk I/O error');
  failing.mockRestore();
  await host.familiesChanged();
  expect(app.families.value).toHaveLength(1);
  app.close();
});
