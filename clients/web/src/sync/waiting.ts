// Waits that something else can end.
export class Waiting {
  private wake: (() => void) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  // Resolves after `ms`, or at the next end(), whichever is first. At most one wait at once.
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      if (ms !== Number.POSITIVE_INFINITY) this.timer = setTimeout(resolve, ms);
    });
  }

  end(): void {
    clearTimeout(this.timer);
    this.wake?.();
    this.wake = undefined;
  }
}
