import {
  ActionIcon,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Paper,
  SimpleGrid,
  Stack,
  TextInput,
} from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconTrash } from '@tabler/icons-react';
import type { Rule } from '../api/rules';
import { boundOf, conditionOf, freshStep, percentOf } from '../ruleEdits';
import { StepFields } from './StepFields';

const DISPOSITIONS = ['confident', 'uncertain', 'unsuitable', 'not_validated'] as const;
const FINDINGS = ['stroke', 'normal'] as const;
const MODALITIES = ['CT', 'MR', 'OT'] as const;
const PRIORITIES = ['STAT', 'ROUTINE'] as const;
/** Stands for the finding null, "the model may not say", which a select cannot hold. */
const NO_FINDING = 'none';

const findingOptions = [
  { value: 'stroke', label: 'Stroke' },
  { value: 'normal', label: 'No sign' },
  { value: NO_FINDING, label: 'No answer' },
];

type Findings = NonNullable<Rule['when']>['findings'];

function findingsOf(chosen: readonly string[]): Findings {
  const named = FINDINGS.filter((finding) => chosen.includes(finding));
  const all = chosen.includes(NO_FINDING) ? [...named, null] : named;
  return all.length > 0 ? all : null;
}

interface RuleCardProps {
  readonly rule: Rule;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly onChange: (rule: Rule) => void;
  readonly onRemove: () => void;
  readonly onMove: (by: -1 | 1) => void;
}

/** One rule: when it holds, and what it then recommends. */
export function RuleCard({ rule, isFirst, isLast, onChange, onRemove, onMove }: RuleCardProps) {
  const when = rule.when ?? {};
  const set = (part: Partial<typeof when>) => onChange({ ...rule, when: { ...when, ...part } });
  return (
    <Paper p="md" component="section" aria-label={`Rule ${rule.id}`}>
      <Stack gap="sm">
        <Group wrap="nowrap" align="flex-end">
          <TextInput
            label="Name"
            value={rule.id}
            flex={1}
            maw={360}
            onChange={(event) => onChange({ ...rule, id: event.currentTarget.value })}
          />
          <Group gap={2} ml="auto" wrap="nowrap">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Move up"
              disabled={isFirst}
              onClick={() => onMove(-1)}
            >
              <IconArrowUp size={16} aria-hidden />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="Move down"
              disabled={isLast}
              onClick={() => onMove(1)}
            >
              <IconArrowDown size={16} aria-hidden />
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove the rule ${rule.id}`}
              onClick={onRemove}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Group>
        </Group>
        <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="sm">
          <MultiSelect
            label="Result"
            placeholder={when.dispositions ? '' : 'Any'}
            data={DISPOSITIONS.map((value) => ({ value, label: value.replace('_', ' ') }))}
            value={[...(when.dispositions ?? [])]}
            onChange={(chosen) => set({ dispositions: conditionOf(chosen, DISPOSITIONS) })}
          />
          <MultiSelect
            label="Finding"
            placeholder={when.findings ? '' : 'Any'}
            data={findingOptions}
            value={(when.findings ?? []).map((finding) => finding ?? NO_FINDING)}
            onChange={(chosen) => set({ findings: findingsOf(chosen) ?? null })}
          />
          <MultiSelect
            label="Scan"
            placeholder={when.modalities ? '' : 'Any'}
            data={[...MODALITIES]}
            value={[...(when.modalities ?? [])]}
            onChange={(chosen) => set({ modalities: conditionOf(chosen, MODALITIES) })}
          />
          <MultiSelect
            label="Priority"
            placeholder={when.priorities ? '' : 'Any'}
            data={PRIORITIES.map((value) => ({ value, label: value === 'STAT' ? 'STAT' : 'Routine' }))}
            value={[...(when.priorities ?? [])]}
            onChange={(chosen) => set({ priorities: conditionOf(chosen, PRIORITIES) })}
          />
          <NumberInput
            label="Probability at least (%)"
            placeholder="Any"
            min={0}
            max={100}
            value={percentOf(when.probability_at_least)}
            onChange={(value) => set({ probability_at_least: boundOf(value) })}
          />
          <NumberInput
            label="Probability below (%)"
            placeholder="Any"
            min={0}
            max={100}
            value={percentOf(when.probability_below)}
            onChange={(value) => set({ probability_below: boundOf(value) })}
          />
        </SimpleGrid>
        {rule.steps.map((step, index) => (
          <StepFields
            // biome-ignore lint/suspicious/noArrayIndexKey: steps have no names; their place is what they are known by.
            key={index}
            number={index + 1}
            step={step}
            onChange={(next) => onChange({ ...rule, steps: rule.steps.with(index, next) })}
            onRemove={
              rule.steps.length > 1
                ? () => onChange({ ...rule, steps: rule.steps.toSpliced(index, 1) })
                : undefined
            }
          />
        ))}
        <Group>
          <Button
            variant="subtle"
            size="compact-sm"
            onClick={() => onChange({ ...rule, steps: [...rule.steps, freshStep()] })}
          >
            Add a step
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
