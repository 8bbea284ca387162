import { Alert, Button, Checkbox, Group, Loader, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { Problem } from '@/components/Problem';
import { isOpen, type Pull, useAskForStudy, usePull } from '../api/usePull';

/** How far it is, in words. */
function progress(pull: Pull): string {
  if (pull.fetched_at !== null) {
    return 'All of it is here and is being read.';
  }
  if (pull.state === 'queued') {
    return pull.reason === null ? 'Waiting for its turn.' : `${pull.reason} It is tried again by itself.`;
  }
  const of = pull.expected === null ? '' : ` of ${pull.expected}`;
  return pull.instances === 0 ? 'Asking the archive.' : `Images that have come: ${pull.instances}${of}.`;
}

/** Fetches a study that lies in an archive of the site, by the number on its order. */
export function FetchStudy() {
  const navigate = useNavigate();
  const ask = useAskForStudy();
  const pull = usePull(ask.data) ?? ask.data;
  const [number, setNumber] = useState('');
  const [urgent, setUrgent] = useState(false);
  const fetching = pull !== undefined && isOpen(pull);
  const studyId = pull?.state === 'done' ? pull.study_id : null;
  useEffect(() => {
    if (studyId) {
      void navigate(`/studies/${studyId}`);
    }
  }, [studyId, navigate]);

  const send = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate({ accession_number: number.trim(), priority: urgent ? 'STAT' : 'ROUTINE' });
  };
  return (
    <Paper p="md" component="section" aria-label="Fetch from the archive">
      <form onSubmit={send}>
        <Stack gap="sm">
          <div>
            <Title order={2} fz="md">
              Or fetch it from the archive
            </Title>
            <Text c="dimmed" fz="xs">
              Where the scan lies in the hospital’s archive, its accession number is enough.
            </Text>
          </div>
          <Group align="end">
            <TextInput
              label="Accession number"
              autoComplete="off"
              disabled={fetching}
              value={number}
              onChange={(event) => setNumber(event.currentTarget.value)}
              style={{ flex: 1 }}
            />
            <Button
              type="submit"
              variant="default"
              disabled={number.trim() === '' || fetching}
              loading={ask.isPending}
            >
              Fetch and analyse
            </Button>
          </Group>
          <Checkbox
            label="STAT: analyse it before everything else"
            disabled={fetching}
            checked={urgent}
            onChange={(event) => setUrgent(event.currentTarget.checked)}
          />
          <Problem error={ask.error} />
          <div role="status">
            {fetching && (
              <Group gap="xs">
                <Loader size="xs" />
                <Text fz="sm">{progress(pull)} You may leave this page: it goes on.</Text>
              </Group>
            )}
            {pull?.state === 'failed' && (
              <Alert color="red" title="It was not fetched">
                {pull.reason}
              </Alert>
            )}
          </div>
        </Stack>
      </form>
    </Paper>
  );
}
