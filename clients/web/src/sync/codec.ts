// Between protobuf messages and the plain values of model/types.ts, by reflection: bytes are hex digits,
// times are milliseconds, an enum value is its name in lower case, a oneof is its name and the case's
// field, and what is absent or empty is left out (but for lists, numbers and truth values that have no
// presence). What this build does not know survives both ways: unknown fields, and unknown enum values
// as `#17`.
import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { fromHex, toHex } from '../model/ids.ts';
import type { Instant } from '../model/types.ts';
import { type Timestamp, TimestampSchema } from './well_known.ts';

export type Plain = Record<string, unknown>;

export function toInstant(time: Timestamp): Instant {
  return Number(time.seconds) * 1000 + Math.round(time.nanos / 1000) / 1000;
}

// To the microsecond, which is what the number holds.
export function fromInstant(at: Instant): Timestamp {
  const seconds = Math.floor(at / 1000);
  const micros = Math.round((at - seconds * 1000) * 1000);
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: micros * 1000 });
}

export function enumName(desc: DescEnum, number: number): string | undefined {
  if (number === 0) return undefined;
  return desc.value[number]?.localName.toLowerCase() ?? `#${number}`;
}

export function enumNumber(desc: DescEnum, name: string | undefined): number {
  if (name === undefined) return 0;
  if (name.startsWith('#')) return Number(name.slice(1));
  return desc.values.find((value) => value.localName.toLowerCase() === name)?.number ?? 0;
}

function isLong(type: ScalarType): boolean {
  return type === ScalarType.UINT64 || type === ScalarType.INT64;
}

// What a field holds, or each item of a list or map.
export type Element = { message?: DescMessage; enum?: DescEnum; scalar?: ScalarType };

// What a field holds, each item of a list or map converted by itself.
export function convert(
  field: DescField,
  value: unknown,
  each: (element: Element, value: unknown) => unknown,
): unknown {
  if (field.fieldKind === 'list') return (value as unknown[]).map((item) => each(field, item));
  if (field.fieldKind !== 'map') return each(field, value);
  const entries = Object.entries(value as Plain);
  return Object.fromEntries(entries.map(([key, item]) => [key, each(field, item)]));
}

// Bytes are hex digits, and a long number is one like any other.
export function scalarToPlain({ scalar }: Element, value: unknown): unknown {
  if (scalar === ScalarType.BYTES) return toHex(value as Uint8Array);
  return typeof value === 'bigint' ? Number(value) : value;
}

function elementToPlain(element: Element, value: unknown): unknown {
  if (element.message) {
    return element.message.typeName === TimestampSchema.typeName
      ? toInstant(value as Timestamp)
      : toPlain(element.message, value as Message);
  }
  if (element.enum) return enumName(element.enum, value as number);
  return scalarToPlain(element, value);
}

function elementFromPlain(element: Element, value: unknown): unknown {
  if (element.message) {
    return element.message.typeName === TimestampSchema.typeName
      ? fromInstant(value as Instant)
      : fromPlain(element.message, value as Plain);
  }
  if (element.enum) return enumNumber(element.enum, value as string);
  if (element.scalar === ScalarType.BYTES) return fromHex(value as string);
  return element.scalar !== undefined && isLong(element.scalar) ? BigInt(value as number) : value;
}

function valueToPlain(field: DescField, value: unknown): unknown {
  if (value === undefined) return undefined;
  const plain = convert(field, value, elementToPlain);
  const implicit = field.presence === FeatureSet_FieldPresence.IMPLICIT;
  return plain === '' && implicit ? undefined : plain;
}

export function toPlain(desc: DescMessage, message: Message): Plain {
  const from = message as unknown as Plain;
  const plain: Plain = {};
  for (const member of desc.members) {
    if (member.kind === 'oneof') {
      const { case: name, value } = from[member.localName] as { case?: string; value?: unknown };
      const field = member.fields.find((known) => known.localName === name);
      if (!field) continue;
      plain[member.localName] = field.localName;
      plain[field.localName] = valueToPlain(field, value);
    } else {
      const value = valueToPlain(member, from[member.localName]);
      if (value !== undefined) plain[member.localName] = value;
    }
  }
  if (message.$unknown?.length) plain.$unknown = message.$unknown;
  return plain;
}

export function fromPlain<Desc extends DescMessage>(desc: Desc, plain: Plain): MessageShape<Desc> {
  const init: Plain = {};
  for (const member of desc.members) {
    if (member.kind === 'oneof') {
      const name = plain[member.localName];
      const field = member.fields.find((known) => known.localName === name);
      if (!field) continue;
      init[member.localName] = {
        case: field.localName,
        value: convert(field, plain[field.localName] ?? {}, elementFromPlain),
      };
    } else if (plain[member.localName] !== undefined) {
      init[member.localName] = convert(member, plain[member.localName], elementFromPlain);
    }
  }
  const message = create(desc, init as never);
  if (Array.isArray(plain.$unknown)) message.$unknown = plain.$unknown;
  return message;
}
