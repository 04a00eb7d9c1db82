// The calls to the server, in the app's words.
import { create } from '@bufbuild/protobuf';
import {
  QuarantineDecision,
  type Pairing as WirePairing,
} from '../gen/nightlog/v1/family_service_pb.js';
import { ConsentScopeSchema, RoleSchema } from '../gen/nightlog/v1/records_pb.js';
import { EditEffectSchema } from '../gen/nightlog/v1/sync_service_pb.js';
import type { DeviceClock } from '../model/device_clock.ts';
import { fromHex, toHex } from '../model/ids.ts';
import type { Remote, SyncHost } from '../model/remote.ts';
import {
  AppError,
  type EditEffect,
  type HistoryItem,
  type Id,
  type LateTap,
} from '../model/types.ts';
import { CALL, EXPORT_CALL, type MakeTransport, makeCalls } from './calls.ts';
import { enumName, enumNumber, fromInstant, toInstant } from './codec.ts';
import { startEngine } from './engine.ts';
import { toAppError } from './errors.ts';
import { toJsonLines } from './export.ts';
import { entriesSink, follow } from './follower.ts';
import { readLog } from './imports.ts';
import { toEvent, toMember } from './members.ts';
import { Replica } from './replica.ts';
import { KeptStream } from './stream.ts';
import { DurationSchema } from './well_known.ts';
import { toEdit, toEditId, toPairing, toVersion } from './wire.ts';

const HISTORY_PAGE = 50;
const QUARANTINE_PAGE = 200;
const EVENTS_PAGE = 20;

export function makeRemoteOn(
  makeTransport: MakeTransport,
  host: SyncHost & { clock: DeviceClock },
): Remote {
  const replica = new Replica(host);
  const calls = makeCalls(makeTransport, () => replica.token());

  const asking = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      throw toAppError(error);
    }
  };
  const paired = async (pairing: WirePairing | undefined): Promise<Id> => {
    if (!pairing) throw new AppError('other', 'the server’s answer has no pairing');
    await replica.addFamily(toPairing(pairing), pairing.deviceToken);
    return toHex(pairing.familyId);
  };

  return {
    startSync: () => startEngine(host, replica, calls, host.clock),

    createFamily: (request) =>
      asking(async () => {
        const requestId = fromHex(await replica.nameRequest({ createFamily: request }));
        return paired((await calls.family.createFamily({ ...request, requestId }, CALL)).pairing);
      }),

    join: (request) =>
      asking(async () => {
        const requestId = fromHex(await replica.nameRequest({ join: request }));
        return paired((await calls.family.join({ ...request, requestId }, CALL)).pairing);
      }),

    createInvite: (familyId, { role, memberId, validForMs, consentScope, consentUntil }) =>
      asking(async () => {
        const answer = await calls.family.createInvite(
          {
            familyId: fromHex(familyId),
            role: enumNumber(RoleSchema, role),
            consentScope: enumNumber(ConsentScopeSchema, consentScope),
            ...(memberId && { memberId: fromHex(memberId) }),
            ...(consentUntil !== undefined && { consentUntil: fromInstant(consentUntil) }),
            ...(validForMs !== undefined && {
              validFor: create(DurationSchema, { seconds: BigInt(Math.round(validForMs / 1000)) }),
            }),
          },
          CALL,
        );
        const { code, expiresAt } = answer;
        return { code, expiresAt: expiresAt ? toInstant(expiresAt) : 0 };
      }),

    listMembers: (familyId) =>
      asking(async () => {
        const request = { familyId: fromHex(familyId) };
        return (await calls.family.listMembers(request, CALL)).members.map(toMember);
      }),

    revokeDevice: (familyId, deviceId) =>
      asking(async () => {
        const request = { familyId: fromHex(familyId), deviceId: fromHex(deviceId) };
        await calls.family.revokeDevice(request, CALL);
      }),

    listLateTaps: (familyId) =>
      asking(async () => {
        const taps: LateTap[] = [];
        let pageToken = '';
        do {
          const page = await calls.family.listQuarantine(
            { familyId: fromHex(familyId), pageSize: QUARANTINE_PAGE, pageToken },
            CALL,
          );
          for (const { replicaId, transaction, memberId, madeAt } of page.items) {
            taps.push({
              replicaId: toHex(replicaId),
              seq: Number(transaction?.seq ?? 0),
              memberId: toHex(memberId),
              madeAt: madeAt ? toInstant(madeAt) : 0,
              edits: transaction?.edits.map(toEdit) ?? [],
            });
          }
          pageToken = page.nextPageToken;
        } while (pageToken !== '');
        return taps;
      }),

    decideLateTap: (familyId, { replicaId, seq }, accept) =>
      asking(async () => {
        const decision = accept ? QuarantineDecision.ACCEPT : QuarantineDecision.REFUSE;
        await calls.family.decideQuarantine(
          {
            familyId: fromHex(familyId),
            replicaId: fromHex(replicaId),
            seq: BigInt(seq),
            decision,
          },
          CALL,
        );
      }),

    listEvents: (familyId, pageToken) =>
      asking(async () => {
        const { events, nextPageToken } = await calls.family.listEvents(
          { familyId: fromHex(familyId), pageSize: EVENTS_PAGE, pageToken },
          CALL,
        );
        return { events: events.map(toEvent), ...(nextPageToken && { pageToken: nextPageToken }) };
      }),

    removeMember: (familyId, memberId) =>
      asking(async () => {
        const request = { familyId: fromHex(familyId), memberId: fromHex(memberId) };
        await calls.family.removeMember(request, CALL);
      }),

    setConsent: (familyId, memberId, scope, until) =>
      asking(async () => {
        await calls.family.setConsent(
          {
            familyId: fromHex(familyId),
            memberId: fromHex(memberId),
            scope: enumNumber(ConsentScopeSchema, scope),
            until: fromInstant(until),
          },
          CALL,
        );
      }),

    history: (familyId, recordId, pageToken) =>
      asking(async () => {
        const { items, nextPageToken } = await calls.sync.listHistory(
          {
            familyId: fromHex(familyId),
            recordId: fromHex(recordId),
            pageSize: HISTORY_PAGE,
            pageToken,
          },
          CALL,
        );
        return {
          items: items.map(
            (item): HistoryItem => ({
              revision: Number(item.revision),
              memberId: toHex(item.memberId),
              madeAt: item.madeAt ? toInstant(item.madeAt) : 0,
              committedAt: item.committedAt ? toInstant(item.committedAt) : 0,
              outcomes: item.outcomes.flatMap(({ edit, change, effect, replaced }) => {
                if (!change) return [];
                const plain = toEdit(change);
                const became = enumName(EditEffectSchema, effect) as EditEffect | undefined;
                return [
                  {
                    edit: toEditId(edit),
                    change: plain,
                    replaced: replaced.map((version) => toVersion(version, plain.group)),
                    ...(became && { effect: became }),
                  },
                ];
              }),
            }),
          ),
          ...(nextPageToken && { pageToken: nextPageToken }),
        };
      }),

    exportFamily: (pairing, told = () => undefined) =>
      asking(() => {
        const request = { familyId: fromHex(pairing.familyId) };
        const parts = calls.family.exportFamily(request, EXPORT_CALL);
        return toJsonLines(parts, pairing, new Date(), told);
      }),

    readLog: (familyId, file, told = () => undefined) =>
      asking(() => readLog(calls, familyId, file, told)),

    watchEntries: (familyId, changed) => {
      const stream = new KeptStream(
        (signal, heard) =>
          follow(familyId, entriesSink(changed), calls, signal, heard, () => undefined),
        () => undefined,
      );
      void stream.run();
      return () => stream.stop();
    },

    erase: (familyId, familyName) =>
      asking(async () => {
        await calls.family.eraseFamily({ familyId: fromHex(familyId), familyName }, CALL);
        await replica.forget(familyId);
      }),

    forget: (familyId) => replica.forget(familyId),
    discard: (familyId, position) => replica.discard(familyId, position),
    discardNotShared: (familyId, taps) => replica.discardNotShared(familyId, taps),
  };
}
