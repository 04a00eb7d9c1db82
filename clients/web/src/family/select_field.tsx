import type { Signal } from '@preact/signals';
import { Field } from '../ui/field.tsx';

interface SelectFieldProps {
  label: string;
  hint?: string;
  options: readonly { value: string; label: string }[];
  choice: Signal<string>;
}

// One of many, bound to a signal.
export function SelectField({ label, hint, options, choice }: SelectFieldProps) {
  return (
    <Field
      label={label}
      hint={hint}
      control={(ids) => (
        <select
          class="input"
          value={choice.value}
          onChange={(event) => {
            choice.value = event.currentTarget.value;
          }}
          {...ids}
        >
          {options.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )}
    />
  );
}
