// Reads the device's clocks: each tap and each push carries a reading, from which the server works
// out when the tap really happened.
import { randomId } from './ids.ts';
import type { Id, Instant } from './types.ts';

export interface ClockReading {
  // May be wrong.
  wall: Instant;
  monotonicMs: number;
  // Readings with the same boot id have the same origin of monotonicMs.
  bootId: Id;
}

export interface Clocks {
  wall(): Instant;
  monotonicMs(): number;
}

const browserClocks: Clocks = { wall: () => Date.now(), monotonicMs: () => performance.now() };

// How far the clocks may part before it is a sleep of the machine.
const PARTED_MS = 2_000;

// The browser's monotonic clock stands still while many machines sleep, and a tap before the sleep
// would seem to be made after it. So when the wall clock has run ahead of it, the boot id changes and
// the server goes by the wall clock. A wall clock that was set back keeps the boot id.
export class DeviceClock {
  private bootId = randomId();
  private ahead: number;

  constructor(private readonly clocks: Clocks = browserClocks) {
    this.ahead = clocks.wall() - clocks.monotonicMs();
  }

  read(): ClockReading {
    const wall = this.clocks.wall();
    const monotonicMs = Math.floor(this.clocks.monotonicMs());
    const ahead = wall - monotonicMs;
    if (ahead - this.ahead > PARTED_MS) this.bootId = randomId();
    this.ahead = ahead;
    return { wall, monotonicMs, bootId: this.bootId };
  }
}
