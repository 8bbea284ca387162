import { Button, Group, Paper, Table, Title } from '@mantine/core';
import { Problem } from '@/components/Problem';
import { formatDateTimeSeconds, formatSeconds } from '@/lib/format';
import { useCurrentUser } from '@/lib/session';
import { type StudyClock, useAcknowledge, useClock } from '../api/alerts';

const STEPS: readonly { readonly name: keyof StudyClock; readonly label: string }[] = [
  { name: 'received_at', label: 'Received' },
  { name: 'analysed_at', label: 'Analysed' },
  { name: 'seen_at', label: 'Seen' },
  { name: 'acknowledged_at', label: 'Acknowledged' },
  { name: 'escalated_at', label: 'Escalated' },
  { name: 'reported_at', label: 'Reported' },
];

function secondsBetween(from: string, to: string): string {
  return formatSeconds((Date.parse(to) - Date.parse(from)) / 1000);
}

/** A likely stroke's clock as far as it has come, and the button with which a person takes it on. Nothing for other studies. */
export function AlertPanel({ studyId }: { studyId: string }) {
  const clock = useClock(studyId).data;
  const acknowledge = useAcknowledge(studyId);
  const mayAct = useCurrentUser().role !== 'admin';
  if (!clock || clock.raised_at === null) {
    return null;
  }
  const waits = clock.acknowledged_at === null && clock.reported_at === null;
  return (
    <Paper p="md" component="section" aria-label="Alert">
      <Group justify="space-between" mb="xs">
        <Title order={2} fz="md">
          {waits ? 'A likely stroke: who takes it on?' : 'The clock'}
        </Title>
        {waits && mayAct && (
          <Button color="red.9" loading={acknowledge.isPending} onClick={() => acknowledge.mutate()}>
            Acknowledge
          </Button>
        )}
      </Group>
      <Problem error={acknowledge.error} />
      <Table withRowBorders={false} verticalSpacing={2}>
        <Table.Tbody>
          {STEPS.map(({ name, label }) => {
            const at = clock[name];
            return (
              at !== null && (
                <Table.Tr key={name}>
                  <Table.Th fw={500}>{label}</Table.Th>
                  <Table.Td className="numbers">{formatDateTimeSeconds(at)}</Table.Td>
                  <Table.Td className="numbers" c="dimmed">
                    {name !== 'received_at' && `after ${secondsBetween(clock.received_at, at)}`}
                  </Table.Td>
                </Table.Tr>
              )
            );
          })}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
