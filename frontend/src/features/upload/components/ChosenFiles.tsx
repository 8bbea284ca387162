import { ActionIcon, Button, Collapse, Group, ScrollArea, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconFile, IconX } from '@tabler/icons-react';
import { formatBytes, plural } from '@/lib/format';

interface ChosenFilesProps {
  readonly files: readonly File[];
  readonly disabled: boolean;
  readonly onChange: (files: readonly File[]) => void;
}

const SHOWN = 200;

/** What is going to be sent, and a way to leave a file out. */
export function ChosenFiles({ files, disabled, onChange }: ChosenFilesProps) {
  const [opened, { toggle }] = useDisclosure(files.length <= 4);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <div>
      <Group justify="space-between">
        <Text fw={600}>
          {plural(files.length, 'file')}, {formatBytes(bytes)}
        </Text>
        <Group gap={4}>
          {files.length > 1 && (
            <Button variant="subtle" size="compact-sm" onClick={toggle} aria-expanded={opened}>
              {opened ? 'Hide' : 'Show'}
            </Button>
          )}
          <Button variant="subtle" size="compact-sm" disabled={disabled} onClick={() => onChange([])}>
            Remove all
          </Button>
        </Group>
      </Group>
      <Collapse expanded={opened || files.length === 1}>
        <ScrollArea.Autosize
          mah={220}
          viewportProps={{ tabIndex: 0, 'aria-label': 'Chosen files', role: 'region' }}
        >
          <Stack gap={2} mt={6}>
            {files.slice(0, SHOWN).map((file, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two files may have the same name and size.
              <Group key={index} gap="xs" wrap="nowrap">
                <IconFile size={16} stroke={1.5} aria-hidden />
                <Text truncate flex={1}>
                  {file.name}
                </Text>
                <Text c="dimmed" fz="xs" className="numbers">
                  {formatBytes(file.size)}
                </Text>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size="sm"
                  disabled={disabled}
                  aria-label={`Remove ${file.name}`}
                  onClick={() => onChange(files.filter((_, position) => position !== index))}
                >
                  <IconX size={14} aria-hidden />
                </ActionIcon>
              </Group>
            ))}
            {files.length > SHOWN && <Text c="dimmed">and {files.length - SHOWN} more</Text>}
          </Stack>
        </ScrollArea.Autosize>
      </Collapse>
    </div>
  );
}
