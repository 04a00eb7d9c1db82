// A phone: the whole app but its screens, with a database of its own in memory, speaking gRPC-Web to a
// real daemon. Its network can be taken away, and an answer lost on the way.
import 'fake-indexeddb/auto';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { type Clocks, DeviceClock } from '@web/model/device_clock.ts';
import type { FamilyModel } from '@web/model/family.ts';
import { openApp } from '@web/model/open_app.ts';
import type { LogEntry } from '@web/model/types.ts';
import { makeRemoteOn } from '@web/sync/remote.ts';
import { expect, vi } from 'vitest';

export class Network {
  offline = false;
  // The answer to the next push is lost.
  losesPush = false;
  private readonly cuts = new Set<() => void>();
  private onlineAgain: (online: boolean) => void = () => {};

  readonly interceptor: Interceptor = (next) => async (request) => {
    if (this.offline) throw new ConnectError('no network', Code.Unavailable);
    const answer = await next(request);
    if (this.losesPush && request.method.name === 'Push') {
      this.losesPush = false;
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

export interface PhoneOptions {
  // Two tabs of one phone have the same name.
  name?: string;
  syncs?: boolean;
}

export async function openPhone(origin: () => string, options: PhoneOptions = {}) {
  const { name = `phone-${++phones}`, syncs = true } = options;
  const clocks = new SettableClocks();
  const network = new Network();
  let paired = false;
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
      isSet: () => paired,
      set: (now) => {
        paired = now;
      },
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

export type Phone = Awaited<ReturnType<typeof openPhone>>;

// Waits until it holds; what the screens would show then.
export function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 15_000, interval: 20 });
}

export async function untilSynced(...families: FamilyModel[]): Promise<void> {
  for (const family of families) {
    await until(() => expect(family.sync.value).toMatchObject({ state: 'synced', pending: 0 }));
  }
}

export const KRAKOW = 'Europe/Warsaw';

export function typed(began: string, ended?: string): LogEntry['interval'] {
  return {
    beganAt: Date.parse(began),
    ...(ended && { endedAt: Date.parse(ended) }),
    zone: KRAKOW,
    beganTapped: false,
    endedTapped: false,
  };
}
