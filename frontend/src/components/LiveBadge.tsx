import { Box } from '@mantine/core';
import { type Icon, IconRefreshOff, IconWifi } from '@tabler/icons-react';
import type { StreamState } from '@/lib/studyEvents';
import type { Tone } from '@/lib/tone';
import { ToneBadge } from './ToneBadge';

const LIVE: Record<StreamState, { readonly tone: Tone; readonly icon: Icon; readonly label: string }> = {
  connecting: { tone: 'quiet', icon: IconWifi, label: 'Connecting' },
  open: { tone: 'clear', icon: IconWifi, label: 'Live' },
  lost: { tone: 'unsure', icon: IconRefreshOff, label: 'Not live: reconnecting' },
};

/** Whether a list keeps itself up to date just now. */
export function LiveBadge({ state }: { state: StreamState }) {
  return (
    <Box role="status">
      <ToneBadge tone={LIVE[state].tone} icon={LIVE[state].icon}>
        {LIVE[state].label}
      </ToneBadge>
    </Box>
  );
}
