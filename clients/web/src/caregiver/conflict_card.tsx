import { t } from '../i18n/index.ts';
import { timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { Conflict, Zone } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { showToast } from '../ui/toast.tsx';
import { answerOf, choicesOf, disputeOf, recordOf, subjectOf } from './conflict_words.ts';
import { nameOf } from './words.ts';

interface ConflictCardProps {
  family: Family;
  conflict: Conflict;
  zone: Zone;
}

// Two answers to one question, each a button. Both are kept until somebody chooses; nobody must.
export function ConflictCard({ family, conflict, zone }: ConflictCardProps) {
  const record = recordOf(family, conflict.recordId);
  const subject = subjectOf(record);
  const when =
    record?.kind === 'logEntry' && conflict.group !== 'interval'
      ? ` ${timeOfDay(record.body.interval.beganAt, zone)}`
      : '';
  return (
    <section class="card accent conflict">
      <div>
        <h2>
          {subject}
          {when}
        </h2>
        <p>{disputeOf(family, conflict, zone)}</p>
      </div>
      <div class="row choices">
        {choicesOf(family, conflict).map((choice) => {
          const answer = answerOf(conflict, choice, zone);
          const name = nameOf(family, choice.memberId);
          return (
            <Button
              key={`${choice.edit.replicaId}${choice.edit.seq}.${choice.edit.index}`}
              onClick={async () => {
                await family.resolve(conflict, choice);
                showToast({
                  text: t('caregiver.chosen', { answer }),
                  action: { label: t('common.undo'), run: () => void family.undo() },
                });
              }}
            >
              <span class="choice-answer">{answer}</span>
              <span class="choice-who">{name}</span>
              <span class="unseen">{t('caregiver.choose', { subject })}</span>
            </Button>
          );
        })}
      </div>
      <p class="small soft">{t('caregiver.both_kept')}</p>
    </section>
  );
}
