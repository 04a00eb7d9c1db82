// What the app asks of the part that speaks to the server. That part is big (protobuf and RPC), so it
// is loaded only when it is first needed; here are its types alone.
import type { Database } from '../store/database.ts';
import type { NewInvite } from './app.ts';
import type { LogFile, LogProgress, ReadLog } from './imports.ts';
import type {
  AccessEvent,
  ConsentScope,
  Cursor,
  ErrorReason,
  HistoryItem,
  Id,
  Instant,
  Invite,
  LateTap,
  MemberWithDevices,
  Pairing,
  RecordOf,
  WaitingTap,
} from './types.ts';

// What another device of the family holds durably, and since when that is known.
export interface DeviceCopy {
  memberId: Id;
  deviceId: Id;
  deviceName: string;
  acknowledged: Cursor;
  acknowledgedAt: Instant;
}

// How the connection of one family stands.
export interface Link {
  // True: the stream is open and has brought a bookmark.
  connected: boolean;
  // Why the last attempt failed; absent while all is well.
  error?: { reason: ErrorReason; message: string };
  // The other devices of the family.
  copies: DeviceCopy[];
}

// Who hears what sync does. Everything is in the database before it is told.
export interface SyncHost {
  readonly database: Database;
  changed(familyId: Id, records: Id[] | 'all'): void;
  familiesChanged(): void;
  link(familyId: Id, link: Link): void;
}

// Sync of all families of the device, as long as it runs.
export interface Sync {
  // There may be something to push.
  kick(familyId: Id): void;
  // Tries what waits for its next attempt at once.
  hurry(): void;
  // Looks for families that came or went.
  families(): void;
  // The links as they were last told.
  links(): ReadonlyMap<Id, Link>;
  stop(): void;
}

// A family to keep, or to bring to another server by `nightlog family import`.
export interface FamilyFile {
  file: Blob;
  // How many it holds.
  records: number;
}

// All calls throw AppError.
export interface Remote {
  startSync(): Sync;
  // These pair the device: the pairing and its token are in the database when they resolve.
  createFamily(request: {
    familyName: string;
    memberName: string;
    deviceName: string;
    setupCode?: string;
  }): Promise<Id>;
  join(request: { code: string; memberName?: string; deviceName: string }): Promise<Id>;
  createInvite(familyId: Id, invite: NewInvite): Promise<Invite>;
  listMembers(familyId: Id): Promise<MemberWithDevices[]>;
  revokeDevice(familyId: Id, deviceId: Id): Promise<void>;
  listLateTaps(familyId: Id): Promise<LateTap[]>;
  decideLateTap(familyId: Id, tap: LateTap, accept: boolean): Promise<void>;
  listEvents(
    familyId: Id,
    pageToken: string,
  ): Promise<{ events: AccessEvent[]; pageToken?: string }>;
  // Oneself: leaves the family.
  removeMember(familyId: Id, memberId: Id): Promise<void>;
  setConsent(familyId: Id, memberId: Id, scope: ConsentScope, until: Instant): Promise<void>;
  history(
    familyId: Id,
    recordId: Id,
    pageToken: string,
  ): Promise<{ items: HistoryItem[]; pageToken?: string }>;
  // All that the server has of the family. `told` hears how many records have come.
  exportFamily(family: Pairing, told?: (records: number) => void): Promise<FamilyFile>;
  // What is in a file of another app. Writes nothing. `told` hears how far a large file has come.
  readLog(familyId: Id, file: LogFile, told?: (progress: LogProgress) => void): Promise<ReadLog>;
  // Follows the log of a family that is shown without it, until the answer is called.
  watchEntries(familyId: Id, changed: (entries: RecordOf<'logEntry'>[]) => void): () => void;
  // Erases the family on the server, for good. `familyName` is its name, typed again.
  erase(familyId: Id, familyName: string): Promise<void>;
  forget(familyId: Id): Promise<void>;
  discard(familyId: Id, position: number): Promise<void>;
  // Drops what a viewer may not send, all at once: what was tapped later builds on what was before.
  // False: it is not exactly `taps` any more, or may be sent now, and nothing is dropped.
  discardNotShared(familyId: Id, taps: readonly WaitingTap[]): Promise<boolean>;
}
