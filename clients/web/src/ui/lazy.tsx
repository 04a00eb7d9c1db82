import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';

const fetches: (() => void)[] = [];

// A component that is fetched when it is first drawn. Until then nothing is shown; where it cannot
// be fetched, the next drawing tries again.
export function lazy<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): ComponentType<Props> {
  const loaded = signal<ComponentType<Props> | undefined>(undefined);
  let fetching = false;
  const fetch = (): void => {
    if (fetching) return;
    fetching = true;
    load().then(
      (module) => {
        loaded.value = module.default;
      },
      () => {
        fetching = false;
      },
    );
  };
  fetches.push(fetch);
  return function Lazy(props: Props) {
    const Loaded = loaded.value;
    if (Loaded) return <Loaded {...props} />;
    fetch();
    return null;
  };
}

// Fetches every lazy component that is known by now: once a page stands, so that what it opens is
// there without a network, even where the browser allows no service worker.
export function fetchAhead(): void {
  for (const fetch of fetches) fetch();
}
