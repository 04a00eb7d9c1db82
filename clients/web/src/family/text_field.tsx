import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { Field } from '../ui/field.tsx';

interface TextFieldProps extends Omit<JSX.InputHTMLAttributes<HTMLInputElement>, 'label'> {
  label: string;
  hint?: string;
  error?: string | undefined;
  text: Signal<string>;
  // What is kept of what was typed.
  shape?: (typed: string) => string;
}

// A line of text bound to a signal.
export function TextField({ label, hint, error, text, shape, ...rest }: TextFieldProps) {
  return (
    <Field
      label={label}
      hint={hint}
      error={error}
      control={(ids) => (
        <input
          class="input"
          {...rest}
          value={text.value}
          onInput={(event) => {
            const typed = event.currentTarget.value;
            text.value = shape ? shape(typed) : typed;
            if (shape) event.currentTarget.value = text.value;
          }}
          {...ids}
        />
      )}
    />
  );
}
