import { useId } from 'preact/hooks';

export interface TimelineSpan {
  kind: 'asleep' | 'awake' | 'crying';
  begin: number;
  end: number;
}

export interface TimelinePoint {
  kind: 'put-down' | 'rise' | 'help' | 'feed';
  at: number;
  // Of help: 0 to 6, drawn as height.
  level?: number;
}

interface TimelineProps {
  from: number;
  to: number;
  spans: readonly TimelineSpan[];
  points: readonly TimelinePoint[];
  // Where to write which hour.
  ticks: readonly { at: number; label: string }[];
  // Draws the present moment.
  now?: number;
  // What the picture says, in a sentence: the list of entries beside it is its long form.
  label: string;
}

const kHeight = 84;
const kHelpFoot = 26;
const kRibbon = { top: 30, middle: 43, height: 26 };

// A night as a ribbon: sleep is a filled block, wakefulness a thin line, crying a zigzag, and help a
// pin above it, the taller the more. Shapes carry the meaning; colour only adds to it. Widths are
// shares of the element, so that the words keep their size on any screen.
export function Timeline({ from, to, spans, points, ticks, now, label }: TimelineProps) {
  const id = useId();
  const share = (at: number): number =>
    Math.round((Math.min(Math.max((at - from) / (to - from), 0), 1) * 100 + Number.EPSILON) * 100) /
    100;
  const x = (at: number): string => `${share(at)}%`;
  const width = (begin: number, end: number): string =>
    `${Math.max(Math.round((share(end) - share(begin)) * 100) / 100, 0.4)}%`;
  const middle = kRibbon.middle;
  return (
    <svg class="timeline" height={kHeight} width="100%" role="img" aria-label={label}>
      <defs>
        <pattern id={id} width="8" height="14" y={middle - 7} patternUnits="userSpaceOnUse">
          <path class="crying" d="M-2 3 0 1l4 12 4-12 2 2" />
        </pattern>
      </defs>
      {ticks.map(({ at, label: hour }) => {
        const where = share(at);
        return (
          <g key={at}>
            <line class="tick" x1={x(at)} x2={x(at)} y1={kRibbon.top - 4} y2={kRibbon.top + 34} />
            <text
              x={x(at)}
              y={kHeight - 2}
              text-anchor={where < 5 ? 'start' : where > 95 ? 'end' : 'middle'}
            >
              {hour}
            </text>
          </g>
        );
      })}
      <line class="base" x1="0" x2={x(now ?? to)} y1={middle} y2={middle} />
      {spans.map(({ kind, begin, end }) =>
        kind === 'asleep' ? (
          <rect
            key={`${kind}${begin}`}
            class="asleep"
            x={x(begin)}
            width={width(begin, end)}
            y={kRibbon.top}
            height={kRibbon.height}
            rx="5"
          />
        ) : kind === 'awake' ? (
          <line
            key={`${kind}${begin}`}
            class="awake"
            x1={x(begin)}
            x2={x(end)}
            y1={middle}
            y2={middle}
          />
        ) : (
          <rect
            key={`${kind}${begin}`}
            x={x(begin)}
            width={width(begin, end)}
            y={middle - 7}
            height="14"
            fill={`url(#${id})`}
          />
        ),
      )}
      {points.map(({ kind, at, level = 0 }, index) => {
        const key = `${kind}${at}${index}`;
        if (kind === 'help') {
          const top = kHelpFoot - 5 - level * 3;
          return (
            <g key={key} class="helped">
              <line x1={x(at)} x2={x(at)} y1={top} y2={kHelpFoot} />
              <circle cx={x(at)} cy={top} r="3" />
            </g>
          );
        }
        return (
          <g key={key}>
            <line class="point" x1={x(at)} x2={x(at)} y1={kRibbon.top - 3} y2={kRibbon.top + 29} />
            {kind === 'feed' && <circle class="point" cx={x(at)} cy={kRibbon.top - 8} r="4" />}
          </g>
        );
      })}
      {now !== undefined && (
        <line class="now" x1={x(now)} x2={x(now)} y1={kRibbon.top - 6} y2={kRibbon.top + 32} />
      )}
    </svg>
  );
}
