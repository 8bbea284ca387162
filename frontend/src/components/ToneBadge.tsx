import { Box } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Tone } from '@/lib/tone';
import classes from './ToneBadge.module.css';

interface ToneBadgeProps {
  readonly tone: Tone;
  readonly icon?: Icon;
  readonly solid?: boolean;
  readonly children: ReactNode;
}

/** A short state in words, with an icon and a colour that only repeat them. */
export function ToneBadge({ tone, icon: IconShape, solid = false, children }: ToneBadgeProps) {
  return (
    <Box component="span" className={classes.badge} data-tone={tone} data-solid={solid || undefined}>
      {IconShape && <IconShape size={14} stroke={2} aria-hidden />}
      {children}
    </Box>
  );
}
