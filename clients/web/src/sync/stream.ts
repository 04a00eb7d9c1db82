// Keeps a stream open: opens it again with backoff after it ended or fell silent, and at once when there
// is reason to believe that it is dead.
import { AppError } from '../model/types.ts';
import { Backoff } from './backoff.ts';
import { CallError, toAppError } from './errors.ts';
import { Waiting } from './waiting.ts';

// The server says something every 30 s. A stream that was silent for longer may be dead, for all that
// is known here; opening it again costs one bookmark.
const SILENT_MS = 45_000;
// After this long it is.
const DEAD_MS = 75_000;

// Errors that another try does not cure; a person's wish, or a new pairing, does.
function isFinal(error: AppError): boolean {
  return error.reason === 'no_access' || error.reason === 'unknown_device';
}

export class KeptStream {
  private stopped = false;
  private heardAt = 0;
  // There was reason to try at once since something was heard.
  private hurried = false;
  private silence: ReturnType<typeof setTimeout> | undefined;
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
      this.hear();
      let error: AppError | undefined;
      try {
        await this.read(this.abort.signal, () => {
          this.hear();
          backoff.reset();
        });
      } catch (thrown) {
        error = toAppError(thrown);
      }
      clearTimeout(this.silence);
      if (this.stopped) return;
      const { aborted, reason } = this.abort.signal;
      const restarted = aborted && !(reason instanceof AppError);
      if (!restarted) this.told(error);
      const asked = error instanceof CallError ? error.retryAfterMs : 0;
      const delay = error && isFinal(error) ? Number.POSITIVE_INFINITY : backoff.next();
      if (!restarted && !this.hurried) await this.waiting.wait(Math.max(delay, asked));
    }
  }

  // Tries again at once, also where an attempt under way fails; a stream that was silent for long is
  // opened again.
  hurry(): void {
    this.hurried = true;
    if (Date.now() - this.heardAt > SILENT_MS) this.restart();
    this.waiting.end();
  }

  private hear(): void {
    this.heardAt = Date.now();
    this.hurried = false;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      this.abort.abort(new AppError('unreachable', 'the server has not been heard for long'));
    }, DEAD_MS);
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
