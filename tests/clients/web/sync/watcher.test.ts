// What the stream of a caseload does with the messages that come.
import { createRouterTransport } from '@connectrpc/connect';
import { ProgressService } from '@web/gen/nightlog/v1/progress_service_pb.js';
import { makeCalls } from '@web/sync/calls.ts';
import { watch } from '@web/sync/watcher.ts';
import { expect, test } from 'vitest';
import { replicaAlone } from './replica_alone.ts';

test('a message that says nothing is heard, and nothing else', async () => {
  const { replica, family, close } = await replicaAlone('watch_nothing');
  const before = await replica.family(family);
  const transport = createRouterTransport(({ service }) =>
    service(ProgressService, {
      async *watch() {
        yield {};
      },
    }),
  );
  const calls = makeCalls(
    () => transport,
    async () => 'token',
  );
  let heard = 0;
  const { signal } = new AbortController();
  await watch(
    new Set([family]),
    replica,
    calls,
    signal,
    () => heard++,
    () => expect.unreachable(),
  );
  expect(heard).toBe(1);
  expect(await replica.family(family)).toEqual(before);
  close();
});
