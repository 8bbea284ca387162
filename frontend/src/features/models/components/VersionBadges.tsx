import { Group } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconCrown, IconSwords } from '@tabler/icons-react';
import { ToneBadge } from '@/components/ToneBadge';
import type { ModelVersion } from '../api/useModels';

/** What a version is used for, and what the gate said of it. */
export function VersionBadges({ version }: { version: Pick<ModelVersion, 'aliases' | 'gate'> }) {
  return (
    <Group gap={6}>
      {version.aliases.includes('champion') && (
        <ToneBadge tone="clear" icon={IconCrown} solid>
          In use
        </ToneBadge>
      )}
      {version.aliases.includes('challenger') && (
        <ToneBadge tone="info" icon={IconSwords}>
          Challenger
        </ToneBadge>
      )}
      {version.gate === 'passed' && (
        <ToneBadge tone="quiet" icon={IconCircleCheck}>
          Gate passed
        </ToneBadge>
      )}
      {version.gate === 'refused' && (
        <ToneBadge tone="unsure" icon={IconCircleX}>
          Gate refused
        </ToneBadge>
      )}
    </Group>
  );
}
