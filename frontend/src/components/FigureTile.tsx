import { Paper, Text } from '@mantine/core';

interface FigureTileProps {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
}

/** One figure that is to be seen at a glance. */
export function FigureTile({ label, value, note }: FigureTileProps) {
  return (
    <Paper p="sm">
      <Text c="dimmed" fz="xs">
        {label}
      </Text>
      <Text className="numbers" fz={22} fw={620}>
        {value}
      </Text>
      {note !== undefined && (
        <Text c="dimmed" fz="xs">
          {note}
        </Text>
      )}
    </Paper>
  );
}
