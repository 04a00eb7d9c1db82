// Watches which other devices of a family hold what this one has logged: "on Sam's phone since 03:12".
import { fromHex } from '../model/ids.ts';
import type { DeviceCopy } from '../model/remote.ts';
import type { Id, MemberWithDevices } from '../model/types.ts';
import { CALL, type Calls } from './calls.ts';
import { toMember } from './members.ts';
import { Waiting } from './waiting.ts';

// Asked again this long after each other, while a device is behind; then it rests until the next tap.
const DELAYS_MS = [1_000, 3_000, 10_000, 30_000, 60_000, 60_000, 60_000, 60_000, 60_000, 60_000];

export function copiesOf(members: readonly MemberWithDevices[]): DeviceCopy[] {
  return members.flatMap(({ memberId, member, devices }) =>
    devices.flatMap(({ deviceId, name, acknowledged, acknowledgedAt, revoked }) =>
      member.removed || revoked || !acknowledged || acknowledgedAt === undefined
        ? []
        : [{ memberId, deviceId, deviceName: name, acknowledged, acknowledgedAt }],
    ),
  );
}

export class Copies {
  private wanted = false;
  private stopped = false;
  private attempt = 0;
  private readonly waiting = new Waiting();

  // `told` gets what the devices hold, and says whether all of them hold everything.
  constructor(
    private readonly familyId: Id,
    private readonly calls: Calls,
    private readonly told: (copies: DeviceCopy[]) => Promise<boolean>,
  ) {}

  // Something was committed that others may not have yet.
  look(): void {
    this.wanted = true;
    this.attempt = 0;
    this.waiting.end();
  }

  // Resolves after stop().
  async run(): Promise<void> {
    while (!this.stopped) {
      const delay = this.wanted ? DELAYS_MS[this.attempt++] : undefined;
      await this.waiting.wait(delay ?? Number.POSITIVE_INFINITY);
      if (this.stopped || !this.wanted || delay === undefined) continue;
      try {
        const request = { familyId: fromHex(this.familyId) };
        const { members } = await this.calls.family.listMembers(request, CALL);
        if (await this.told(copiesOf(members.map(toMember)))) this.wanted = false;
      } catch {
        // The stream says how the connection is; this is asked again.
      }
    }
  }

  stop(): void {
    this.stopped = true;
    this.waiting.end();
  }
}
