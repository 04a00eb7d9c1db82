// Moves one family's taps up, whenever there are any.

import type { DeviceClock } from '../model/device_clock.ts';
import { fromHex, toHex } from '../model/ids.ts';
import { AppError, type Id } from '../model/types.ts';
import { Backoff } from './backoff.ts';
import { CALL, type Calls } from './calls.ts';
import { CallError, toAppError } from './errors.ts';
import type { Replica } from './replica.ts';
import { Waiting } from './waiting.ts';
import { fromClock } from './wire.ts';

// New replica ids within one push; more means that the server answers nonsense.
const RENEWALS_MAX = 8;

export class Pusher {
  private kicked = true;
  private stopped = false;
  private hurried = false;
  private waitsForRetry = false;
  private readonly waiting = new Waiting();

  // `told` hears how each attempt ended: with an error, or with all pushed, and whether that was
  // anything.
  constructor(
    private readonly familyId: Id,
    private readonly replica: Replica,
    private readonly calls: Calls,
    private readonly clock: DeviceClock,
    private readonly told: (error: AppError | undefined, sent: boolean) => void,
  ) {}

  // Resolves after stop().
  async run(): Promise<void> {
    const backoff = new Backoff();
    while (!this.stopped) {
      if (!this.kicked) await this.waiting.wait(Number.POSITIVE_INFINITY);
      if (this.stopped) return;
      this.kicked = false;
      this.hurried = false;
      try {
        const sent = await this.push();
        backoff.reset();
        if (!this.stopped) this.told(undefined, sent);
      } catch (thrown) {
        if (this.stopped) return;
        const error = toAppError(thrown);
        this.told(error, false);
        // Another tap must not hurry a server that is down; hurry() does, also during the attempt.
        this.waitsForRetry = true;
        const asked = error instanceof CallError ? error.retryAfterMs : 0;
        // Of a role, only its change makes another; that hurries.
        const delay =
          error.reason === 'role_not_allowed'
            ? Number.POSITIVE_INFINITY
            : Math.max(backoff.next(), asked);
        if (!this.hurried) await this.waiting.wait(delay);
        this.waitsForRetry = false;
        this.kicked = true;
      }
    }
  }

  // There may be something to push.
  kick(): void {
    this.kicked = true;
    if (!this.waitsForRetry) this.waiting.end();
  }

  // Tries again at once.
  hurry(): void {
    this.kicked = true;
    this.hurried = true;
    this.waiting.end();
  }

  stop(): void {
    this.stopped = true;
    this.waiting.end();
  }

  private async push(): Promise<boolean> {
    let renewals = 0;
    let sent = false;
    while (!this.stopped) {
      const request = await this.replica.nextPush(this.familyId);
      if (!request) break;
      sent = true;
      request.sentAt = fromClock(this.clock.read());
      let step: Awaited<ReturnType<Replica['applyVerdicts']>> = 'renew_replica';
      try {
        step = await this.replica.applyVerdicts(request, await this.calls.sync.push(request, CALL));
      } catch (error) {
        if (toAppError(error).reason !== 'replica_not_yours') throw error;
        // A server restored from before this replica id was issued does not know it. It may know
        // another: what waited for a record is pending under an older one than the rest.
      }
      if (step === 'wait') {
        throw new AppError('other', 'the server is too old for what is saved here; it is kept');
      }
      if (step === 'go_on') continue;
      if (++renewals > RENEWALS_MAX) {
        throw new AppError('other', 'the server takes none of the replica ids it gives');
      }
      const renewed = await this.calls.family.renewReplica(
        { familyId: fromHex(this.familyId) },
        CALL,
      );
      const lineage = (await this.replica.family(this.familyId))?.cursor.lineage;
      if (lineage && renewed.lineage.length > 0 && toHex(renewed.lineage) !== lineage) {
        // It was restored. What it lost belongs before what is pending: the next bookmark tells.
        throw new AppError(
          'unreachable',
          'the server’s history changed; its records are read first',
        );
      }
      await this.replica.rehome(this.familyId, toHex(request.replicaId), toHex(renewed.replicaId));
    }
    return sent;
  }
}
