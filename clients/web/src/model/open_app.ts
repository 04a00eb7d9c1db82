// The app on this device: its storage, its families, and which tab syncs them.
import { batch, type Signal, signal } from '@preact/signals';
import { type Database, openDatabase } from '../store/database.ts';
import { type TabMessage, Tabs } from '../store/tabs.ts';
import type { App, AppState } from './app.ts';
import type { DeviceClock } from './device_clock.ts';
import { type FamilyHost, FamilyModel } from './family.ts';
import type { Link, Remote, Sync, SyncHost } from './remote.ts';
import type { Id } from './types.ts';

// What the app needs of its surroundings; a test brings its own.
export interface Surroundings {
  // Of the database, the channel between tabs and the lock of the tab that syncs.
  name: string;
  clock: DeviceClock;
  loadRemote(host: SyncHost & { clock: DeviceClock }): Promise<Remote>;
  // Survives when the browser throws the database away.
  marker: { isSet(): boolean; set(paired: boolean): void };
  // Runs `run` while this is the one tab that holds the lock, until `signal`.
  withLock(name: string, signal: AbortSignal, run: () => Promise<void>): void;
  storage: { persisted(): Promise<boolean>; persist(): Promise<boolean> };
  // Calls back when there may be a network again.
  onOnline(changed: (online: boolean) => void): void;
}

class AppModel implements App, FamilyHost, SyncHost {
  readonly state = signal<AppState>('starting');
  readonly families: Signal<readonly FamilyModel[]> = signal([]);
  readonly online = signal(true);
  readonly persisted = signal(true);
  readonly clock: DeviceClock;

  database!: Database;
  private readonly tabs: Tabs;
  private readonly stopped = new AbortController();
  private loading: Promise<Remote> | undefined;
  private syncing: Sync | undefined;
  private reading: Promise<void> = Promise.resolve();

  constructor(private readonly around: Surroundings) {
    this.clock = around.clock;
    this.tabs = new Tabs(around.name);
  }

  async open(): Promise<void> {
    try {
      this.database = await openDatabase(this.around.name, () => {
        this.close();
        this.state.value = 'unusable';
      });
      await this.readFamilies();
    } catch {
      this.state.value = 'unusable';
      return;
    }
    this.tabs.listen((message) => this.hear(message));
    const evicted = this.families.peek().length === 0 && this.around.marker.isSet();
    this.state.value = evicted ? 'evicted' : 'ready';
    this.around.onOnline((online) => {
      this.online.value = online;
      if (online) this.syncing?.hurry();
    });
    this.around.withLock(`${this.around.name}-sync`, this.stopped.signal, () => this.runSync());
    this.tabs.tell({ type: 'links?' });
    this.persisted.value = await this.around.storage.persisted();
  }

  // For tests, and when the database is taken away: nothing works any more.
  close(): void {
    this.stopped.abort();
    this.syncing?.stop();
    this.tabs.close();
    this.database?.close();
  }

  async askToPersist(): Promise<boolean> {
    this.persisted.value = await this.around.storage.persist();
    return this.persisted.value;
  }

  async createFamily(request: Parameters<App['createFamily']>[0]): Promise<FamilyModel> {
    return this.paired(await (await this.remote()).createFamily(request));
  }

  async join(request: Parameters<App['join']>[0]): Promise<FamilyModel> {
    return this.paired(await (await this.remote()).join(request));
  }

  syncNow(): void {
    this.tabs.tell({ type: 'sync' });
    this.syncing?.hurry();
  }

  // --- FamilyHost ---

  remote(): Promise<Remote> {
    this.loading ??= this.around.loadRemote(this).catch((error) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  tapped(familyId: Id, records: Id[]): void {
    this.tabs.tell({ type: 'changed', familyId, records });
    this.syncing?.kick(familyId);
  }

  // --- SyncHost ---

  changed(familyId: Id, records: Id[] | 'all'): void {
    this.tabs.tell({ type: 'changed', familyId, records });
    void this.familyOf(familyId)?.reload(records);
  }

  familiesChanged(): Promise<void> {
    this.tabs.tell({ type: 'families' });
    this.syncing?.families();
    return this.readFamilies();
  }

  link(familyId: Id, link: Link): void {
    this.tabs.tell({ type: 'link', familyId, link });
    const family = this.familyOf(familyId);
    if (family) family.link.value = link;
  }

  private familyOf(id: Id): FamilyModel | undefined {
    return this.families.peek().find((family) => family.id === id);
  }

  private async paired(id: Id): Promise<FamilyModel> {
    await this.familiesChanged();
    return this.familyOf(id) as FamilyModel;
  }

  private hear(message: TabMessage): void {
    switch (message.type) {
      case 'changed':
        void this.familyOf(message.familyId)?.reload(message.records);
        this.syncing?.kick(message.familyId);
        break;
      case 'families':
        this.syncing?.families();
        void this.readFamilies();
        break;
      case 'link': {
        const family = this.familyOf(message.familyId);
        if (family) family.link.value = message.link;
        break;
      }
      case 'links?':
        for (const [familyId, link] of this.syncing?.links() ?? []) {
          this.tabs.tell({ type: 'link', familyId, link });
        }
        break;
      case 'sync':
        this.syncing?.hurry();
    }
  }

  // Takes over which families the database holds.
  private readFamilies(): Promise<void> {
    const reading = this.reading.then(async () => {
      const rows = await this.database.getAll('families');
      rows.sort((a, b) => a.pairedAt - b.pairedAt);
      const families: FamilyModel[] = [];
      for (const row of rows) {
        const known = this.familyOf(row.familyId);
        if (known) await known.reload('all');
        const family = known ?? (await FamilyModel.open(this, row.familyId));
        if (family) families.push(family);
      }
      batch(() => {
        this.families.value = families;
        if (families.length > 0) this.state.value = 'ready';
      });
      if (this.state.peek() === 'ready') this.around.marker.set(families.length > 0);
    });
    // One that failed must not stand in the way of the next.
    this.reading = reading.catch(() => undefined);
    return reading;
  }

  // Syncs in this tab until the app is closed; what speaks to the server is loaded when there is a
  // family to sync.
  private async runSync(): Promise<void> {
    if (this.families.peek().length === 0) {
      await new Promise<void>((resolve) => {
        const dispose = this.families.subscribe((families) => {
          if (families.length === 0) return;
          resolve();
          queueMicrotask(() => dispose());
        });
      });
    }
    while (!this.stopped.signal.aborted && !this.syncing) {
      try {
        this.syncing = (await this.remote()).startSync();
      } catch {
        // The app's own files could not be loaded.
        await new Promise((resolve) => setTimeout(resolve, 5_000));
      }
    }
    if (this.stopped.signal.aborted) {
      this.syncing?.stop();
      return;
    }
    await new Promise((resolve) => this.stopped.signal.addEventListener('abort', resolve));
  }
}

export type OpenApp = App & { close(): void };

// Opens the app; `state` says when it is ready.
export function openApp(around: Surroundings): OpenApp & { opened: Promise<void> } {
  const app = new AppModel(around);
  return Object.assign(app, { opened: app.open() });
}
