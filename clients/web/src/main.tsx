import { render } from 'preact';
import { browser } from './app/browser.ts';
import './app/install.ts';
import { Shell } from './app/shell.tsx';
import { loadMessages, preferredLocale, setLocale } from './i18n/index.ts';
import { openApp } from './model/open_app.ts';

// Storage and words are read at the same time.
const app = openApp(browser);
await setLocale(preferredLocale());
await Promise.all([loadMessages('common'), app.opened]);
const root = document.getElementById('app');
if (root) render(<Shell app={app} />, root);

if ('serviceWorker' in navigator && import.meta.env.PROD) {
  void navigator.serviceWorker.register('/service_worker.js');
}
