// What the app knows, as plain values: no classes and no protobuf, so that they can be stored, sent
// to another tab and compared. The names are those of protos/nightlog/v1, in camelCase; an enum value
// is its name in lower case without the prefix (`ROLE_OWNER` is 'owner'), and UNSPECIFIED is absent.
// A value that a newer server knows and this app does not is kept, and sent back with edits.

// 16 bytes as 32 lower-case hex digits.
export type Id = string;
// Milliseconds since 1970 UTC; the server's have microseconds behind the point.
export type Instant = number;
// `YYYY-MM-DD`. A night is named by the local date of its evening.
export type LocalDate = string;
// `HH:MM`.
export type TimeOfDay = string;
// IANA name, such as `Europe/London`.
export type Zone = string;

// Fields of a newer server that this app does not know. Copy them along: `{...interval, endedAt}`.
export interface Message {
  readonly $unknown?: readonly unknown[];
}

export interface NightWindow extends Message {
  start: TimeOfDay;
  end: TimeOfDay;
}

export interface Child {
  name: string;
  birthDate?: LocalDate;
  // Age counts from it, where it is known.
  dueDate?: LocalDate;
  homeZone: Zone;
  // Absent: 19:00 to 07:00.
  nightWindow?: NightWindow;
  // Absent: 06:00.
  desiredRiseTime?: TimeOfDay;
}

export type SleepPlace = 'crib' | 'parents_bed' | 'stroller' | 'car' | 'arms' | 'other';
export type ExemptReason = 'feed_due_in_plan' | 'illness' | 'safety' | 'soiled_nappy';
export type FeedKind = 'breast' | 'bottle' | 'solid';
export type Position =
  | 'sleeps_in_room'
  | 'out_of_room'
  | 'beside_crib'
  | 'halfway'
  | 'doorway_inside'
  | 'hallway_in_view'
  | 'out_of_view'
  | 'chair_at_cot'
  | 'chair_half_metre'
  | 'toward_door_then_out';
// 0 monitor only, 1 presence without talk, 2 voice, 3 touch in the crib, 4 pick up and put back awake,
// 5 hold or rock to sleep, 6 feed or the parents' bed.
export type ResponseLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export interface Sleep extends Message {
  place?: SleepPlace;
}
export interface Crying extends Message {
  // 1 fussing, 2 crying, 3 screaming; 0 not said.
  intensity: number;
}
export interface Response extends Message {
  level: ResponseLevel;
  action?: string;
  exemptReason?: ExemptReason;
  position?: Position;
}
export interface Feed extends Message {
  amountMl?: number;
  kind?: FeedKind;
}

// What happened, with the details of its kind.
export type EntryDetail = Message &
  (
    | { kind: 'putDown'; putDown: Message }
    | { kind: 'sleep'; sleep: Sleep }
    | { kind: 'awake'; awake: Message }
    | { kind: 'crying'; crying: Crying }
    | { kind: 'response'; response: Response }
    | { kind: 'feed'; feed: Feed }
    | { kind: 'rise'; rise: Message }
    | { kind: 'note'; note: Message }
  );
export type EntryKind = EntryDetail['kind'];

// A point in time has no end; neither has something that still goes on.
export interface Interval extends Message {
  beganAt: Instant;
  endedAt?: Instant;
  // Where the device was at that moment.
  zone: Zone;
  // True: read off the clock at a "now" tap, so the server may correct it. False: typed.
  beganTapped: boolean;
  endedTapped: boolean;
  // What the device's clock said; written by the server, sent back unchanged.
  beganRaw?: Instant;
  endedRaw?: Instant;
}

export interface ImportOrigin extends Message {
  source: string;
  activity?: string;
  author?: string;
}

export interface LogEntry {
  childId: Id;
  detail: EntryDetail;
  interval: Interval;
  tags: string[];
  text?: string;
  // Who was with the child, where that is not the one who logged it.
  caregiverId?: Id;
  importOrigin?: ImportOrigin;
  // Entries that are not the same event as this one, by a person's word.
  separateFrom: Id[];
}

export type PlanMethod =
  | 'extinction'
  | 'modified_extinction'
  | 'graduated_extinction'
  | 'controlled_comforting'
  | 'fixed_checking'
  | 'parental_presence'
  | 'chair'
  | 'camping_out'
  | 'ladder'
  | 'pick_up_put_down'
  | 'bedtime_fading';

export interface WaitRow extends Message {
  // Before the first, second, .. check; the last holds for later ones.
  waitMin: number[];
}
export interface PlanStep extends Message {
  // Nights of the plan, from 1, inclusive.
  fromNight: number;
  toNight: number;
  position?: Position;
  allowedLevels: number[];
}

// An empty parameter means the method's own default.
export interface PlanApproach extends Message {
  method: PlanMethod;
  allowedLevels: number[];
  // By night of the plan; the last row holds for later nights.
  waits: WaitRow[];
  maxVisitMin?: number;
  steps: PlanStep[];
  rungs: number[];
  minRungMin?: number;
  maxRungMin?: number;
  maxHoldMin?: number;
  plannedPutDown?: TimeOfDay;
  plannedRise?: TimeOfDay;
  cryMergeGapMin?: number;
}

export interface PlanNights extends Message {
  firstNight: LocalDate;
  // Absent: until the next plan.
  lastNight?: LocalDate;
}

export interface Plan {
  childId: Id;
  approach: PlanApproach;
  nights: PlanNights;
  text?: string;
}

export interface NightKey extends Message {
  childId: Id;
  date: LocalDate;
}
export type CommentTarget = Message &
  (
    | { target: 'night'; night: NightKey }
    | { target: 'logEntryId'; logEntryId: Id }
    | { target: 'planId'; planId: Id }
  );
export interface CommentPost extends Message {
  text: string;
  // Written by the server; the app shows its own at once.
  memberId?: Id;
  postedAt?: Instant;
}
// A thread. Oldest post first.
export interface Comment {
  target: CommentTarget;
  posts: CommentPost[];
}

export type Role = 'owner' | 'caregiver' | 'viewer' | 'consultant';
export type ConsentScope = 'nights' | 'entries';

export interface Member {
  name?: string;
  role?: Role;
  since?: Instant;
  until?: Instant;
  consentScope?: ConsentScope;
  // Left or was removed; stays, so that past entries keep an author.
  removed: boolean;
}

export type NightStatus = 'no_sleep' | 'incomplete' | 'complete';
export type NightPhase = 'settling' | 'asleep' | 'awake' | 'up';
export type ClinicalFlag = 'many_wakings' | 'long_awake' | 'short_sleep';
export type ResponseVerdictKind =
  | 'ok'
  | 'early'
  | 'late'
  | 'not_allowed'
  | 'visit_too_long'
  | 'wrong_position'
  | 'skipped_rung'
  | 'no_cry';

export interface TimelineSpan {
  phase?: NightPhase;
  beganAt: Instant;
  // Absent: no end is known.
  endedAt?: Instant;
}
// Entries that different people logged about the same event, and that count once.
export interface Episode {
  entryIds: Id[];
}
export interface ResponseVerdict {
  entryId: Id;
  memberId: Id;
  verdict?: ResponseVerdictKind;
}
export interface Adherence {
  planId?: Id;
  method?: PlanMethod;
  planNight: number;
  verdicts: ResponseVerdict[];
  missedChecks?: number;
  adherencePct?: number;
  caregiverConsistencyPct?: number;
  adherenceGapPp?: number;
  // Too few responses by one caregiver: show neither consistency nor gap as a number.
  lowN: boolean;
  scored: boolean;
}
export interface CaregiverNight {
  memberId: Id;
  responses: number;
  byLevel: Record<number, number>;
  adherencePct?: number;
}

// Written by the server. An absent number is not known, which is never the same as zero.
export interface NightSummary {
  childId: Id;
  date: LocalDate;
  zone: Zone;
  status?: NightStatus;
  phase?: NightPhase;
  phaseSince?: Instant;
  // True: by the log the night is not over yet; its figures are those so far.
  ongoing: boolean;
  putDownAt?: Instant;
  onsetAt?: Instant;
  finalWakeAt?: Instant;
  riseAt?: Instant;
  solMin?: number;
  nwak?: number;
  nwak5?: number;
  wasoMin?: number;
  tstNightMin?: number;
  longestStretchMin?: number;
  sptMin?: number;
  tibMin?: number;
  tibFallback: boolean;
  sleepEfficiencyPct?: number;
  sleepMaintenancePct?: number;
  terminalWakeMin?: number;
  earlyWakeMin?: number;
  napCount?: number;
  napMin?: number;
  tst24Min?: number;
  stn2405?: boolean;
  stn8h?: boolean;
  stn2206?: boolean;
  cryMin?: number;
  cryBedtimeMin?: number;
  cryEpisodes?: number;
  cryEpisodesUnanswered?: number;
  responseLatencyMedianMin?: number;
  responseLatencyMaxMin?: number;
  interventions?: number;
  interventionsByLevel: Record<number, number>;
  selfSettledWakings?: number;
  selfSettledPct?: number;
  adherence?: Adherence;
  caregivers: CaregiverNight[];
  imputedEntryIds: Id[];
  rejectedEntryIds: Id[];
  openConflicts: number;
  clinicalFlags: ClinicalFlag[];
  timeline: TimelineSpan[];
  naps: TimelineSpan[];
  episodes: Episode[];
}

export type Measure = 'sol' | 'nwak' | 'waso' | 'longest_stretch' | 'cry' | 'tst_night';
export type TrendDirection = 'not_enough_nights' | 'better' | 'same' | 'worse';
export type ProgressVerdict =
  | 'no_plan'
  | 'not_enough_nights'
  | 'improving'
  | 'steady'
  | 'setback'
  | 'worsening';
export interface Trend {
  measure?: Measure;
  baseline?: number;
  baselineNights: number;
  now?: number;
  nowNights: number;
  direction?: TrendDirection;
}
export interface PlanSegment {
  planId: Id;
  method?: PlanMethod;
  firstNight: LocalDate;
  nights: number;
}
// Written by the server: where a child stands on the way of the current plan.
export interface Progress {
  childId: Id;
  planId?: Id;
  method?: PlanMethod;
  planNight: number;
  latestNight?: LocalDate;
  expectedNightsMin?: number;
  expectedNightsMax?: number;
  trends: Trend[];
  adherencePct?: number;
  caregiverConsistencyPct?: number;
  bedtimeSdMin?: number;
  onsetSdMin?: number;
  riseSdMin?: number;
  sri?: number;
  verdict?: ProgressVerdict;
  segments: PlanSegment[];
}

// --- Records and what stands behind them ---

// The kinds of records, with their bodies.
export interface Bodies {
  child: Child;
  logEntry: LogEntry;
  plan: Plan;
  comment: Comment;
  member: Member;
  nightSummary: NightSummary;
  progress: Progress;
}
export type RecordKind = keyof Bodies;
// Kinds that people write, by groups: each field of the body is one group.
export type EditableKind = 'child' | 'logEntry' | 'plan' | 'comment';
export type GroupOf<K extends EditableKind> = Extract<keyof Bodies[K], string>;

// Names one edit for good.
export interface EditId {
  replicaId: Id;
  seq: number;
  index: number;
}

// A value of one group that no edit has seen and replaced.
export interface Version {
  edit: EditId;
  memberId: Id;
  madeAt: Instant;
  // Absent where the body has it: the first version of most groups, and all of a thread's posts.
  value?: unknown;
  // Edits that said the same.
  agreed: EditId[];
}

// What stands behind one group: the version shown first, each further one an open conflict (but for
// sets, texts and threads, where all of them are shown together).
export interface Group {
  // The field's name; 'existence' of the record itself; `#9` a group that this app does not know.
  group: string;
  versions: Version[];
}

// A record as of a revision. What is shown has this device's own unconfirmed edits on top.
export interface RecordOf<K extends RecordKind> {
  id: Id;
  kind: K;
  body: Bodies[K];
  // True: `body` keeps the last state, so that a person can bring it back.
  deleted: boolean;
  // Of the last confirmed change; 0: nobody but this device has it.
  revision: number;
  groups: Group[];
  createdBy?: Id;
  createdAt?: Instant;
  // True: part of it is only saved on this device so far.
  pending: boolean;
}
export type AnyRecord = { [K in RecordKind]: RecordOf<K> }[RecordKind];

export interface Cursor {
  // 32 hex digits; empty with revision 0.
  lineage: string;
  revision: number;
}

// --- Conflicts, attention, history ---

// One of the values people have to choose from.
export interface ConflictChoice {
  edit: EditId;
  memberId: Id;
  madeAt: Instant;
  // Of the group 'existence': { deleted: boolean }. Absent: the group was emptied.
  value?: unknown;
}

// Two or more values of one group by people who had not seen each other's.
export interface Conflict {
  recordId: Id;
  kind: EditableKind;
  group: string;
  // The value shown first.
  choices: ConflictChoice[];
}

// A tap of this device that the confirmed records do not hold yet.
export interface WaitingTap {
  // Names it within the family on this device.
  position: number;
  madeAt: { wall: Instant };
  edits: Edit[];
  // What the server committed it at; 0: it has not said so, and the tap may be on this device alone.
  revision: number;
}

// A tap that the server will not commit. It is kept until a person discards it.
export interface NeedsAttention {
  // Names it within the family on this device.
  position: number;
  madeAt: Instant;
  edits: Edit[];
  // 'quarantined': the device was removed meanwhile, an owner decides.
  outcome: 'rejected' | 'quarantined';
  // In the server's words, and why in one word where that was noted; nothing if quarantined.
  message: string;
  reason?: ErrorReason;
  violations: FieldViolation[];
  // True: it waits for a record that another phone may bring back to a restored server, and is sent
  // again by itself when it comes.
  waits: boolean;
}
// A tap that a device sent after it was removed; an owner accepts or refuses it.
export interface LateTap {
  // The two name it.
  replicaId: Id;
  seq: number;
  memberId: Id;
  madeAt: Instant;
  edits: Edit[];
}
// Something that happened to access to the family, as protos/nightlog/v1/family_service.proto says.
export interface AccessEvent {
  number: number;
  // Such as `device_paired`; `#17` for one that this app does not know.
  kind: string;
  at: Instant;
  // Who did it and by which device, and whom it is about; absent where that is not known.
  actorMemberId?: Id;
  actorDeviceId?: Id;
  subjectMemberId?: Id;
  subjectDeviceId?: Id;
  // What was given.
  role?: Role;
  consentScope?: ConsentScope;
  consentUntil?: Instant;
  // How often within an hour; 0 counts as once.
  count: number;
}
export interface FieldViolation {
  field: string;
  description: string;
}

// One change of one group of one record.
export interface Edit {
  recordId: Id;
  // Absent for the group 'existence'.
  kind?: EditableKind;
  group: string;
  // The group's value; for tags the ones added, for posts the ones added, { deleted } for
  // 'existence'. Absent: empties the group.
  value?: unknown;
  removedElements: string[];
  saw: EditId[];
}

export type EditEffect = 'applied' | 'won' | 'kept_as_conflict' | 'agreed';
export interface HistoryItem {
  revision: number;
  memberId: Id;
  madeAt: Instant;
  committedAt: Instant;
  outcomes: { edit: EditId; change: Edit; effect?: EditEffect; replaced: Version[] }[];
}

// --- Families, members, devices ---

// What this device needs to act for a family.
export interface Pairing {
  familyId: Id;
  familyName: string;
  memberId: Id;
  role: Role;
  deviceId: Id;
  replicaId: Id;
}

export interface Device {
  deviceId: Id;
  name: string;
  pairedAt?: Instant;
  // What the device holds durably, and when it said so.
  acknowledged?: Cursor;
  acknowledgedAt?: Instant;
  revoked: boolean;
}
export interface MemberWithDevices {
  memberId: Id;
  member: Member;
  devices: Device[];
}

export interface Invite {
  // Such as `K7QF-2M9X-RD4T-B8HW`.
  code: string;
  expiresAt: Instant;
}

// --- How sync stands ---

// In order of what matters most to a person.
export type SyncState =
  // The server will not take something that was logged here.
  | 'needs_attention'
  // Access ended.
  | 'closed'
  // Some taps are saved here and stay here: a viewer may not send them.
  | 'not_shared'
  // The server is not reached; everything is saved here.
  | 'offline'
  // Some taps are saved here and on their way.
  | 'saved_here'
  // The server has everything, and this device has all of the server's.
  | 'synced';

// Another device of the family that holds everything this device has logged.
export interface OnDevice {
  memberId: Id;
  deviceId: Id;
  deviceName: string;
  since: Instant;
}

export interface SyncStatus {
  state: SyncState;
  // Taps that the server has not acknowledged.
  pending: number;
  // Taps that need attention.
  attention: number;
  // When the server last confirmed that this device has all it has.
  syncedAt?: Instant;
  // Why access ended, in the server's words.
  closedMessage?: string;
  // Why the last attempt failed; absent while connected.
  error?: { reason: ErrorReason; message: string };
  // "On Sam's phone since 03:12".
  onDevices: OnDevice[];
}

// Why a call failed. The names of protos/nightlog/v1/error_reason.proto, and what the app says itself.
export type ErrorReason =
  | 'invalid_field'
  | 'unknown_device'
  | 'no_access'
  | 'role_not_allowed'
  | 'invite_not_valid'
  | 'setup_code_not_valid'
  | 'not_found'
  | 'last_owner'
  | 'replica_not_yours'
  | 'busy'
  | 'too_large'
  | 'draining'
  | 'storage_damaged'
  | 'ahead_of_server'
  | 'invalid_edit'
  | 'already_decided'
  | 'slow_reader'
  | 'page_token'
  | 'token_exchanged'
  | 'quarantine_full'
  // The server is not reached, or did not answer in time.
  | 'unreachable'
  // This phone could not save it: its storage is full or not usable.
  | 'not_saved'
  // Anything else; see the message.
  | 'other';

// What a call of the app throws.
export class AppError extends Error {
  constructor(
    readonly reason: ErrorReason,
    message: string,
    readonly violations: readonly FieldViolation[] = [],
  ) {
    super(message);
    this.name = 'AppError';
  }
}
