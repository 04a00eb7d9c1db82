import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';

const fetches: (() => Promise<void>)[] = [];

// A component that is fetched when it is first drawn. Until then nothing is shown; where it cannot
// be fetched, the next drawing tries again.
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  const loaded = signal<ComponentType<Props> | undefined>(undefined);
  let fetching: Promise<void> | undefined;
  const fetch = (): Promise<void> => {
    fetching ??= load().then(
      (component) => {
        loaded.value = component;
      },
      () => {
        fetching = undefined;
      },
    );
    return fetching;
  };
  fetches.push(fetch);
  return function Lazy(props: Props) {
    const Loaded = loaded.value;
    if (Loaded) return <Loaded {...props} />;
    void fetch();
    return null;
  };
}

// Fetches every lazy component that is known by now, one after the other: once a page stands, so that
// what it opens is there without a network, even where the browser allows no service worker.
export async function fetchAhead(): Promise<void> {
  for (const fetch of fetches) await fetch();
}
