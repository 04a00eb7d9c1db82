// Words in the language of the reader. Messages are ICU MessageFormat in JSON files, one folder a
// language and one file an area of the app; they are compiled at build time, and loaded when their
// area is. Keys begin with the name of their file: `caregiver.put_down`.
import { i18n } from '@lingui/core';
import { signal } from '@preact/signals';
import type caregiver from './en/caregiver.json';
import type common from './en/common.json';
import type consultant from './en/consultant.json';
import type family from './en/family.json';

export type MessageKey =
  | keyof typeof common
  | keyof typeof caregiver
  | keyof typeof consultant
  | keyof typeof family;
export type Area = 'common' | 'caregiver' | 'consultant' | 'family';
export const LOCALES = ['en', 'de'] as const;
export type Locale = (typeof LOCALES)[number];

type Catalog = Record<string, string>;
const catalogs = import.meta.glob<Catalog>('./*/*.json', { import: 'default' });

const loaded = new Set<Area>();
const version = signal(0);
const current = signal<Locale>('en');

// The language shown. Reading it in a component makes the component follow it.
export function locale(): Locale {
  return current.value;
}

// The message in the current language. Components that call it are drawn again when the language
// changes. Values: `t('common.since', { time })`; plurals as ICU says.
export function t(key: MessageKey, values?: Record<string, unknown>): string {
  version.value;
  return i18n._(key, values);
}

async function load(area: Area, language: Locale): Promise<void> {
  const catalog = catalogs[`./${language}/${area}.json`];
  if (catalog) i18n.load(language, await catalog());
}

// Loads the messages of an area; resolves when t() knows them.
export async function loadMessages(area: Area): Promise<void> {
  if (loaded.has(area)) return;
  await load(area, current.peek());
  loaded.add(area);
  version.value++;
}

// Changes the language, and remembers it on this device.
export async function setLocale(language: Locale): Promise<void> {
  await Promise.all([...loaded].map((area) => load(area, language)));
  i18n.activate(language);
  current.value = language;
  version.value++;
  document.documentElement.lang = language;
  localStorage.setItem('nightlog.locale', language);
}

// The language chosen on this device, or else the best of the browser's.
export function preferredLocale(): Locale {
  const wanted = [localStorage.getItem('nightlog.locale'), ...navigator.languages];
  for (const tag of wanted) {
    const found = LOCALES.find((language) => tag?.split('-')[0] === language);
    if (found) return found;
  }
  return 'en';
}
