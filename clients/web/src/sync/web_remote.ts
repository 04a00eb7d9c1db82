// The server that served this page, over gRPC-Web.
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import type { DeviceClock } from '../model/device_clock.ts';
import type { Remote, SyncHost } from '../model/remote.ts';
import { makeRemoteOn } from './remote.ts';

export function makeRemote(host: SyncHost & { clock: DeviceClock }): Remote {
  return makeRemoteOn(
    (interceptors) =>
      createGrpcWebTransport({
        baseUrl: location.origin,
        interceptors,
        // The app's own files go first.
        fetch: (input, init) => fetch(input, { ...init, priority: 'low' }),
      }),
    host,
  );
}
