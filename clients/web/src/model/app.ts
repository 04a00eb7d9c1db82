// What the screens read and call. Everything they show is a signal; every action is a promise that
// resolves when its effect is durable on this phone (a tap) or answered by the server (the rest), and
// throws AppError. Nothing here waits for the network before it shows a tap.
import type { ReadonlySignal } from '@preact/signals';
import type { Remote } from './remote.ts';
import type {
  AccessEvent,
  AnyRecord,
  Bodies,
  CommentTarget,
  Conflict,
  ConflictChoice,
  ConsentScope,
  EditableKind,
  GroupOf,
  HistoryItem,
  Id,
  Instant,
  Invite,
  LateTap,
  LogEntry,
  MemberWithDevices,
  NeedsAttention,
  Pairing,
  Plan,
  RecordKind,
  RecordOf,
  Role,
  SyncStatus,
  WaitingTap,
} from './types.ts';

// One change within a tap. All changes of a tap are committed as one or not at all.
export type Change =
  | {
      // Writes the groups given to the record, which is created where it is new. Of `tags`,
      // `separateFrom` and `posts` the elements given are added.
      [K in EditableKind]: {
        type: 'set';
        recordId: Id;
        kind: K;
        groups: Partial<Bodies[K]>;
        // True: every value that stands open in these groups goes, not only the one shown.
        resolves?: boolean;
      };
    }[EditableKind]
  | {
      [K in EditableKind]: {
        type: 'clear';
        recordId: Id;
        kind: K;
        group: GroupOf<K>;
        resolves?: boolean;
      };
    }[EditableKind]
  | { type: 'removeTags'; recordId: Id; tags: string[] }
  // An edit by somebody who had not seen the record as it is shown here keeps it alive.
  | { type: 'delete'; recordId: Id }
  | { type: 'restore'; recordId: Id };

// A family on this device.
export interface Family {
  readonly id: Id;
  readonly pairing: ReadonlySignal<Pairing>;

  // All that is shown, by record id: deleted records and, of old nights, only what was loaded (see
  // loadSince). Prefer the lists below.
  readonly records: ReadonlySignal<ReadonlyMap<Id, AnyRecord>>;
  // Without deleted records. Children, plans and members in the order they were made; entries by
  // their begin; summaries by date.
  list<K extends RecordKind>(kind: K): ReadonlySignal<readonly RecordOf<K>[]>;
  readonly conflicts: ReadonlySignal<readonly Conflict[]>;
  readonly attention: ReadonlySignal<readonly NeedsAttention[]>;
  // The oldest first.
  readonly outbox: ReadonlySignal<readonly WaitingTap[]>;
  readonly sync: ReadonlySignal<SyncStatus>;

  // Reads entries and nights from `since` on from this phone's storage; the app starts with the
  // last two weeks. Does nothing if they are loaded.
  loadSince(since: Instant): Promise<void>;

  // Saves a tap: durable when this resolves, and shown. Calls are taken in order. A tap that the
  // server would refuse for its form throws 'invalid_field' and saves nothing. Changes that depend on
  // what is shown are made by a function, called once the taps before it are saved and shown.
  // `seen`: their one record as it was shown when a person began to change it, where that may be longer
  // ago; what came since is not replaced unseen.
  tap(changes: readonly Change[] | (() => readonly Change[]), seen?: AnyRecord): Promise<void>;
  // What the last tap of this tab was, while it can be taken back.
  readonly undoable: ReadonlySignal<readonly Change[] | undefined>;
  undo(): Promise<void>;

  // The common taps, in words. Each is one tap().
  log(entry: NewEntry): Promise<Id>;
  edit<K extends EditableKind>(recordId: Id, kind: K, groups: Partial<Bodies[K]>): Promise<void>;
  restore(recordId: Id): Promise<void>;
  addChild(child: Bodies['child']): Promise<Id>;
  savePlan(plan: Plan): Promise<Id>;
  // Adds to the thread on that night, entry or plan, which is begun where there is none.
  comment(target: CommentTarget, text: string): Promise<void>;
  resolve(conflict: Conflict, choice: ConflictChoice): Promise<void>;
  // "These were two": the two entries are not the same event, for good.
  separate(entryId: Id, otherId: Id): Promise<void>;
  // Drops a tap that needs attention.
  discard(position: number): Promise<void>;
  // Makes it once more, as a new tap, and drops the old one.
  logAgain(position: number): Promise<void>;

  // What speaks to the server, for the calls that few pages make.
  remote(): Promise<Remote>;
  // Calls to the server.
  createInvite(invite: NewInvite): Promise<Invite>;
  listMembers(): Promise<MemberWithDevices[]>;
  revokeDevice(deviceId: Id): Promise<void>;
  // What removed devices sent late, the oldest first, and an owner's decision about it: it is logged
  // as its author's, or dropped for good.
  listLateTaps(): Promise<LateTap[]>;
  decideLateTap(tap: LateTap, accept: boolean): Promise<void>;
  // What happened to access, newest first; for owners and caregivers. `pageToken` is that of the page
  // before; none on the last page.
  listEvents(pageToken?: string): Promise<{ events: AccessEvent[]; pageToken?: string }>;
  // Newest first. `pageToken` is that of the page before; none on the last page.
  history(recordId: Id, pageToken?: string): Promise<{ items: HistoryItem[]; pageToken?: string }>;
  // The log as the server has it, live while the page that shows it is open: a consultant's caseload
  // comes without it. Needs the scope 'entries'; without it the list stays empty. Call stop() at the
  // end.
  watchEntries(): Promise<{
    entries: ReadonlySignal<readonly RecordOf<'logEntry'>[]>;
    stop(): void;
  }>;
  // Forgets the family on this device only, unsent taps included.
  forget(): Promise<void>;
}

export type NewEntry = Pick<LogEntry, 'childId' | 'detail' | 'interval'> &
  Partial<Pick<LogEntry, 'tags' | 'text' | 'caregiverId'>>;

export interface NewInvite {
  role: Role;
  // An existing member's further device.
  memberId?: Id;
  // Default 24 hours.
  validForMs?: number;
  // For a consultant: what she may see, and until when; default nights, for 60 days.
  consentScope?: ConsentScope;
  consentUntil?: Instant;
}

export type AppState =
  // Reading this phone's storage.
  | 'starting'
  | 'ready'
  // The browser has thrown this phone's data away: say so, and pair again.
  | 'evicted'
  // The browser gives no storage (a private window, or a full disk).
  | 'unusable';

export interface App {
  readonly state: ReadonlySignal<AppState>;
  // In the order they were paired. For a consultant these are her caseload: all of them are kept
  // live over one stream.
  readonly families: ReadonlySignal<readonly Family[]>;
  // True while the browser thinks that there is a network.
  readonly online: ReadonlySignal<boolean>;
  // True: the browser promised to keep this phone's data; false: it may throw it away.
  readonly persisted: ReadonlySignal<boolean>;
  // Asks for that promise; call it from a tap, and after the first log.
  askToPersist(): Promise<boolean>;

  // `setupCode` is that of the server's set-up link, which it may ask for.
  createFamily(request: {
    familyName: string;
    memberName: string;
    deviceName: string;
    setupCode?: string;
  }): Promise<Family>;
  // `memberName` is needed unless the invite is for an existing member.
  join(request: { code: string; memberName?: string; deviceName: string }): Promise<Family>;
  // Hurries sync: call it when a person asks for it.
  syncNow(): void;
}
