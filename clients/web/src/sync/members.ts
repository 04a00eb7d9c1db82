// Members, their devices and what happened to their access, from the wire.
import {
  AccessEventSchema,
  MemberWithDevicesSchema,
  type AccessEvent as WireEvent,
  type MemberWithDevices as WireMember,
} from '../gen/nightlog/v1/family_service_pb.js';
import type { AccessEvent, MemberWithDevices } from '../model/types.ts';
import { toPlain } from './codec.ts';

export function toMember(member: WireMember): MemberWithDevices {
  return toPlain(MemberWithDevicesSchema, member) as unknown as MemberWithDevices;
}

export function toEvent(event: WireEvent): AccessEvent {
  return toPlain(AccessEventSchema, event) as unknown as AccessEvent;
}
