// Where in the app the reader is: the fragment of the address, `#/AREA/REST..`, which never leaves
// the device and works offline.
import { computed, signal } from '@preact/signals';

export interface Route {
  // '' at the start of the app.
  area: string;
  path: readonly string[];
}

// The code of a link that invites (`#join=CODE`) or sets up (`#setup=CODE`). It is a secret of this
// page: it is taken out of the address and of the browser's history as soon as it is read.
export const arrived = signal<{ kind: 'join' | 'setup'; code: string } | undefined>(undefined);

function read(): string {
  const [, kind, code] = /^#(join|setup)=(.+)$/.exec(location.hash) ?? [];
  if (!code) return location.hash;
  arrived.value = { kind: kind as 'join' | 'setup', code: decodeURIComponent(code) };
  history.replaceState(null, '', `#/family/${kind}`);
  return location.hash;
}

const fragment = signal(read());
addEventListener('hashchange', () => {
  fragment.value = read();
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
