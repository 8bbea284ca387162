import { Alert, Anchor, List } from '@mantine/core';
import { Link } from 'react-router';
import { formatAge, plural } from '@/lib/format';
import { patientFacts, patientTitle } from '@/lib/patient';
import { useNow } from '@/lib/useNow';
import { useAlerts } from '../api/alerts';

const SHOWN = 5;

/** Above the worklist while likely strokes wait for somebody to take them on, the longest waiting first. */
export function AlertBanner() {
  const alerts = useAlerts().data ?? [];
  const now = useNow(10_000);
  if (alerts.length === 0) {
    return null;
  }
  const waiting =
    alerts.length === 1 ? 'waits for somebody to take it on' : 'wait for somebody to take them on';
  return (
    <Alert color="red" role="alert" m="md" title={`${plural(alerts.length, 'likely stroke')} ${waiting}`}>
      <List>
        {alerts.slice(0, SHOWN).map((one) => (
          <List.Item key={one.study_id}>
            <Anchor component={Link} to={`/studies/${one.study_id}`}>
              {patientTitle(one.patient)}
            </Anchor>
            {` · ${patientFacts(one.patient)} · found ${formatAge(one.raised_at ?? one.received_at, now)} ago`}
            {one.escalated_at !== null && ' · escalated: nobody came in time'}
          </List.Item>
        ))}
      </List>
      {alerts.length > SHOWN && `… and ${alerts.length - SHOWN} more.`}
    </Alert>
  );
}
