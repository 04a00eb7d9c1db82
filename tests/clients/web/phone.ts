// A phone: the whole app but its screens, with a database of its own in memory, speaking gRPC-Web to a
// real daemon. Its network can be taken away, and an answer lost on the way.
import 'fake-indexeddb/auto';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { type Clocks, DeviceClock } from '@web/model/device_clock.ts';
import { openApp } from '@web/model/open_app.ts';
import { openDatabase } from '@web/store/database.ts';
import { makeRemoteOn } from '@web/sync/remote.ts';

export class Network {
  offline = false;
  // The answer to the next call of this method is lost.
  loses = '';
  pushes = 0;
  private readonly cuts = new Set<() => void>();
  private onlineAgain: (online: boolean) => void = () => {};

  readonly interceptor: Interceptor = (next) => async (request) => {
    if (this.offline) throw new ConnectError('no network', Code.Unavailable);
    if (request.method.name === 'Push') this.pushes++;
    const answer = await next(request);
    if (request.method.name === this.loses) {
      this.loses = '';
      throw new ConnectError('the answer was lost', Code.Unavailable);
    }
    if (!answer.stream) return answer;
    const cut = new Promise<never>((_, reject) => {
      this.cuts.add(() => reject(new ConnectError('no network', Code.Unavailable)));
    });
    cut.catch(() => {});
    const messages = answer.message[Symbol.asyncIterator]();
    const next_ = () => Promise.race([messages.next(), cut]);
    return { ...answer, message: { [Symbol.asyncIterator]: () => ({ next: next_ }) } };
  };

  watch(changed: (online: boolean) => void): void {
    this.onlineAgain = changed;
  }

  goOffline(): void {
    this.offline = true;
    for (const cut of this.cuts) cut();
    this.cuts.clear();
  }

  goOnline(): void {
    this.offline = false;
    this.onlineAgain(true);
  }
}

// A phone's clocks, which a test can set back, so that what is tapped then is older by that much.
class SettableClocks implements Clocks {
  agoMs = 0;
  wall(): number {
    return Date.now() - this.agoMs;
  }
  monotonicMs(): number {
    return performance.now() + 3_600_000 - this.agoMs;
  }
}

let phones = 0;
// Phones that remember to be paired, outside their databases.
const paired = new Set<string>();

export interface PhoneOptions {
  // Two tabs of one phone have the same name.
  name?: string;
  syncs?: boolean;
  // How far its clocks are behind from the start.
  agoMs?: number;
  // The answer to the first call of this method is lost.
  loses?: string;
}

export async function openPhone(origin: () => string, options: PhoneOptions = {}) {
  const { name = `phone-${++phones}`, syncs = true, agoMs = 0, loses = '' } = options;
  const clocks = new SettableClocks();
  clocks.agoMs = agoMs;
  const network = new Network();
  network.loses = loses;
  const app = openApp({
    name,
    clock: new DeviceClock(clocks),
    loadRemote: async (host) =>
      makeRemoteOn(
        (interceptors) =>
          createGrpcWebTransport({
            baseUrl: origin(),
            interceptors: [...interceptors, network.interceptor],
          }),
        host,
      ),
    marker: {
      isSet: () => paired.has(name),
      set: (now) => (now ? paired.add(name) : paired.delete(name)),
    },
    withLock: (_name, _signal, run) => {
      if (syncs) void run();
    },
    storage: { persisted: async () => true, persist: async () => true },
    onOnline: (changed) => network.watch(changed),
  });
  await app.opened;
  return { app, network, name, clocks };
}

// Copies the database of one phone to another, as a phone set up from another one's backup has it.
// REQUIRES: the app of `to` has not been opened.
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = await openDatabase(from, () => {});
  const target = await openDatabase(to, () => {});
  for (const store of source.objectStoreNames) {
    for (const row of await source.getAll(store)) await target.put(store, row);
  }
  source.close();
  target.close();
}

export type Phone = Awaited<ReturnType<typeof openPhone>>;
