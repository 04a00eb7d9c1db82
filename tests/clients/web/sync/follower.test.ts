// What a family's stream does with the messages that come.
import { createRouterTransport } from '@connectrpc/connect';
import { SyncService } from '@web/gen/nightlog/v1/sync_service_pb.js';
import { makeCalls } from '@web/sync/calls.ts';
import { follow } from '@web/sync/follower.ts';
import type { Received } from '@web/sync/replica.ts';
import { expect, test } from 'vitest';

test('a message that says nothing is heard, and nothing else', async () => {
  const transport = createRouterTransport(({ service }) =>
    service(SyncService, {
      async *follow() {
        yield {};
        yield { bookmark: { cursor: { lineage: new Uint8Array(16), revision: 7n } } };
        yield {};
      },
      acknowledge: () => ({}),
    }),
  );
  const calls = makeCalls(
    () => transport,
    async () => 'token',
  );
  const taken: Received[] = [];
  const sink = {
    cursor: async () => ({ lineage: '', revision: 0 }),
    apply: async (received: Received) => void taken.push(received),
    close: async () => expect.unreachable(),
  };
  let heard = 0;
  await follow(
    '1'.repeat(32),
    sink,
    calls,
    new AbortController().signal,
    () => heard++,
    () => {},
  );
  expect(heard).toBe(3);
  expect(taken).toMatchObject([{ fromNothing: true, bookmark: { cursor: { revision: 7n } } }]);
});
