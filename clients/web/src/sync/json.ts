// A message in words, as `nightlog --json` prints it: clients/cli/json.h has the rules. Only ever
// written, never read back.
import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { toHex } from '../model/ids.ts';
import type { Element } from './codec.ts';
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
  if (element.scalar === ScalarType.BYTES) return toHex(value as Uint8Array);
  return typeof value === 'bigint' ? Number(value) : value;
}

// Undefined: the field can be unset, and is.
function fieldJson(field: DescField, message: Record<string, unknown>): unknown {
  let value = message[field.oneof?.localName ?? field.localName];
  if (field.oneof) {
    const chosen = value as { case?: string; value?: unknown };
    value = chosen.case === field.localName ? chosen.value : undefined;
  }
  if (value === undefined) return undefined;
  if (field.fieldKind === 'list') return (value as []).map((item) => elementJson(field, item));
  if (field.fieldKind === 'map') {
    const entries = Object.entries(value as object);
    return Object.fromEntries(entries.map(([key, item]) => [key, elementJson(field, item)]));
  }
  return elementJson(field, value);
}

// What JSON.stringify() takes.
export function toJson(desc: DescMessage, message: Message): unknown {
  if (desc.typeName === TimestampSchema.typeName) return timeText(message as Timestamp);
  if (desc.typeName === DurationSchema.typeName) {
    const { seconds, nanos } = message as Duration;
    return Number(seconds) + nanos * 1e-9;
  }
  const from = message as unknown as Record<string, unknown>;
  return Object.fromEntries(desc.fields.map((field) => [field.name, fieldJson(field, from)]));
}
