// Age, and what children of an age are said to sleep: context beside a child's numbers, never a
// target and never a grade (METRICS.md, section 3). The same as services/sleep/norms.h. Pure.
export { ageInMonths } from '../model/age.ts';

export interface HoursRange {
  low: number;
  high: number;
}

// Hours of sleep in 24 for an age.
export interface SleepNorm {
  // National Sleep Foundation 2015: recommended, and may be appropriate.
  recommended: HoursRange;
  mayBeAppropriate: HoursRange;
  // Galland 2012, fit to observed totals: 10.49 − 5.56·(√(years/10) − 0.71); from half a year on.
  observedMean?: number;
}

// undefined from 36 months, the end of the table.
export function normFor(ageMonths: number): SleepNorm | undefined {
  if (ageMonths >= 36) return undefined;
  const [recommended, mayBeAppropriate] =
    ageMonths < 4
      ? [
          { low: 14, high: 17 },
          { low: 11, high: 19 },
        ]
      : ageMonths < 12
        ? [
            { low: 12, high: 15 },
            { low: 10, high: 18 },
          ]
        : [
            { low: 11, high: 14 },
            { low: 9, high: 16 },
          ];
  const norm: SleepNorm = { recommended, mayBeAppropriate };
  if (ageMonths >= 6) norm.observedMean = 10.49 - 5.56 * (Math.sqrt(ageMonths / 120) - 0.71);
  return norm;
}
