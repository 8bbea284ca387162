import { Button, Container, Group, Paper, SegmentedControl, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { DocumentTitle } from '@/components/DocumentTitle';
import { LeaveGuard } from '@/components/LeaveGuard';
import { ProblemError } from '@/lib/problem';
import type { Modality, Priority } from '../api/sendUpload';
import { useUpload } from '../api/useUpload';
import { statesNoModality } from '../modality';
import { ChosenFiles } from './ChosenFiles';
import { DropZone } from './DropZone';
import { FetchStudy } from './FetchStudy';
import { Refusal } from './Refusal';
import { UploadProgressBar } from './UploadProgressBar';

type Stated = Modality | 'unknown';

function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Sends one patient's scan: files or folders, and what only the sender can say about them. */
export function UploadPage() {
  const navigate = useNavigate();
  const upload = useUpload();
  const [files, setFiles] = useState<readonly File[]>([]);
  const [modality, setModality] = useState<Stated>('unknown');
  const [priority, setPriority] = useState<Priority>('ROUTINE');
  const unstated = files.some(statesNoModality);

  const choose = (next: readonly File[]) => {
    upload.reset();
    setFiles(next);
  };
  const send = () =>
    upload.mutate({ files, priority, modality: unstated && modality !== 'unknown' ? modality : null });
  const answer = upload.data;
  useEffect(() => {
    if (answer) {
      if (!answer.created) {
        notifications.show({ message: 'These files had been uploaded before. This is the study they made.' });
      }
      void navigate(`/studies/${answer.study.id}`);
    }
  }, [answer, navigate]);

  return (
    <Container size="sm" py="lg" px={{ base: 'sm', sm: 'md' }}>
      <DocumentTitle>Upload</DocumentTitle>
      {upload.isPending && (
        <LeaveGuard title="Stop the upload?" verb="Stop and leave">
          The scan is still being sent. If you leave now, nothing of it is kept.
        </LeaveGuard>
      )}
      <Title order={1} fz={22}>
        Upload a scan
      </Title>
      <Text c="dimmed" mb="md">
        One patient’s study at a time. Names, dates and numbers are taken out of the files and encrypted
        before the scan is analysed.
      </Text>
      <Stack>
        <DropZone disabled={upload.isPending} onFiles={(added) => choose([...files, ...added])} />
        {upload.error !== null && !isCancelled(upload.error) && (
          <Refusal error={upload.error} onRetry={upload.error instanceof ProblemError ? send : undefined} />
        )}
        {files.length > 0 && (
          <Paper p="md">
            <Stack>
              <ChosenFiles files={files} disabled={upload.isPending} onChange={choose} />
              {unstated && (
                <Group justify="space-between">
                  <div>
                    <Text fw={550} id="modality">
                      What made this scan?
                    </Text>
                    <Text c="dimmed" fz="xs">
                      Pictures and NIfTI files do not say it. Left open, Ictus recognises it.
                    </Text>
                  </div>
                  <SegmentedControl<Stated>
                    aria-labelledby="modality"
                    disabled={upload.isPending}
                    value={modality}
                    onChange={setModality}
                    data={[
                      { value: 'unknown', label: 'Not stated' },
                      { value: 'CT', label: 'CT' },
                      { value: 'MR', label: 'MR' },
                    ]}
                  />
                </Group>
              )}
              <Group justify="space-between">
                <div>
                  <Text fw={550} id="priority">
                    Priority
                  </Text>
                  <Text c="dimmed" fz="xs">
                    STAT is analysed before everything else.
                  </Text>
                </div>
                <SegmentedControl<Priority>
                  aria-labelledby="priority"
                  disabled={upload.isPending}
                  value={priority}
                  onChange={setPriority}
                  data={[
                    { value: 'ROUTINE', label: 'Routine' },
                    { value: 'STAT', label: 'STAT' },
                  ]}
                />
              </Group>
              {upload.isPending ? (
                <UploadProgressBar progress={upload.progress} onCancel={upload.cancel} />
              ) : (
                <Button size="md" onClick={send}>
                  Upload and analyse
                </Button>
              )}
            </Stack>
          </Paper>
        )}
        {files.length === 0 && <FetchStudy />}
      </Stack>
    </Container>
  );
}
