import { Anchor, Button, Group, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { ConfirmDialog } from '@/components/ConfirmDialog';
import { DataPanel } from '@/components/DataPanel';
import { DocumentTitle } from '@/components/DocumentTitle';
import { Problem } from '@/components/Problem';
import { formatDateTime } from '@/lib/format';
import { patientFacts, patientTitle } from '@/lib/patient';
import { holdReason } from '@/lib/words';
import { type HeldStudy, useHeldStudies, useRejectStudy, useReleaseStudy } from '../api/work';

/** Studies whose pictures may show who the patient is: a person looks before a machine does. */
export function HeldPage() {
  const held = useHeldStudies();
  const release = useReleaseStudy();
  const reject = useRejectStudy();
  const [rejecting, setRejecting] = useState<HeldStudy | null>(null);
  return (
    <>
      <DocumentTitle>Held studies</DocumentTitle>
      <Problem error={release.error} />
      <DataPanel
        title="Held studies"
        note="The pictures may show the patient’s name. Look at every slice, then release or reject."
        query={held}
        columns={['Patient', 'Reason', 'Received', 'Actions']}
        rows={(held.data ?? []).map((study) => (
          <Table.Tr key={study.id}>
            <Table.Td>
              <Anchor component={Link} to={`/studies/${study.id}`}>
                {patientTitle(study.patient)}
              </Anchor>
              <Text c="dimmed" fz="xs">
                {patientFacts(study.patient)}
              </Text>
            </Table.Td>
            <Table.Td>{study.hold_reasons.map(holdReason).join(' ')}</Table.Td>
            <Table.Td className="numbers">{formatDateTime(study.received_at)}</Table.Td>
            <Table.Td>
              <Group gap={6} justify="flex-end" wrap="nowrap">
                <Button
                  size="compact-sm"
                  loading={release.isPending && release.variables === study.id}
                  onClick={() => release.mutate(study.id)}
                >
                  Release
                </Button>
                <Button size="compact-sm" variant="default" onClick={() => setRejecting(study)}>
                  Reject
                </Button>
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
        empty="No study is held"
      />
      {rejecting && (
        <ConfirmDialog
          title="Reject and erase this study?"
          verb="Erase the study"
          pending={reject.isPending}
          error={reject.error}
          onConfirm={() => reject.mutate(rejecting.id, { onSuccess: () => setRejecting(null) })}
          onClose={() => setRejecting(null)}
        >
          Its pictures and everything known of it are deleted for good.
        </ConfirmDialog>
      )}
    </>
  );
}
