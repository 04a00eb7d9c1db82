// The app over its storage, without a server.
import type { SyncHost } from '@web/model/remote.ts';
import { expect, test, vi } from 'vitest';
import { replicaAlone } from '../sync/replica_alone.ts';
import { openAlone } from './app_alone.ts';

test('families are read again after the storage failed once', async () => {
  const app = await openAlone('fails_once');
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
