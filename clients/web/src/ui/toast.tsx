import { signal } from '@preact/signals';
import { Button } from './button.tsx';
import { kUndo } from './icon.tsx';

interface Notice {
  text: string;
  // Something went wrong: stays until the next line.
  alert?: boolean;
  action?: { label: string; run: () => void };
}

const kShownMs = 12_000;

const notice = signal<Notice | undefined>(undefined);
let timer: ReturnType<typeof setTimeout> | undefined;

// Shows one line until the next one, its action, or 12 seconds have passed. What the action does
// must stay possible elsewhere: nobody has to be fast.
export function showToast(next: Notice): void {
  clearTimeout(timer);
  notice.value = next;
  if (!next.alert) timer = setTimeout(hideToast, kShownMs);
}

export function hideToast(): void {
  clearTimeout(timer);
  notice.value = undefined;
}

// Where the line appears; one on a page. A screen reader hears it when it changes.
export function ToastPlace() {
  const shown = notice.value;
  return (
    <div class="toast-place" role="status">
      {shown && (
        <div class={`toast${shown.alert ? ' alert' : ''}`} key={shown.text}>
          <span>{shown.text}</span>
          {shown.action && (
            <Button
              icon={kUndo}
              onClick={() => {
                hideToast();
                shown.action?.run();
              }}
            >
              {shown.action.label}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
