import { Anchor } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconUrgent } from '@tabler/icons-react';
import { Link, useLocation } from 'react-router';
import { ToneBadge } from '@/components/ToneBadge';
import { plural } from '@/lib/format';
import { type StudyEvent, useStudyEvents } from '@/lib/studyEvents';
import { useAlerts, useLiveAlerts } from '../api/alerts';
import classes from './AlertCall.module.css';

const CALLS: Partial<Record<StudyEvent['kind'], { readonly title: string; readonly what: string }>> = {
  'alert.raised': { title: 'Stroke likely', what: 'A new study needs to be read now' },
  'alert.escalated': { title: 'Nobody has taken it on', what: 'A likely stroke has waited for too long' },
};

/** On every page: calls whoever is signed in to a likely stroke, and says how many wait for somebody. */
export function AlertCall() {
  const { pathname } = useLocation();
  useLiveAlerts();
  useStudyEvents({
    onEvent: ({ kind, study_id }) => {
      const call = CALLS[kind];
      if (call && !pathname.endsWith(study_id)) {
        notifications.show({
          id: `${kind} ${study_id}`,
          color: 'red',
          title: call.title,
          message: (
            <Anchor component={Link} to={`/studies/${study_id}`} fz="inherit">
              {call.what}
            </Anchor>
          ),
          autoClose: 15_000,
        });
      }
    },
  });
  const waiting = useAlerts().data?.length ?? 0;
  return (
    <div role="status">
      {waiting > 0 && (
        <Link to="/worklist" className={classes.call}>
          <ToneBadge tone="stroke" icon={IconUrgent} solid>
            <span>
              {plural(waiting, 'likely stroke')}
              <span className={classes.more}>{waiting === 1 ? ' waits' : ' wait'}</span>
            </span>
          </ToneBadge>
        </Link>
      )}
    </div>
  );
}
