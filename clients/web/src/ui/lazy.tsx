import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';

// A component that is fetched when it is first drawn. Until then nothing is shown; where it cannot
// be fetched, the next drawing tries again.
export function lazy<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): ComponentType<Props> {
  const loaded = signal<ComponentType<Props> | undefined>(undefined);
  let loading = false;
  return function Lazy(props: Props) {
    const Loaded = loaded.value;
    if (Loaded) return <Loaded {...props} />;
    if (!loading) {
      loading = true;
      load().then(
        (module) => {
          loaded.value = module.default;
        },
        () => {
          loading = false;
        },
      );
    }
    return null;
  };
}
