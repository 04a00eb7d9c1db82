import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { clock, duration, timeOfDay } from '../i18n/intl.ts';
import type { App, Change, Family } from '../model/app.ts';
import { planOn } from '../model/plans.ts';
import { changesOf, readTonight, type TapKind } from '../model/tonight.ts';
import { AppError, type ResponseLevel } from '../model/types.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Icon, kDown, kMenu } from '../ui/icon.tsx';
import { fetchAhead, lazy } from '../ui/lazy.tsx';
import { zoneHere } from '../ui/local_time.ts';
import { now, soon, tickSoon } from '../ui/now.ts';
import { Timeline } from '../ui/timeline.tsx';
import { hideToast, showToast, ToastPlace } from '../ui/toast.tsx';
import { Arrivals } from './arrivals.tsx';
import { choose, type Shown, tonight } from './choice.ts';
import { EntriesHeading, EntryList } from './entry_list.tsx';
import { Ladder } from './ladder.tsx';
import type { Entry, Night } from './night.ts';
import { SyncLine } from './sync_line.tsx';
import { helpChanges, stepsOf, visitEnded, visitToEnd } from './taps.ts';
import { ticksOf } from './ticks.ts';

const Notices = lazy(async () => (await import('./night_more.ts')).Notices);
const PlanCard = lazy(async () => (await import('./night_more.ts')).PlanCard);
const EntrySheet = lazy(async () => (await import('./night_more.ts')).EntrySheet);
const MenuSheet = lazy(async () => (await import('./night_more.ts')).MenuSheet);
const SwitchSheet = lazy(async () => (await import('./night_more.ts')).SwitchSheet);

// What lies over the page.
type Over = 'menu' | 'switch' | 'add' | 'note' | Entry | undefined;

// Two hits of one place within this are one tap.
const kSecondHitMs = 400;
// When the page has come to rest.
const kFetchAheadMs = 1500;

interface TonightProps {
  app: App;
  shown: Shown;
  // Every child this phone logs for.
  all: readonly Shown[];
}

// The screen of the night: what the child does now, what the plan says, the night so far, and under
// the thumb what happens next. A tap is saved on this phone before it is said to be.
export function Tonight({ app, shown, all }: TonightProps) {
  const { family, child } = shown;
  const night = useMemo(() => tonight(shown), [family, child]).value;
  const over = useSignal<Over>(undefined);
  const close = (): void => {
    over.value = undefined;
  };
  const name = child.body.name;
  const plan = planOn(family, child.id, night.date);
  const waiting = family.conflicts.value.length + family.attention.value.length;
  const mayLog = family.pairing.value.role !== 'viewer';

  useEffect(() => {
    const timer = setTimeout(fetchAhead, kFetchAheadMs);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    document.title = t('caregiver.page_title', { name });
  }, [name]);

  // A thumb that hits the same place twice means it once: the words there may have changed between.
  const lastTap = useRef({ place: '', at: 0 });
  const isSecondHit = (place: string, at: number): boolean => {
    const { place: lastPlace, at: lastAt } = lastTap.current;
    lastTap.current = { place, at };
    return place === lastPlace && at - lastAt < kSecondHitMs;
  };
  const save = async (changes: Parameters<Family['tap']>[0], said: string): Promise<void> => {
    try {
      await family.tap(changes);
      tickSoon();
      navigator.vibrate?.(20);
      showToast({
        text: said,
        action: { label: t('common.undo'), run: () => void undo() },
      });
      // Not before the first tap: the question needs a reason. The answer may come whenever.
      if (!app.persisted.peek()) void app.askToPersist();
    } catch (error) {
      showToast({ text: error instanceof AppError ? error.message : String(error), alert: true });
    }
  };
  const undo = async (): Promise<void> => {
    try {
      await family.undo();
      tickSoon();
      showToast({ text: t('caregiver.undone') });
    } catch (error) {
      showToast({ text: error instanceof AppError ? error.message : String(error), alert: true });
    }
  };
  const take = (step: TapKind, place: 'main' | 'other'): void => {
    const at = Date.now();
    if (isSecondHit(place, at)) return;
    const time = timeOfDay(at, child.body.homeZone);
    const said = t('caregiver.saved', { what: t(`caregiver.step_${step}`), time });
    // What this ends may have begun with a tap that is not drawn, or not even saved, yet.
    const changes = (): Change[] => {
      const entries = family.list('logEntry').peek();
      const tonight = readTonight(child.id, child.body, entries, at);
      return changesOf(tonight, step, at, zoneHere(child.body.homeZone));
    };
    void save(changes, said);
  };
  const help = (level: ResponseLevel, position: Parameters<typeof helpChanges>[1]): void => {
    const at = Date.now();
    if (isSecondHit(`help ${level}`, at)) return;
    const time = timeOfDay(at, child.body.homeZone);
    const said = t('caregiver.saved', { what: t(`caregiver.level_${level}`), time });
    void save(helpChanges(level, position, child.id, at, zoneHere(child.body.homeZone)), said);
  };
  const leave = (visit: Entry): void => {
    const at = Date.now();
    void save(
      visitEnded(visit, at),
      t('caregiver.saved_left', { time: timeOfDay(at, child.body.homeZone) }),
    );
  };

  const steps = stepsOf(night);
  const visit = visitToEnd(night, soon.value);
  const { phase } = night.facts;
  const helping = phase === 'settling' || phase === 'awake';

  return (
    <div class="tonight">
      <header class="tonight-head">
        <div class="tonight-bar">
          <h1 class="tonight-name">
            {all.length > 1 ? (
              <button
                type="button"
                class="name-button"
                onClick={() => {
                  over.value = 'switch';
                }}
              >
                <span class="unseen">{t('caregiver.switch_child')}: </span>
                {name}
                <Icon path={kDown} size={20} />
              </button>
            ) : (
              name
            )}
          </h1>
          <a class="button quiet" href="#/tonight/nights">
            {t('caregiver.nights')}
          </a>
          <IconButton
            path={kMenu}
            label={
              waiting > 0 ? t('caregiver.menu_waiting', { count: waiting }) : t('caregiver.menu')
            }
            class={waiting > 0 ? 'waiting' : ''}
            onClick={() => {
              over.value = 'menu';
            }}
          />
        </div>
        <SyncLine family={family} zone={child.body.homeZone} online={app.online.value} />
      </header>

      <main class="tonight-main">
        <State night={night} />
        {plan && <PlanCard plan={plan} child={child.body} night={night} />}
        {night.entries.length > 0 && (
          <Timeline
            from={night.from}
            to={night.to}
            spans={night.spans}
            points={night.points}
            ticks={ticksOf(night.from, night.to, child.body.homeZone)}
            now={soon.value}
            label={t('caregiver.timeline_label', {
              from: timeOfDay(night.from, child.body.homeZone),
              to: timeOfDay(night.to, child.body.homeZone),
            })}
          />
        )}
        <Notices shown={shown} night={night} />
        <section class="stack tonight-log" aria-labelledby="so-far">
          <EntriesHeading
            id="so-far"
            words={t('caregiver.so_far')}
            onAdd={
              mayLog
                ? () => {
                    over.value = 'add';
                  }
                : undefined
            }
          />
          {night.entries.length > 0 ? (
            <EntryList
              shown={shown}
              night={night}
              onOpen={(entry) => {
                over.value = entry;
              }}
            />
          ) : (
            <p class="soft">{t('caregiver.nothing_yet')}</p>
          )}
        </section>
      </main>

      <footer class={mayLog ? 'thumb' : 'care-toast'}>
        <ToastPlace />
        {mayLog && (
          <>
            {helping && (
              <Ladder
                plan={plan}
                child={child.body}
                date={night.date}
                onHelp={help}
                onNote={() => {
                  over.value = 'note';
                }}
              />
            )}
            <div class="thumb-others">
              {visit && (
                <Button class="leave" onClick={() => leave(visit)}>
                  {t('caregiver.i_left')}
                </Button>
              )}
              {steps.others.map((step) => (
                <Button key={step} onClick={() => take(step, 'other')}>
                  {t(`caregiver.step_${step}`)}
                </Button>
              ))}
            </div>
            <button
              type="button"
              class="button main thumb-main"
              onClick={() => take(steps.main, 'main')}
            >
              {t(`caregiver.step_${steps.main}`)}
            </button>
          </>
        )}
      </footer>

      <Arrivals shown={shown} />
      {over.value === 'menu' && <MenuSheet shown={shown} onClose={close} />}
      {over.value === 'switch' && (
        <SwitchSheet
          all={all}
          shown={shown}
          onClose={close}
          onChoose={(next: Shown) => {
            hideToast();
            choose(next);
          }}
        />
      )}
      {over.value === 'add' && <EntrySheet shown={shown} date={night.date} onClose={close} />}
      {over.value === 'note' && (
        <EntrySheet shown={shown} date={night.date} kind="note" onClose={close} />
      )}
      {typeof over.value === 'object' && (
        <EntrySheet shown={shown} date={night.date} entry={over.value} onClose={close} />
      )}
    </div>
  );
}

// What the child does, and for how long: the largest words on the page.
function State({ night: { tonight, zone } }: { night: Night }) {
  const { phase, since } = tonight;
  const calm = phase === 'asleep' || phase === 'up';
  return (
    <section class={`state ${phase}`} aria-label={t('caregiver.now')}>
      <p class="state-word">{t(`caregiver.now_${phase}`)}</p>
      {since !== undefined && phase !== 'before' && (
        <p class="state-since">
          {t('caregiver.since', { time: timeOfDay(since, zone) })}
          <span aria-hidden="true"> · </span>
          <span class="state-clock" role="timer">
            {calm ? duration(Math.max(0, soon.value - since)) : <Ticking from={since} />}
          </span>
        </p>
      )}
    </section>
  );
}

function Ticking({ from }: { from: number }) {
  return <>{clock(now.value - from)}</>;
}
