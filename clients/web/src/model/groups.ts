// How the groups of a record behave under edits: the merge rules of protos/nightlog/v1/records.proto,
// without protobuf. A test holds the two together.
import type { EditableKind, RecordKind } from './types.ts';

export type MergeRule = 'register' | 'interval' | 'set' | 'text' | 'append';

export const EXISTENCE = 'existence';

// Groups that are no register.
const rules: Record<EditableKind, Record<string, MergeRule>> = {
  child: {},
  logEntry: { interval: 'interval', tags: 'set', separateFrom: 'set', text: 'text' },
  plan: { text: 'text' },
  comment: { posts: 'append' },
};

// What a record must have to be one.
export const requiredGroups: Record<EditableKind, readonly string[]> = {
  child: ['name', 'homeZone'],
  logEntry: ['childId', 'detail', 'interval'],
  plan: ['childId', 'approach', 'nights'],
  comment: ['target', 'posts'],
};

export function isEditable(kind: RecordKind): kind is EditableKind {
  return kind in rules;
}

// The rule of a group; a register where this app does not know it.
export function mergeRuleOf(kind: EditableKind, group: string): MergeRule {
  return rules[kind][group] ?? 'register';
}

// True for groups that show one value, of which further ones are open conflicts.
export function isRegister(kind: EditableKind, group: string): boolean {
  const rule = mergeRuleOf(kind, group);
  return rule === 'register' || rule === 'interval';
}
