// A message in words, as `nightlog --json` prints it: clients/cli/json.h has the rules. Only ever
// written, never read back.
import type { DescEnum, DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { convert, type Element, type Plain, scalarToPlain } from './codec.ts';
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from './well_known.ts';

// The fraction of a second as far as there is one.
export function timeText({ seconds, nanos }: Timestamp): string {
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = String(nanos).padStart(9, '0').replace(/0+$/, '');
  return `${whole}${fraction && `.${fraction}`}Z`;
}

function enumWord(desc: DescEnum, number: number): string {
  if (number === 0) return '';
  return desc.value[number]?.localName.toLowerCase() ?? String(number);
}

function elementJson(element: Element, value: unknown): unknown {
  if (element.message) return toJson(element.message, value as Message);
  if (element.enum) return enumWord(element.enum, value as number);
  return scalarToPlain(element, value);
}

// Undefined: the field can be unset, and is.
function fieldJson(field: DescField, message: Plain): unknown {
  let value = message[field.oneof?.localName ?? field.localName];
  if (field.oneof) {
    const chosen = value as { case?: string; value?: unknown };
    value = chosen.case === field.localName ? chosen.value : undefined;
  }
  return value === undefined ? undefined : convert(field, value, elementJson);
}

// What JSON.stringify() takes.
export function toJson(desc: DescMessage, message: Message): unknown {
  if (desc.typeName === TimestampSchema.typeName) return timeText(message as Timestamp);
  if (desc.typeName === DurationSchema.typeName) {
    const { seconds, nanos } = message as Duration;
    return Number(seconds) + nanos * 1e-9;
  }
  const from = message as unknown as Plain;
  return Object.fromEntries(desc.fields.map((field) => [field.name, fieldJson(field, from)]));
}
