// When a push is tried again.
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { SyncService } from '@web/gen/nightlog/v1/sync_service_pb.js';
import { DeviceClock } from '@web/model/device_clock.ts';
import { makeCalls } from '@web/sync/calls.ts';
import { Pusher } from '@web/sync/pusher.ts';
import { afterEach, beforeEach, test, vi } from 'vitest';
import { replicaAlone } from './replica_alone.ts';

// No wait of the pusher ends by itself.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('what comes online while a push fails lets it be tried at once', async () => {
  const phone = await replicaAlone('hurried');
  await phone.tap();
  let arrived = () => {};
  const nextPush = () => new Promise<void>((resolve) => (arrived = resolve));
  let fail = () => {};
  const transport = createRouterTransport(({ service }) =>
    service(SyncService, {
      push: () => {
        arrived();
        return new Promise((_, reject) => {
          fail = () => reject(new ConnectError('no network', Code.Unavailable));
        });
      },
    }),
  );
  const calls = makeCalls(
    () => transport,
    async () => 'token',
  );
  const pusher = new Pusher(phone.family, phone.replica, calls, new DeviceClock(), () => {});
  const first = nextPush();
  void pusher.run();
  await first;
  pusher.hurry();
  const second = nextPush();
  fail();
  await second;
  pusher.stop();
  fail();
  phone.close();
});
