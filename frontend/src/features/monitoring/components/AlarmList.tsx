import { Alert, List, Text } from '@mantine/core';
import { IconBellRinging, IconCircleCheck } from '@tabler/icons-react';
import type { Monitoring } from '../api/useMonitoring';
import { alarmScope } from '../figures';
import classes from './Monitoring.module.css';

/** What somebody should look at, or that there is nothing. */
export function AlarmList({ alarms, limits }: Pick<Monitoring, 'alarms' | 'limits'>) {
  const none = alarms.length === 0;
  return (
    <Alert
      classNames={{
        root: classes.alarms ?? '',
        icon: classes.sign ?? '',
        title: classes.sign ?? '',
        message: classes.said ?? '',
      }}
      data-tone={none ? 'clear' : 'stroke'}
      role={none ? 'status' : 'alert'}
      icon={none ? <IconCircleCheck aria-hidden /> : <IconBellRinging aria-hidden />}
      title={none ? 'No alarm' : `${alarms.length} ${alarms.length === 1 ? 'alarm' : 'alarms'}`}
    >
      {none ? (
        <Text>
          Nothing has shifted by more than chance explains, as far as there are enough studies to tell (
          {limits.least_studies} in each window).
        </Text>
      ) : (
        <List>
          {alarms.map((alarm) => (
            <List.Item key={`${alarm.figure} ${alarm.site_id} ${alarm.modality}`}>
              <strong>{alarmScope(alarm)}:</strong> {alarm.sentence}
            </List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}
