import type { ComponentChildren, JSX } from 'preact';
import { Icon } from './icon.tsx';

// `main`: the one thing to do on a page, in the accent. `plain`: any other. `quiet`: without a
// ground, for what is seldom needed. `careful`: takes something away.
export type ButtonKind = 'main' | 'plain' | 'quiet' | 'careful';

interface ButtonProps extends Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, 'icon'> {
  kind?: ButtonKind;
  // A path for Icon, before the words.
  icon?: string;
  // Fills the width it is given.
  wide?: boolean;
  children?: ComponentChildren;
}

export function Button({
  kind = 'plain',
  icon,
  wide,
  children,
  class: extra,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={`button ${kind}${wide ? ' wide' : ''}${extra ? ` ${String(extra)}` : ''}`}
    >
      {icon && <Icon path={icon} size={22} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends JSX.ButtonHTMLAttributes<HTMLButtonElement> {
  path: string;
  // What a screen reader says; shown as a tooltip too.
  label: string;
}

export function IconButton({ path, label, class: extra, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      class={`icon-button${extra ? ` ${String(extra)}` : ''}`}
    >
      <Icon path={path} />
    </button>
  );
}
