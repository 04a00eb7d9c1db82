// Syncs all families of the device, as long as it runs: each family's taps go up by themselves; records
// come down by a stream a family, but for a consultant's families, which share one.
import type { DeviceClock } from '../model/device_clock.ts';
import type { DeviceCopy, Link, Sync, SyncHost } from '../model/remote.ts';
import type { AppError, Id, Pairing } from '../model/types.ts';
import type { Calls } from './calls.ts';
import { Copies } from './copies.ts';
import { follow, replicaSink } from './follower.ts';
import { Pusher } from './pusher.ts';
import { isWatched, type Replica } from './replica.ts';
import { KeptStream } from './stream.ts';
import { announceTokenAgain, rotateOldToken } from './token.ts';
import { watch } from './watcher.ts';

class FamilySync {
  readonly watched: boolean;
  readonly replicaId: Id;
  readonly pusher: Pusher;
  private readonly stream: KeptStream | undefined;
  private readonly copies: Copies;
  private connected = false;
  private streamError: AppError | undefined;
  private pushError: AppError | undefined;
  private held: DeviceCopy[] = [];
  private stopped = false;
  link: Link = { connected: false, copies: [] };

  constructor(
    readonly id: Id,
    pairing: Pairing,
    private readonly replica: Replica,
    calls: Calls,
    clock: DeviceClock,
    private readonly told: (link: Link) => void,
    private readonly unknown: () => void,
  ) {
    this.watched = isWatched(pairing.role);
    this.replicaId = pairing.replicaId;
    this.copies = new Copies(id, calls, (copies) => this.tellCopies(copies));
    this.pusher = new Pusher(id, replica, calls, clock, (error, sent) => {
      this.pushError = error;
      if (sent) this.copies.look();
      this.tell();
    });
    if (!this.watched) {
      this.stream = new KeptStream(
        (signal, heard) =>
          follow(id, replicaSink(replica, id), calls, signal, heard, () => this.bookmarked()),
        (error) => {
          this.streamEnded(error);
          if (error?.reason === 'unknown_device') this.unknown();
        },
      );
      void this.stream.run();
    }
    void this.pusher.run();
    void this.copies.run();
  }

  bookmarked(): void {
    // What it brought may have made taps pending again.
    this.pusher.kick();
    if (this.connected || this.stopped) return;
    this.connected = true;
    this.streamError = undefined;
    // What waits for its next attempt need not wait any longer.
    this.pusher.hurry();
    this.copies.look();
    this.tell();
  }

  streamEnded(error: AppError | undefined): void {
    this.connected = false;
    this.streamError = error;
    this.tell();
  }

  hurry(): void {
    this.stream?.hurry();
    this.pusher.hurry();
  }

  stop(): void {
    this.stopped = true;
    this.stream?.stop();
    this.pusher.stop();
    this.copies.stop();
  }

  private async tellCopies(copies: DeviceCopy[]): Promise<boolean> {
    this.held = copies;
    this.tell();
    const family = await this.replica.family(this.id);
    if (!family) return true;
    return copies.every(
      ({ acknowledged }) =>
        acknowledged.lineage === family.cursor.lineage &&
        acknowledged.revision >= family.committedRevision,
    );
  }

  private tell(): void {
    if (this.stopped) return;
    const error = this.streamError ?? this.pushError;
    this.link = {
      connected: this.connected,
      copies: this.held,
      ...(error && { error: { reason: error.reason, message: error.message } }),
    };
    this.told(this.link);
  }
}

export function startEngine(
  host: SyncHost,
  replica: Replica,
  calls: Calls,
  clock: DeviceClock,
): Sync {
  const families = new Map<Id, FamilySync>();
  let watcher: KeptStream | undefined;
  let looking = Promise.resolve();
  let stopped = false;

  // Before any stream is opened: a call that is under way with the old token when the new one is first
  // used would not be known.
  const rotateToken = () => rotateOldToken(replica, calls, clock.read().wall);

  // The server does not know this device: it may have been restored from before its newest token.
  const knowAgain = () => {
    announceTokenAgain(replica, calls)
      .then((announced) => {
        if (announced) sync.hurry();
      })
      .catch(() => undefined);
  };

  const watched = () => [...families.values()].filter((family) => family.watched);

  const restartWatcher = () => {
    watcher?.stop();
    watcher = undefined;
    const ids = new Set(watched().map((family) => family.id));
    if (ids.size === 0) return;
    watcher = new KeptStream(
      (signal, heard) =>
        watch(ids, replica, calls, signal, heard, (id) => families.get(id)?.bookmarked()),
      (error) => {
        for (const family of watched()) family.streamEnded(error);
        if (error?.reason === 'unknown_device') knowAgain();
      },
    );
    void watcher.run();
  };

  const lookForFamilies = async () => {
    const rows = await replica.families();
    if (stopped) return;
    let rewatches = false;
    const end = (family: FamilySync) => {
      rewatches ||= family.watched;
      family.stop();
      families.delete(family.id);
    };
    const kept = new Set(rows.map((row) => row.familyId));
    for (const [id, family] of families) {
      if (!kept.has(id)) end(family);
    }
    for (const { familyId, pairing } of rows) {
      const known = families.get(familyId);
      if (known?.watched === isWatched(pairing.role) && known.replicaId === pairing.replicaId) {
        known.hurry();
        continue;
      }
      // Paired anew, or in another role.
      if (known) {
        known.streamEnded(undefined);
        end(known);
      }
      const told = (link: Link) => host.link(familyId, link);
      const family = new FamilySync(familyId, pairing, replica, calls, clock, told, knowAgain);
      families.set(familyId, family);
      rewatches ||= family.watched;
    }
    if (rewatches) restartWatcher();
  };

  const sync: Sync = {
    kick: (familyId) => families.get(familyId)?.pusher.kick(),
    hurry: () => {
      watcher?.hurry();
      for (const family of families.values()) family.hurry();
    },
    families: () => {
      looking = looking.then(lookForFamilies).catch(() => undefined);
    },
    links: () => new Map([...families].map(([id, family]) => [id, family.link])),
    stop: () => {
      stopped = true;
      watcher?.stop();
      for (const family of families.values()) family.stop();
    },
  };
  looking = rotateToken().catch(() => undefined);
  sync.families();
  return sync;
}
