// Members and their devices, from the wire.
import {
  MemberWithDevicesSchema,
  type MemberWithDevices as WireMember,
} from '../gen/nightlog/v1/family_service_pb.js';
import type { MemberWithDevices } from '../model/types.ts';
import { toPlain } from './codec.ts';

export function toMember(member: WireMember): MemberWithDevices {
  return toPlain(MemberWithDevicesSchema, member) as unknown as MemberWithDevices;
}
