import { Button, Paper, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Problem } from '@/components/Problem';
import { holdReason } from '@/lib/words';
import { type StudyDetail, useAnalyseAgain } from '../api/useStudy';

function Notice({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper p="md" component="section" aria-label={title}>
      <Title order={2} fz="md" mb={4}>
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** What a study without an answer waits for, and what can be done. */
export function StudyNotice({ study }: { study: StudyDetail }) {
  const again = useAnalyseAgain(study.id);
  const button = (
    <>
      <Problem error={again.error} />
      <Button mt="sm" variant="default" loading={again.isPending} onClick={() => again.mutate()}>
        Analyse again
      </Button>
    </>
  );
  switch (study.state) {
    case 'held':
      return (
        <Notice title="Held until an administrator has looked">
          {study.hold_reasons.map((reason) => (
            <Text key={reason}>{holdReason(reason)}</Text>
          ))}
          <Text c="dimmed">It is analysed once it has been released.</Text>
        </Notice>
      );
    case 'failed':
      return (
        <Notice title="The analysis failed">
          <Text role="alert">{study.job?.failure_detail ?? 'The reason is not known.'}</Text>
          <Text c="dimmed">The scan is safe. Read it as usual; an administrator sees this failure too.</Text>
          {button}
        </Notice>
      );
    case 'cancelled':
      return (
        <Notice title="The analysis was stopped">
          <Text>The scan is there, without an answer.</Text>
          {button}
        </Notice>
      );
    default:
      return null;
  }
}
