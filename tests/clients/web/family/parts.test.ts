import { i18n } from '@lingui/core';
import { failureWords } from '@web/family/parts.tsx';
import { loadMessages } from '@web/i18n/index.ts';
import { AppError, type ErrorReason } from '@web/model/types.ts';
import { beforeAll, expect, test } from 'vitest';

beforeAll(async () => {
  i18n.activate('en');
  await loadMessages('family');
});

const said = 'a sentence in English';

test('a failure that somebody can do something about is told in the app’s own words', () => {
  const reasons: ErrorReason[] = [
    'unreachable',
    'draining',
    'busy',
    'not_saved',
    'invite_not_valid',
    'setup_code_not_valid',
    'last_owner',
    'no_access',
    'unknown_device',
    'role_not_allowed',
    'not_found',
    'storage_damaged',
    'ahead_of_server',
  ];
  for (const reason of reasons) {
    expect(failureWords(new AppError(reason, said)), reason).toMatch(/^[A-Z].*\.$/);
    expect(failureWords(new AppError(reason, said)), reason).not.toContain(said);
  }
  expect(failureWords(new AppError('busy', said))).not.toBe(
    failureWords(new AppError('unreachable', said)),
  );
});

test('any other is told with what was said of it', () => {
  for (const error of [new AppError('other', said), new Error(said), said]) {
    expect(failureWords(error)).toBe(`That did not work: ${said}`);
  }
});
