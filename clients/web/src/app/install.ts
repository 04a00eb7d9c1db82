// The browser's offer to install the app. It may come before any page that could show it.
import { signal } from '@preact/signals';

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

// Set while the app can be installed by a tap: install() shows the browser's question.
export const installable = signal<InstallPrompt | undefined>(undefined);

addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  installable.value = event as InstallPrompt;
});
addEventListener('appinstalled', () => {
  installable.value = undefined;
});
