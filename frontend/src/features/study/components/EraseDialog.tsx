import { Select, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { FormDialog } from '@/components/FormDialog';
import { type ErasureReason, useEraseStudy } from '../api/useStudy';

/** A held study that is turned away has a reason and a button of its own. */
type Reason = Exclude<ErasureReason, 'rejected'>;

const REASONS: Record<Reason, string> = {
  patient_request: 'The patient asks for it',
  wrong_patient: 'It is filed under the wrong patient',
  sent_by_mistake: 'It was sent by mistake',
  retention_ended: 'The time to keep it is over',
  legal_order: 'An authority orders it',
  test_data: 'It was a test',
};
const WORD = 'ERASE';

interface EraseDialogProps {
  readonly studyId: string;
  readonly onErased: () => void;
  readonly onClose: () => void;
}

/** Asks for a reason and for the word before a study is erased for good. */
export function EraseDialog({ studyId, onErased, onClose }: EraseDialogProps) {
  const erase = useEraseStudy(studyId);
  const [reason, setReason] = useState<Reason | null>(null);
  const [word, setWord] = useState('');
  const reasons = Object.keys(REASONS) as Reason[];
  const ready = reason !== null && word.trim() === WORD;
  return (
    <FormDialog
      onClose={onClose}
      title="Erase this study for good?"
      verb="Erase the study"
      ready={ready}
      grave
      pending={erase.isPending}
      error={erase.error}
      onSubmit={() => {
        if (reason !== null && ready) {
          erase.mutate(reason, {
            onSuccess: () => {
              notifications.show({ message: 'The study was erased.' });
              onErased();
            },
          });
        }
      }}
    >
      <Text>
        Its images, answers, reports and reviews are removed, and what was learned from it as a training case.
        Only that it was erased, when, by whom and why stays. This cannot be taken back.
      </Text>
      <Select
        label="Why"
        placeholder="Choose a reason"
        allowDeselect={false}
        data={reasons.map((value) => ({ value, label: REASONS[value] }))}
        value={reason}
        onChange={(value) => setReason(reasons.find((one) => one === value) ?? null)}
        data-autofocus
      />
      <TextInput
        label={`Type ${WORD} to go on`}
        autoComplete="off"
        value={word}
        onChange={(event) => setWord(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
