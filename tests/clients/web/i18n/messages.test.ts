import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compileMessage } from '@lingui/message-utils/compileMessage';
import { describe, expect, test } from 'vitest';

const folder = path.resolve(import.meta.dirname, '../../../../clients/web/src/i18n');

function read(locale: string, file: string): Record<string, string> {
  return JSON.parse(readFileSync(path.join(folder, locale, file), 'utf8'));
}

// The names of the values in a message, whatever their order or plural forms.
function placeholders(message: string): string[] {
  const names = new Set<string>();
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    for (const token of part) {
      if (!Array.isArray(token)) continue;
      names.add(String(token[0]));
      if (typeof token[2] === 'object' && token[2] !== null) Object.values(token[2]).forEach(walk);
    }
  };
  walk(compileMessage(message));
  return [...names].sort();
}

describe.each(readdirSync(path.join(folder, 'en')))('the messages of %s', (file) => {
  const english = read('en', file);
  const german = read('de', file);

  test('are the same in both languages, and take the same values', () => {
    expect(Object.keys(german).sort()).toEqual(Object.keys(english).sort());
    for (const [key, message] of Object.entries(english)) {
      expect(placeholders(german[key] ?? ''), key).toEqual(placeholders(message));
    }
  });

  test('have keys that begin with the name of the file', () => {
    const area = path.basename(file, '.json');
    expect(Object.keys(english).filter((key) => !key.startsWith(`${area}.`))).toEqual([]);
  });
});
