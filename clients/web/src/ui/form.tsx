import type { ComponentChildren } from 'preact';

interface FormProps {
  class?: string;
  // Instead of leaving the page.
  onSubmit: () => unknown;
  children: ComponentChildren;
}

// A form whose fields stand one below the other.
export function Form({ class: more, onSubmit, children }: FormProps) {
  return (
    <form
      class={more ? `stack ${more}` : 'stack'}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
