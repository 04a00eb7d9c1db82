// One measure over nights: a dot a night, a line through the medians of three, the switches of plan
// and the nights within which the method is said to show. uPlot is loaded with this file alone.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { locale, t } from '../i18n/index.ts';
import { decimal, shortDate } from '../i18n/intl.ts';
import type { LocalDate, Measure, PlanSegment } from '../model/types.ts';
import type { Series } from './series.ts';
import { measureName } from './words.tsx';

export interface ChartProps {
  measure: Measure;
  series: Series;
  segments: readonly PlanSegment[];
  // First and last night within which the plan in force is said to show.
  expected?: { from: LocalDate; to: LocalDate };
  theme: string;
}

const kHeight = 150;
const seconds = (date: LocalDate) => Date.parse(date) / 1000;

// The inks of the page's theme, read once a drawing: a canvas knows no custom properties.
function inks() {
  const style = getComputedStyle(document.documentElement);
  const ink = (name: string) => style.getPropertyValue(name).trim();
  return {
    soft: ink('--ink-soft'),
    line: ink('--line'),
    dot: ink('--line-strong'),
    accent: ink('--accent'),
    band: ink('--band'),
    face: style.getPropertyValue('font-family') || 'system-ui',
  };
}

export default function Chart({ measure, series, segments, expected, theme }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const holder = place.current;
    if (!holder) return;
    const ink = inks();
    const counts = measure === 'nwak';
    const inHours = readInHours(series);
    const font = `12px system-ui, sans-serif`;
    const days = new Intl.DateTimeFormat(locale(), {
      day: 'numeric',
      month: 'short',
      timeZone: 'UTC',
    });
    const vertical = (chart: uPlot, date: LocalDate) =>
      Math.round(chart.valToPos(seconds(date) - 43_200, 'x', true));
    const drawUnder = (chart: uPlot) => {
      const { ctx, bbox } = chart;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      if (expected) {
        const left = vertical(chart, expected.from);
        const right = Math.round(chart.valToPos(seconds(expected.to) + 43_200, 'x', true));
        ctx.fillStyle = ink.band;
        ctx.fillRect(left, bbox.top, right - left, bbox.height);
      }
      ctx.strokeStyle = ink.accent;
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
      for (const { firstNight } of segments) {
        const x = vertical(chart, firstNight);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.restore();
    };
    const axis = { stroke: ink.soft, font, ticks: { show: false } } as const;
    const chart = new uPlot(
      {
        width: Math.max(holder.clientWidth, 120),
        height: kHeight,
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 6, 0, 0],
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), 'Etc/UTC'),
        scales: {
          y: {
            range: (_, __, max) => [0, Math.max(max * 1.1, counts ? 4 : 10)],
          },
        },
        axes: [
          {
            ...axis,
            size: 26,
            space: 60,
            grid: { show: false },
            values: (_, ticks) => ticks.map((at) => days.format(at * 1000)),
            incrs: [86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400],
          },
          {
            ...axis,
            size: 38,
            space: 34,
            grid: { stroke: ink.line, width: 1 },
            incrs: counts ? [1, 2, 5, 10] : [5, 10, 15, 30, 60, 120, 180, 240, 360, 480],
            values: (_, ticks) =>
              ticks.map((value) =>
                counts || value === 0
                  ? String(value)
                  : inHours
                    ? t('consultant.hours', { hours: decimal(value / 60) })
                    : String(value),
              ),
          },
        ],
        series: [
          {},
          {
            stroke: 'transparent',
            points: { show: true, size: 6, width: 1.5, stroke: ink.dot, fill: ink.dot },
            paths: () => null,
          },
          { stroke: ink.accent, width: 2.5, spanGaps: false, points: { show: false } },
        ],
        hooks: { drawClear: [drawUnder] },
      },
      [series.dates.map(seconds), series.values, carried(series)],
      holder,
    );
    const resized = new ResizeObserver(() => {
      chart.setSize({ width: Math.max(holder.clientWidth, 120), height: kHeight });
    });
    resized.observe(holder);
    return () => {
      resized.disconnect();
      chart.destroy();
    };
  }, [measure, series, segments, expected?.from, expected?.to, theme, locale()]);

  const known = series.values.filter((value) => value !== null).length;
  return (
    <div
      ref={place}
      class="plot"
      role="img"
      aria-label={t('consultant.chart_label', {
        measure: measureName(measure),
        from: shortDate(series.dates[0] ?? '1970-01-01'),
        to: shortDate(series.dates.at(-1) ?? '1970-01-01'),
        nights: known,
      })}
    />
  );
}

// Long durations are read in hours.
function readInHours(series: Series): boolean {
  return series.values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0) > 180;
}

// The medians, with the last one carried over nights that are not known, so that one night without a
// log does not tear the line.
function carried({ values, medians }: Series): (number | null)[] {
  let last: number | null = null;
  return medians.map((median, index) => {
    if (median !== null) last = median;
    else if (values[index] !== null) last = null;
    return last;
  });
}
