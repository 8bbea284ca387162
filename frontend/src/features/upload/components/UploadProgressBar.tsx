import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { formatBytes } from '@/lib/format';
import type { UploadProgress } from '../api/useUpload';

interface UploadProgressBarProps {
  readonly progress: UploadProgress | null;
  readonly onCancel: () => void;
}

/** How much has been sent; then that the files are being read and checked. */
export function UploadProgressBar({ progress, onCancel }: UploadProgressBarProps) {
  const { sent, total } = progress ?? { sent: 0, total: 0 };
  const done = total > 0 && sent >= total;
  const share = total > 0 ? Math.round((sent / total) * 100) : 0;
  return (
    <Stack gap={6}>
      <Progress
        value={share}
        animated={done}
        size="md"
        aria-label="Upload"
        aria-valuetext={done ? 'Reading and checking the files' : `${share}% sent`}
      />
      <Group justify="space-between">
        <Text role="status" className="numbers">
          {done ? 'Reading and checking the files…' : `${formatBytes(sent)} of ${formatBytes(total)} sent`}
        </Text>
        <Button variant="subtle" size="compact-sm" onClick={onCancel}>
          Cancel
        </Button>
      </Group>
    </Stack>
  );
}
