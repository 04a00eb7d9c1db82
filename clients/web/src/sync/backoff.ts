// How long to wait before the next attempt: twice as long each time up to the longest, and at random
// between half of that and all of it, so that many phones do not come back at once.
const FIRST_MS = 250;
const LONGEST_MS = 30_000;

export class Backoff {
  private delay = FIRST_MS;

  constructor(private readonly random: () => number = Math.random) {}

  next(): number {
    const delay = this.delay;
    this.delay = Math.min(2 * delay, LONGEST_MS);
    return delay / 2 + (delay / 2) * this.random();
  }

  // After progress: starts from the first delay again.
  reset(): void {
    this.delay = FIRST_MS;
  }
}
