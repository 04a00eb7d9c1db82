import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { IconButton } from './button.tsx';
import { kClose } from './icons.ts';

interface SheetProps {
  title: ComponentChildren;
  // The name of the closing button, in the language of the page.
  closeLabel: string;
  // Called once it is closed, however that came about.
  onClose: () => void;
  children: ComponentChildren;
  // Stays in view below what scrolls: the actions.
  footer?: ComponentChildren;
}

// A modal dialog: rises from the bottom edge on a phone, within reach of a thumb, and stands in the
// middle of a wide screen. Show it by rendering it. The element is the browser's own <dialog>, so
// focus is held, Escape closes, and focus returns where it was.
export function Sheet({ title, closeLabel, onClose, children, footer }: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: with keys, Escape closes it.
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby={titleId}
      onClose={onClose}
      onClick={(event) => {
        // The dialog itself is hit only beside its content: on the backdrop.
        if (event.target === dialog.current) dialog.current?.close();
      }}
    >
      <div class="sheet-body">
        <div class="sheet-head">
          <h2 id={titleId}>{title}</h2>
          <IconButton path={kClose} label={closeLabel} onClick={() => dialog.current?.close()} />
        </div>
        <div class="sheet-content">{children}</div>
        {footer && <div class="sheet-foot">{footer}</div>}
      </div>
    </dialog>
  );
}
