// The codes by which a device joins, and the links that carry them. Pure.

const kCodeLength = 16;
const kGroup = 4;
// Crockford's base32: what people confuse counts as the digit it looks like.
const kAlphabet = /^[0-9A-HJKMNP-TV-Z]+$/;

// What was typed, scanned or pasted, as `K7QF-2M9X-RD4T-B8HW`: a whole link counts too. undefined: no
// code can look like that.
export function readCode(typed: string): string | undefined {
  const inLink = /#(?:join|setup)=([^&\s]+)/.exec(typed)?.[1];
  const plain = (inLink ? decodeURIComponent(inLink) : typed)
    .toUpperCase()
    .replace(/[\s‐-―-]/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1');
  if (plain.length !== kCodeLength || !kAlphabet.test(plain)) return undefined;
  return grouped(plain);
}

// While it is typed: groups of four with dashes, nothing else changed.
export function grouped(typed: string): string {
  const plain = typed
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .slice(0, kCodeLength);
  return plain.match(new RegExp(`.{1,${kGroup}}`, 'g'))?.join('-') ?? '';
}

// The code stands in the fragment, which browsers do not send to any server.
export function joinLink(origin: string, code: string): string {
  return `${origin}/#join=${code}`;
}

// The name a device goes by, of its own account; a person may change it.
export function deviceNameOf(agent: string, owner: string, words: Record<DeviceKind, string>) {
  const kind: DeviceKind = /iPad|Tablet/.test(agent)
    ? 'tablet'
    : /iPhone|Android|Mobile/.test(agent)
      ? 'phone'
      : 'computer';
  return words[kind].replace('{name}', owner);
}
export type DeviceKind = 'phone' | 'tablet' | 'computer';

// The end of consent as a date people choose, at the end of that day here; and back.
export function endOfDay(date: string): number {
  return new Date(`${date}T23:59:59`).getTime();
}
export function dateOf(at: number): string {
  const local = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`;
}

// How a device can make this app its own, where no browser asks.
export type InstallWay = 'installed' | 'ask' | 'ios' | 'menu';
export function installWay(facts: {
  standalone: boolean;
  canAsk: boolean;
  agent: string;
}): InstallWay {
  if (facts.standalone) return 'installed';
  if (facts.canAsk) return 'ask';
  return /iPhone|iPad/.test(facts.agent) ? 'ios' : 'menu';
}
