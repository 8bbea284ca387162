import { Table, Text } from '@mantine/core';
import { IconBellRinging } from '@tabler/icons-react';
import { DataPanel } from '@/components/DataPanel';
import { ToneBadge } from '@/components/ToneBadge';
import type { Monitoring } from '../api/useMonitoring';
import { FIGURES, PARTS, percentOf } from '../figures';

/** Each site and modality on its own: a shift at one hides among all. */
export function GroupTable({ groups }: Pick<Monitoring, 'groups'>) {
  return (
    <DataPanel
      title="By site and modality"
      columns={['Site', 'Scan', 'Received', ...PARTS.map(({ label }) => label), 'Drift']}
      rows={groups.map((group) => {
        const alarms = group.drifts.filter(({ alarm }) => alarm);
        const judged = group.drifts.some(({ p_value }) => p_value !== null);
        const answered = PARTS.reduce((sum, { part }) => sum + (group.dispositions[part] ?? 0), 0);
        return (
          <Table.Tr key={`${group.site_id} ${group.modality}`}>
            <Table.Td>{group.site_name}</Table.Td>
            <Table.Td>{group.modality}</Table.Td>
            <Table.Td className="numbers">{group.received}</Table.Td>
            {PARTS.map(({ part }) => (
              <Table.Td key={part} className="numbers">
                {percentOf(group.dispositions[part] ?? 0, answered)}
              </Table.Td>
            ))}
            <Table.Td>
              {alarms.length > 0 ? (
                <ToneBadge tone="stroke" icon={IconBellRinging}>
                  {alarms.map(({ figure }) => FIGURES[figure]).join(', ')}
                </ToneBadge>
              ) : (
                <Text c="dimmed">{judged ? 'None' : 'Too few studies to tell'}</Text>
              )}
            </Table.Td>
          </Table.Tr>
        );
      })}
      empty="No study came in this window"
    />
  );
}
