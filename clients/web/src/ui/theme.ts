// Dark is the theme of the night and the default; a person may choose light, or what the device
// prefers. Remembered on this device.
import { signal } from '@preact/signals';

export type Theme = 'dark' | 'light' | 'auto';

const kKey = 'nightlog.theme';
const prefersLight = matchMedia('(prefers-color-scheme: light)');

function stored(): Theme {
  const value = localStorage.getItem(kKey);
  return value === 'light' || value === 'auto' ? value : 'dark';
}

export const theme = signal<Theme>(stored());

function apply(): void {
  const light = theme.peek() === 'light' || (theme.peek() === 'auto' && prefersLight.matches);
  document.documentElement.dataset.theme = light ? 'light' : 'dark';
  const ground = getComputedStyle(document.documentElement).getPropertyValue('--ground');
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', ground.trim());
}

export function setTheme(chosen: Theme): void {
  theme.value = chosen;
  localStorage.setItem(kKey, chosen);
  apply();
}

prefersLight.addEventListener('change', apply);
apply();
