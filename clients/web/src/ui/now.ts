// The present moment, as signals: `now` ticks every second, `soon` every twenty, while the page is
// seen. What reads them is drawn again; so read `now` only where seconds are shown.
import { signal } from '@preact/signals';

export const now = signal(Date.now());
export const soon = signal(now.peek());

const kSoonMs = 20_000;

// Call it with every tap, so that what it made is not drawn in the future.
export function tick(): void {
  now.value = Date.now();
  if (Math.abs(now.peek() - soon.peek()) >= kSoonMs) soon.value = now.peek();
}

export function tickSoon(): void {
  tick();
  soon.value = now.peek();
}

setInterval(() => {
  if (!document.hidden) tick();
}, 1000);
document.addEventListener('visibilitychange', tickSoon);
