// Which plan holds on a night.
import type { Family } from './app.ts';
import type { Id, LocalDate, RecordOf } from './types.ts';

export interface PlanInForce {
  plan: RecordOf<'plan'>;
  // 1 on its first night.
  night: number;
}

const kDayMs = 24 * 3_600_000;

// The plan that covers a night, by the rule of PlanNights (see FindPlanInForce in
// services/sleep/methods.h): of those that cover it the one with the later first night, of two such
// the greater id. A plan without a last night covers until the next later one begins.
export function planInForce(
  plans: readonly RecordOf<'plan'>[],
  childId: Id,
  date: LocalDate,
): PlanInForce | undefined {
  const begun = plans.filter(
    ({ body, deleted }) => !deleted && body.childId === childId && body.nights.firstNight <= date,
  );
  const latest = begun.reduce((first, { body }) => {
    return body.nights.firstNight > first ? body.nights.firstNight : first;
  }, '');
  const order = ({ id, body }: RecordOf<'plan'>): string => body.nights.firstNight + id;
  const plan = begun
    .filter(({ body: { nights } }) =>
      nights.lastNight ? nights.lastNight >= date : nights.firstNight === latest,
    )
    .sort((a, b) => (order(a) < order(b) ? 1 : -1))[0];
  if (!plan) return undefined;
  const days = (Date.parse(date) - Date.parse(plan.body.nights.firstNight)) / kDayMs;
  return { plan, night: Math.round(days) + 1 };
}

export function planOn(family: Family, childId: Id, date: LocalDate): PlanInForce | undefined {
  return planInForce(family.list('plan').value, childId, date);
}
