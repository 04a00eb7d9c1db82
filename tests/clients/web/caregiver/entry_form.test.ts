import { changesOfForm, formOf, isValid, newEntryOf, newForm } from '@web/caregiver/entry_form.ts';
import { describe, expect, test } from 'vitest';
import { crying, entry, help, kChildId, minute, putDown, sleep } from './log.ts';

describe('the form of an entry', () => {
  test('that nobody touched comes to no edit, for every kind', () => {
    const kinds = [
      putDown,
      { kind: 'sleep', sleep: { place: 'crib', $unknown: [1] } },
      { kind: 'awake', awake: {} },
      { kind: 'crying', crying: { intensity: 2 } },
      {
        kind: 'response',
        response: { position: 'halfway', level: 3, action: 'sang', exemptReason: 'illness' },
      },
      { kind: 'feed', feed: { kind: 'bottle', amountMl: 90 } },
      { kind: 'rise', rise: {} },
      { kind: 'note', note: {} },
    ] as const;
    for (const detail of kinds) {
      const made = entry(detail as never, 0, detail.kind === 'sleep' ? 20 : undefined);
      made.body.interval.beganRaw = minute(1);
      made.body.text = 'as it was';
      expect(changesOfForm(formOf(made.body), made), detail.kind).toEqual([]);
    }
  });

  test('edits only what changed, and keeps what it does not know', () => {
    const made = entry(help(3), 0, 5);
    made.body.detail = {
      kind: 'response',
      response: { level: 3, action: 'sang', $unknown: ['later'] },
    };
    expect(changesOfForm({ ...formOf(made.body), level: 4 }, made)).toEqual([
      {
        type: 'set',
        recordId: made.id,
        kind: 'logEntry',
        groups: {
          detail: {
            kind: 'response',
            response: { level: 4, action: 'sang', $unknown: ['later'] },
          },
        },
      },
    ]);
  });

  test('takes a typed begin as it is, and leaves the tapped end to the server', () => {
    const made = entry(sleep, 0, 60);
    made.body.interval.beganRaw = minute(2);
    made.body.interval.endedRaw = minute(62);
    const [change] = changesOfForm({ ...formOf(made.body), begin: minute(-5) }, made);
    expect(change).toMatchObject({
      groups: {
        interval: {
          beganAt: minute(-5),
          beganTapped: false,
          endedAt: minute(60),
          endedTapped: true,
          endedRaw: minute(62),
        },
      },
    });
    expect(JSON.stringify(change)).not.toContain('beganRaw');
  });

  test('can take an end and a text away', () => {
    const made = entry(sleep, 0, 60);
    made.body.text = 'snored';
    const { end: _, ...open } = formOf(made.body);
    const changes = changesOfForm({ ...open, text: ' ' }, made);
    expect(changes).toMatchObject([
      { type: 'set', groups: { interval: { endedTapped: false } } },
      { type: 'clear', group: 'text' },
    ]);
    expect(JSON.stringify(changes)).not.toContain('endedAt');
  });

  test('is not saved with an end before the begin, nor as a note that says nothing', () => {
    expect(isValid({ ...newForm('sleep', minute(10)), end: minute(9) })).toBe(false);
    expect(isValid({ ...newForm('sleep', minute(10)), end: minute(10) })).toBe(true);
    expect(isValid({ ...newForm('rise', minute(10)), end: minute(9) })).toBe(true);
    expect(isValid({ ...newForm('note', minute(10)), text: '  ' })).toBe(false);
  });

  test('makes an entry of typed times, without an end for a point in time', () => {
    const form = { ...newForm('rise', minute(10)), end: minute(20), text: ' early ' };
    expect(newEntryOf(form, kChildId, 'Europe/Berlin')).toEqual({
      childId: kChildId,
      detail: { kind: 'rise', rise: {} },
      interval: {
        beganAt: minute(10),
        zone: 'Europe/Berlin',
        beganTapped: false,
        endedTapped: false,
      },
      text: 'early',
    });
    expect(newEntryOf(newForm('crying', minute(1)), kChildId, 'UTC').detail).toEqual(crying);
  });
});
