// Where in the app the reader is: the fragment of the address, `#/AREA/REST..`, which never leaves
// the device and works offline. An invite's code is such a fragment: `#/family/join/CODE`.
import { computed, signal } from '@preact/signals';

export interface Route {
  // '' at the start of the app.
  area: string;
  path: readonly string[];
}

const fragment = signal(location.hash);
addEventListener('hashchange', () => {
  fragment.value = location.hash;
});

export const route = computed<Route>(() => {
  const [area = '', ...path] = fragment.value
    .replace(/^#\/?/, '')
    .split('/')
    .map(decodeURIComponent);
  return { area, path };
});

// The address of a place, for links: `href={hrefOf('desk', familyId)}`.
export function hrefOf(...parts: readonly string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

// Goes there; `replace` leaves no way back.
export function go(parts: readonly string[], replace = false): void {
  const href = hrefOf(...parts);
  if (replace) {
    history.replaceState(null, '', href);
    fragment.value = href;
  } else {
    location.hash = href;
  }
}
