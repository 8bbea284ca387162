import { ActionIcon, Select, Textarea, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import type { Step } from '../api/rules';
import classes from './StepFields.module.css';

const URGENCIES = [
  { value: 'now', label: 'Now' },
  { value: 'next', label: 'Next' },
  { value: 'always', label: 'Always' },
] as const;

interface StepFieldsProps {
  readonly number: number;
  readonly step: Step;
  readonly onChange: (step: Step) => void;
  readonly onRemove: (() => void) | undefined;
}

/** One recommended step: when, what, and where it comes from. */
export function StepFields({ number, step, onChange, onRemove }: StepFieldsProps) {
  return (
    <fieldset className={classes.step} aria-label={`Step ${number}`}>
      <Select
        aria-label="When"
        data={[...URGENCIES]}
        value={step.urgency ?? 'next'}
        allowDeselect={false}
        onChange={(value) => {
          const urgency = URGENCIES.find((one) => one.value === value)?.value;
          if (urgency) {
            onChange({ ...step, urgency });
          }
        }}
      />
      <Textarea
        aria-label="Step"
        placeholder="Consider …"
        autosize
        minRows={1}
        maxLength={400}
        value={step.text}
        onChange={(event) => onChange({ ...step, text: event.currentTarget.value })}
      />
      <TextInput
        aria-label="Source"
        placeholder="Source, e.g. a guideline"
        maxLength={200}
        value={step.source ?? ''}
        onChange={(event) => onChange({ ...step, source: event.currentTarget.value || null })}
      />
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Remove step ${number}`}
        disabled={onRemove === undefined}
        onClick={onRemove}
      >
        <IconTrash size={16} aria-hidden />
      </ActionIcon>
    </fieldset>
  );
}
