import { getOption } from '@bufbuild/protobuf';
import { MergeRule, rules } from '@web/gen/nightlog/v1/field_rules_pb.js';
import { mergeRuleOf, requiredGroups } from '@web/model/groups.ts';
import type { EditableKind } from '@web/model/types.ts';
import { schemas } from '@web/sync/wire.ts';
import { describe, expect, test } from 'vitest';

const names: Record<number, string> = {
  [MergeRule.UNSPECIFIED]: 'register',
  [MergeRule.REGISTER]: 'register',
  [MergeRule.INTERVAL]: 'interval',
  [MergeRule.SET]: 'set',
  [MergeRule.TEXT]: 'text',
  [MergeRule.APPEND]: 'append',
};

describe.each(Object.keys(requiredGroups) as EditableKind[])('the groups of %s', (kind) => {
  test.each(schemas[kind].fields)('$localName follow the rules of the proto', (field) => {
    const rule = getOption(field, rules);
    expect(mergeRuleOf(kind, field.localName)).toBe(names[rule.merge]);
    expect(requiredGroups[kind].includes(field.localName)).toBe(rule.required);
  });
});
