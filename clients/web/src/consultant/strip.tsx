// A night as a strip: sleep is a filled block, wakefulness a thin line, settling a dotted one, the
// put-down and the rise are ticks. Shapes carry the meaning; colour only adds to it.
import { useId } from 'preact/hooks';
import { type Axis, type NightRow, share } from './night_axis.ts';

interface StripProps {
  row: NightRow;
  axis: Axis;
  // What the picture says, in a sentence; empty where the words stand beside it.
  label: string;
  // Hour lines, as minutes after noon.
  hours?: readonly number[];
  height?: number;
}

const per = (value: number) => `${Math.round(value * 10_000) / 100}%`;

export function Strip({ row, axis, label, hours = [], height = 22 }: StripProps) {
  const id = useId();
  const x = (minute: number) => per(share(axis, minute));
  const width = (from: number, to: number) =>
    per(Math.max(share(axis, to) - share(axis, from), 0.002));
  const middle = height / 2;
  const inView = row.bars.filter((bar) => bar.to > axis.from && bar.from < axis.to);
  return (
    <svg
      class="strip"
      width="100%"
      height={height}
      role={label ? 'img' : undefined}
      aria-label={label || undefined}
      aria-hidden={label ? undefined : true}
    >
      <defs>
        <pattern id={id} width="5" height={height} patternUnits="userSpaceOnUse">
          <circle class="dot" cx="2.5" cy={middle} r="1.4" />
        </pattern>
      </defs>
      {hours.map((minute) => (
        <line key={minute} class="hour" x1={x(minute)} x2={x(minute)} y1="0" y2={height} />
      ))}
      {inView.map((bar) => {
        const key = `${bar.kind}${bar.from}`;
        if (bar.kind === 'asleep' || bar.kind === 'nap') {
          return (
            <rect
              key={key}
              class={bar.kind}
              x={x(bar.from)}
              width={width(bar.from, bar.to)}
              y={bar.kind === 'nap' ? middle - 4 : 2}
              height={bar.kind === 'nap' ? 8 : height - 4}
              rx="3"
            />
          );
        }
        if (bar.kind === 'settling') {
          return (
            <rect
              key={key}
              x={x(bar.from)}
              width={width(bar.from, bar.to)}
              y="0"
              height={height}
              fill={`url(#${id})`}
            />
          );
        }
        return (
          <line key={key} class="awake" x1={x(bar.from)} x2={x(bar.to)} y1={middle} y2={middle} />
        );
      })}
      {row.putDown !== undefined && (
        <line class="put-down" x1={x(row.putDown)} x2={x(row.putDown)} y1="1" y2={height - 1} />
      )}
      {row.rise !== undefined && row.rise <= axis.to && (
        <line class="rise" x1={x(row.rise)} x2={x(row.rise)} y1="1" y2={height - 1} />
      )}
      {inView
        .filter((bar) => bar.open)
        .map((bar) => (
          <circle key={bar.to} class="now" cx={x(bar.to)} cy={middle} r="4" />
        ))}
    </svg>
  );
}
