import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: ComponentChildren;
  hint?: ComponentChildren;
  // What is wrong and what to do; said aloud when it appears.
  error?: ComponentChildren;
  // Renders the control with the ids that tie it to its words.
  control: (ids: {
    id: string;
    'aria-describedby'?: string;
    'aria-invalid'?: boolean;
  }) => ComponentChildren;
}

// A labelled control of a form.
export function Field({ label, hint, error, control }: FieldProps) {
  const id = useId();
  const aboutId = `${id}-about`;
  const ids = {
    id,
    ...(hint || error ? { 'aria-describedby': aboutId } : {}),
    ...(error ? { 'aria-invalid': true } : {}),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {control(ids)}
      <div id={aboutId} class={error ? 'field-error' : 'field-hint'} aria-live="polite">
        {error ?? hint}
      </div>
    </div>
  );
}

interface ChoiceProps<Value extends string | number> {
  // Names the group.
  legend: ComponentChildren;
  options: readonly { value: Value; label: ComponentChildren }[];
  value: Value | undefined;
  onChange: (value: Value) => void;
}

// One of a few, all in view: radio buttons that look like segments.
export function Choice<Value extends string | number>({
  legend,
  options,
  value,
  onChange,
}: ChoiceProps<Value>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      <div class="choice-options">
        {options.map((option) => (
          <label key={option.value} class="choice-option">
            <input
              type="radio"
              name={name}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
