import { loadMessages, preferredLocale, setLocale } from './i18n/index.ts';

await setLocale(preferredLocale());
await loadMessages('common');
