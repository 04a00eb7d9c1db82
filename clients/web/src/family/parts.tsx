// What the pages of the family share.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { AppError, type ErrorReason } from '../model/types.ts';
import { Button, type ButtonKind } from '../ui/button.tsx';

// What to do about a failure, in the reader's language where the app knows the reason.
export function failureWords(error: unknown): string {
  const message = (error as Error)?.message ?? String(error);
  if (!(error instanceof AppError)) return t('family.error_other', { message });
  switch (error.reason) {
    case 'unreachable':
    case 'draining':
      return t('family.error_unreachable');
    case 'busy':
      return t('family.error_busy');
    case 'not_saved':
      return t('family.error_not_saved');
    case 'invite_not_valid':
      return t('family.error_code');
    case 'setup_code_not_valid':
      return t('family.error_setup_code');
    case 'invalid_field':
      return error.violations.some(({ field }) => field === 'member_name')
        ? t('family.error_name')
        : t('family.error_other', { message });
    case 'last_owner':
      return t('family.error_last_owner');
    case 'no_access':
    case 'unknown_device':
      return t('family.error_no_access');
    case 'role_not_allowed':
      return t('family.error_role');
    case 'not_found':
      return t('family.error_not_found');
    case 'storage_damaged':
    case 'ahead_of_server':
      return t('family.error_damaged');
    default:
      return t('family.error_other', { message });
  }
}

// Runs one call at a time, and holds what went wrong with the last.
export function useCall() {
  const busy = useSignal(false);
  const error = useSignal<string | undefined>(undefined);
  const reason = useSignal<ErrorReason | undefined>(undefined);
  const run = async <T,>(call: () => Promise<T>): Promise<T | undefined> => {
    if (busy.value) return undefined;
    busy.value = true;
    error.value = undefined;
    try {
      return await call();
    } catch (failure) {
      error.value = failureWords(failure);
      reason.value = failure instanceof AppError ? failure.reason : 'other';
      return undefined;
    } finally {
      busy.value = false;
    }
  };
  return { busy, error, reason, run };
}

export function Failure({ words }: { words: string | undefined }) {
  return (
    <p class="field-error" role="alert">
      {words}
    </p>
  );
}

interface TwoTapsProps {
  kind?: ButtonKind;
  icon?: string;
  // The first tap, what is asked, and the second.
  first: string;
  question: string;
  second: string;
  onSure: () => void;
  busy?: boolean;
}

// Something that is not done by a slip: the second tap is elsewhere than the first.
export function TwoTaps({
  kind = 'careful',
  icon,
  first,
  question,
  second,
  onSure,
  busy,
}: TwoTapsProps) {
  const asked = useSignal(false);
  const sure = useRef<HTMLElement>(null);
  useEffect(() => {
    if (asked.value) sure.current?.querySelector('button')?.focus();
  }, [asked.value]);
  if (!asked.value) {
    return (
      <Button
        kind={kind}
        {...(icon ? { icon } : {})}
        onClick={() => {
          asked.value = true;
        }}
      >
        {first}
      </Button>
    );
  }
  return (
    <section class="two-taps card alert" ref={sure} aria-label={question}>
      <p>{question}</p>
      <div class="row">
        <Button
          kind="careful"
          disabled={busy}
          onClick={() => {
            asked.value = false;
            onSure();
          }}
        >
          {second}
        </Button>
        <Button
          kind="quiet"
          onClick={() => {
            asked.value = false;
          }}
        >
          {t('family.keep')}
        </Button>
      </div>
    </section>
  );
}

// A page of one thing to do.
export function Page({
  title,
  intro,
  back,
  children,
}: {
  title: ComponentChildren;
  intro?: ComponentChildren;
  back?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <main class="page family stack">
      {back}
      <header class="stack tight">
        <h1>{title}</h1>
        {intro && <p class="soft">{intro}</p>}
      </header>
      {children}
    </main>
  );
}
