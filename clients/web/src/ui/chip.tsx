import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

// A short word about the state of something: `soft` says it, `accent` points at it, `alert` asks
// for a person.
export type ChipTone = 'soft' | 'accent' | 'alert';

interface ChipProps {
  tone?: ChipTone;
  icon?: string;
  children: ComponentChildren;
}

export function Chip({ tone = 'soft', icon, children }: ChipProps) {
  return (
    <span class={`chip ${tone}`}>
      {icon && <Icon path={icon} size={16} />}
      <span>{children}</span>
    </span>
  );
}
