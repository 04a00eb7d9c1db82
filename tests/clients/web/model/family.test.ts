// A family's taps over its storage, without a server.
import type { FamilyModel } from '@web/model/family.ts';
import { openDatabase } from '@web/store/database.ts';
import { expect, test } from 'vitest';
import { crying, typed } from '../families.ts';
import { replicaAlone } from '../sync/replica_alone.ts';
import { openAlone } from './app_alone.ts';

test('a tap names what it saw by the name it has now, shown or not', async () => {
  const phone = await replicaAlone('renamed');
  await phone.bookmark('a', 1, true);
  await phone.tap();
  await phone.pair('7');
  const app = await openAlone('renamed');
  const family = app.families.value[0] as FamilyModel;
  const interval = typed('2025-01-14T01:10Z');
  const id = await family.log({ childId: '8'.repeat(32), detail: crying, interval, text: 'one' });
  // What was tapped before the pairing comes first under the new id; the screen is not told yet.
  await phone.bookmark('a', 2, true);
  await family.edit(id, 'logEntry', { text: 'two' });

  const database = await openDatabase('renamed', () => {});
  const [before, logged, edited] = await database.getAll('outbox');
  expect([before?.seq, logged?.seq, edited?.seq]).toEqual([1, 2, 3]);
  const index = logged?.edits.findIndex(({ group }) => group === 'text');
  expect(edited?.edits[0]?.saw).toEqual([{ replicaId: '7'.repeat(32), seq: 2, index }]);
  database.close();
  phone.close();
  app.close();
});
