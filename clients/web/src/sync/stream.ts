// Keeps a stream open: opens it again with backoff after it ended, and at once when there is reason to
// believe that it is dead.
import type { AppError } from '../model/types.ts';
import { Backoff } from './backoff.ts';
import { CallError, toAppError } from './errors.ts';
import { Waiting } from './waiting.ts';

// A stream that was silent for this long may be dead without anybody knowing; opening it again costs
// one bookmark.
const SILENT_MS = 45_000;

// Errors that another try does not cure; a person's wish, or a new pairing, does.
function isFinal(error: AppError): boolean {
  return error.reason === 'no_access' || error.reason === 'unknown_device';
}

export class KeptStream {
  private stopped = false;
  private heardAt = 0;
  private abort = new AbortController();
  private readonly waiting = new Waiting();

  // `read` reads one stream to its end, under the signal, and calls `heard` with each message. `told`
  // hears how each stream ended. An error that another try does not cure waits for hurry().
  constructor(
    private readonly read: (signal: AbortSignal, heard: () => void) => Promise<void>,
    private readonly told: (error: AppError | undefined) => void,
  ) {}

  // Resolves after stop().
  async run(): Promise<void> {
    const backoff = new Backoff();
    while (!this.stopped) {
      this.abort = new AbortController();
      let error: AppError | undefined;
      try {
        await this.read(this.abort.signal, () => {
          this.heardAt = Date.now();
          backoff.reset();
        });
      } catch (thrown) {
        error = toAppError(thrown);
      }
      if (this.stopped) return;
      const restarted = this.abort.signal.aborted;
      if (!restarted) this.told(error);
      const asked = error instanceof CallError ? error.retryAfterMs : 0;
      const delay = error && isFinal(error) ? Number.POSITIVE_INFINITY : backoff.next();
      if (!restarted) await this.waiting.wait(Math.max(delay, asked));
    }
  }

  // Tries again at once; a stream that was silent for long is opened again.
  hurry(): void {
    if (Date.now() - this.heardAt > SILENT_MS) this.restart();
    this.waiting.end();
  }

  restart(): void {
    this.abort.abort();
    this.waiting.end();
  }

  stop(): void {
    this.stopped = true;
    this.restart();
  }
}
