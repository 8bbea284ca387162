import { Group, Text } from '@mantine/core';

/** The mark and the name; decorative beside a link that carries the name. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <Group gap={10} wrap="nowrap">
      <img src="/favicon.svg" alt="" width={size} height={size} />
      <Text component="span" fw={650} fz={size * 0.68} lh={1} lts="-0.01em">
        Ictus
      </Text>
    </Group>
  );
}
