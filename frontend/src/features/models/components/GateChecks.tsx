import { Box, List, Table, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import { DataPanel } from '@/components/DataPanel';
import { ToneBadge } from '@/components/ToneBadge';
import { plural } from '@/lib/format';
import type { GateCheck, GateReport } from '../api/useTrainings';
import { figureName, figureText } from '../trainings';

function Row({ check }: { check: GateCheck }) {
  return (
    <Table.Tr>
      <Table.Td>
        <ToneBadge
          tone={check.passed ? 'clear' : 'stroke'}
          icon={check.passed ? IconCircleCheck : IconCircleX}
        >
          {check.passed ? 'Passed' : 'Failed'}
        </ToneBadge>
      </Table.Td>
      <Table.Td>
        {figureName(check.name)}
        {check.subgroup !== null && (
          <Text c="dimmed" fz="xs">
            {check.subgroup}
          </Text>
        )}
      </Table.Td>
      <Table.Td className="numbers">{figureText(check.measured)}</Table.Td>
      <Table.Td className="numbers">{figureText(check.lower_bound)}</Table.Td>
      <Table.Td className="numbers">{figureText(check.bound)}</Table.Td>
      <Table.Td miw={240}>{check.sentence}</Table.Td>
    </Table.Tr>
  );
}

/** What the gate asked of a candidate, and what it found: the reasons first, then every check. */
export function GateChecks({ gate }: { gate: GateReport }) {
  const failed = gate.checks.filter(({ passed }) => !passed);
  return (
    <Box>
      {failed.length > 0 && (
        <Box mb="sm">
          <Text fw={600}>Why the gate refused it</Text>
          <List>
            {failed.map((check) => (
              <List.Item key={`${check.name} ${check.subgroup}`}>{check.sentence}</List.Item>
            ))}
          </List>
        </Box>
      )}
      <DataPanel
        title="The gate"
        note={
          gate.passed
            ? `All of ${plural(gate.checks.length, 'check')} passed.`
            : `${failed.length} of ${plural(gate.checks.length, 'check')} failed.`
        }
        columns={['Result', 'Check', 'Measured', 'Lower bound', 'Asked for', 'In words']}
        rows={[...failed, ...gate.checks.filter(({ passed }) => passed)].map((check) => (
          <Row key={`${check.name} ${check.subgroup}`} check={check} />
        ))}
        empty="The gate asked nothing."
      />
    </Box>
  );
}
