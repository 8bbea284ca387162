import {
  Box,
  Button,
  Checkbox,
  Group,
  Kbd,
  Paper,
  SegmentedControl,
  Select,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core';
import { type Dispatch, useId } from 'react';
import { CLEAR } from '@/components/clearButton';
import { Problem } from '@/components/Problem';
import { plural } from '@/lib/format';
import type { Review } from '../api/useReviews';
import { agreesWith, type Decision, type Draft, type DraftAction, missingIn } from '../draft';
import { CONFIDENCES, findingName, SUBTYPES } from '../words';
import classes from './Review.module.css';

interface VerdictFormProps {
  readonly review: Pick<Review, 'finding'>;
  readonly lookedFor: string;
  readonly draft: Draft;
  readonly dispatch: Dispatch<DraftAction>;
  readonly pending: boolean;
  readonly error: unknown;
  /** Marks are made in one of several series. */
  readonly severalSeries: boolean;
  /** Why it cannot be saved just now, whatever is in it. */
  readonly hindered: string | null;
  readonly onSave: () => void;
}

const DECISIONS: readonly { readonly decision: Decision; readonly key: string }[] = [
  { decision: 'stroke', key: 'S' },
  { decision: 'normal', key: 'X' },
  { decision: 'none', key: 'U' },
];

function Marks({
  draft,
  dispatch,
  severalSeries,
}: Pick<VerdictFormProps, 'draft' | 'dispatch' | 'severalSeries'>) {
  const { keySlices, regions } = draft;
  const marked = keySlices.length + regions.length > 0;
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text fw={550}>Marks</Text>
        {marked && (
          <Button variant="subtle" size="compact-xs" onClick={() => dispatch({ type: 'clearMarks' })}>
            Clear the marks
          </Button>
        )}
      </Group>
      <Text role="status">
        {marked
          ? [
              keySlices.length > 0 &&
                `Key ${keySlices.length === 1 ? 'slice' : 'slices'} ${keySlices.map((index) => index + 1).join(', ')}`,
              regions.length > 0 && plural(regions.length, 'outline'),
            ]
              .filter(Boolean)
              .join(' · ')
          : 'None yet.'}
      </Text>
      <Text c="dimmed" fz="xs">
        K marks the slice on screen, D draws an outline
        {severalSeries && ', in the series that decided the answer'}. Without marks the model’s own key slices
        stand.
      </Text>
    </div>
  );
}

/** A reader's verdict: what the scan shows, how sure they are, and what the model may learn from it. */
export function VerdictForm({
  review,
  lookedFor,
  draft,
  dispatch,
  pending,
  error,
  severalSeries,
  hindered,
  onSave,
}: VerdictFormProps) {
  const missing = hindered ?? missingIn(draft);
  const agrees = agreesWith(draft, review.finding);
  const group = useId();
  return (
    <Paper p="md" component="section" aria-label="Your verdict">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSave();
        }}
      >
        <Stack gap="sm">
          <Title order={2} fz="md">
            Your verdict
          </Title>
          <fieldset className={classes.fieldset}>
            <legend>What the scan shows</legend>
            <div className={classes.choices}>
              {DECISIONS.map(({ decision, key }) => (
                <label key={decision} className={classes.choice}>
                  <input
                    type="radio"
                    name={group}
                    value={decision}
                    checked={draft.decision === decision}
                    onChange={() => dispatch({ type: 'decide', decision })}
                  />
                  <span>{findingName(decision === 'none' ? null : decision, lookedFor)}</span>
                  <Kbd ml="auto" visibleFrom="sm" aria-hidden>
                    {key}
                  </Kbd>
                </label>
              ))}
            </div>
          </fieldset>
          {draft.decision === 'stroke' && (
            <Select
              label="Subtype"
              placeholder="Not told apart"
              data={[...SUBTYPES]}
              value={draft.subtype}
              onChange={(value) =>
                dispatch({
                  type: 'subtype',
                  subtype: SUBTYPES.find((one) => one.value === value)?.value ?? null,
                })
              }
              clearable
              clearButtonProps={{ ...CLEAR, 'aria-label': 'Clear: subtype' }}
            />
          )}
          <Text role="status" fz="xs" c="dimmed">
            {agrees === null
              ? 'You have not decided yet.'
              : agrees
                ? 'You agree with the model.'
                : review.finding === null
                  ? 'The model gave no finding; yours stands in its place.'
                  : 'You correct the model.'}
          </Text>
          <Box>
            <Text fw={550} mb={6} id={`${group}-confidence`}>
              How sure you are
            </Text>
            <SegmentedControl
              fullWidth
              aria-labelledby={`${group}-confidence`}
              value={draft.confidence ?? ''}
              onChange={(value) => {
                const found = CONFIDENCES.find((one) => one.value === value);
                if (found) dispatch({ type: 'confidence', confidence: found.value });
              }}
              data={[...CONFIDENCES]}
            />
          </Box>
          <Marks draft={draft} dispatch={dispatch} severalSeries={severalSeries} />
          <Textarea
            label="Comment"
            description="For other readers. No names, dates of birth or numbers of patients."
            autosize
            minRows={2}
            maxRows={8}
            maxLength={2000}
            value={draft.comment}
            onChange={(event) => dispatch({ type: 'comment', comment: event.currentTarget.value })}
          />
          <Checkbox
            label="Nothing is to be learned from this scan"
            description="It never becomes a training case."
            checked={draft.excluded}
            onChange={(event) => dispatch({ type: 'excluded', excluded: event.currentTarget.checked })}
          />
          {draft.excluded && (
            <TextInput
              label="Why"
              placeholder="For instance: motion, after surgery"
              maxLength={500}
              value={draft.exclusionReason}
              onChange={(event) => dispatch({ type: 'exclusionReason', reason: event.currentTarget.value })}
            />
          )}
          <Problem error={error} />
          <Group justify="space-between" gap="xs">
            <Text c="dimmed" fz="xs" role="status" style={{ flex: 1 }}>
              {missing}
            </Text>
            <Button type="submit" loading={pending} disabled={missing !== null}>
              Save and next
            </Button>
          </Group>
          <Text c="dimmed" fz="xs" visibleFrom="sm" ta="end">
            <Kbd>Ctrl</Kbd> <Kbd>Enter</Kbd> saves
          </Text>
        </Stack>
      </form>
    </Paper>
  );
}
