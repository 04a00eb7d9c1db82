import type { Child, LocalDate } from './types.ts';

// Completed months on `day`, counted from the due date for a child born before it, else from the
// birth date; 0 before that date. undefined without a birth date.
export function ageInMonths(child: Child, day: LocalDate): number | undefined {
  if (!child.birthDate) return undefined;
  const from = child.dueDate && child.dueDate > child.birthDate ? child.dueDate : child.birthDate;
  const [fromYear, fromMonth, fromDay] = from.split('-').map(Number) as [number, number, number];
  const [year, month, dayOfMonth] = day.split('-').map(Number) as [number, number, number];
  const months = (year - fromYear) * 12 + month - fromMonth;
  return Math.max(0, dayOfMonth < fromDay ? months - 1 : months);
}
