import { IconClock, IconHandStop, IconLoader2, IconUrgent, IconX } from '@tabler/icons-react';
import type { Schema } from '@/client';
import { verdictOf } from '@/lib/disposition';
import { ToneBadge } from './ToneBadge';

type Study = Pick<Schema<'StudySummary'>, 'state' | 'disposition' | 'finding'>;

/** Where a study stands: its disposition once there is one, else what it waits for. */
export function StudyStateBadge({ study }: { study: Study }) {
  switch (study.state) {
    case 'held':
      return (
        <ToneBadge tone="info" icon={IconHandStop}>
          Held
        </ToneBadge>
      );
    case 'queued':
      return (
        <ToneBadge tone="quiet" icon={IconClock}>
          Waiting
        </ToneBadge>
      );
    case 'running':
      return (
        <ToneBadge tone="quiet" icon={IconLoader2}>
          Analysing
        </ToneBadge>
      );
    case 'failed':
      return (
        <ToneBadge tone="stroke" icon={IconX}>
          Failed
        </ToneBadge>
      );
    case 'cancelled':
      return <ToneBadge tone="quiet">Cancelled</ToneBadge>;
    case 'completed': {
      if (study.disposition === null) {
        return <ToneBadge tone="quiet">Done</ToneBadge>;
      }
      const verdict = verdictOf(study.disposition, study.finding);
      return (
        <ToneBadge
          tone={verdict.tone}
          icon={verdict.icon}
          solid={study.disposition === 'confident' && study.finding === 'stroke'}
        >
          {verdict.label}
        </ToneBadge>
      );
    }
  }
}

/** Marks a study that must be read before the others. */
export function StatBadge() {
  return (
    <ToneBadge tone="stroke" icon={IconUrgent}>
      STAT
    </ToneBadge>
  );
}
