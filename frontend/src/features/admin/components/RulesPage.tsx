import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { DocumentTitle } from '@/components/DocumentTitle';
import { LeaveGuard } from '@/components/LeaveGuard';
import { Problem } from '@/components/Problem';
import { ErrorState, LoadingState } from '@/components/States';
import { formatDateTime } from '@/lib/format';
import { type Rule, type Rules, useReloadRules, useReplaceRules, useRules } from '../api/rules';
import { freshRule, movedRule } from '../ruleEdits';
import { RuleCard } from './RuleCard';

function RulesEditor({ rules }: { rules: Rules }) {
  const [edited, setEdited] = useState<readonly Rule[]>(rules.table.rules);
  const replace = useReplaceRules();
  const reload = useReloadRules();
  const changed = edited !== rules.table.rules;
  const save = () =>
    replace.mutate(
      { based_on: rules.version, rules: edited },
      { onSuccess: ({ version }) => notifications.show({ message: `Saved as version ${version}.` }) },
    );
  return (
    <Stack gap="sm">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} fz="lg">
            Next steps
          </Title>
          <Text c="dimmed" maw={640}>
            What a report recommends. Every rule whose conditions hold adds its steps, from top to bottom; a
            condition left open holds for everything.
          </Text>
          <Text c="dimmed" fz="xs">
            {rules.version === 0
              ? 'The built-in table'
              : `Version ${rules.version}, ${formatDateTime(rules.changed_at)}`}
          </Text>
        </div>
        <Group gap="xs">
          <Button variant="default" onClick={() => setEdited([...edited, freshRule(edited)])}>
            Add a rule
          </Button>
          <Button variant="default" disabled={!changed} onClick={() => void reload()}>
            Discard
          </Button>
          <Button disabled={!changed} loading={replace.isPending} onClick={save}>
            Save
          </Button>
        </Group>
      </Group>
      {changed && (
        <LeaveGuard title="Leave without saving?" verb="Leave without saving">
          What you changed in the rules is lost.
        </LeaveGuard>
      )}
      <Problem error={replace.error} />
      {edited.length === 0 && (
        <Paper p="lg">
          <Text c="dimmed">There is no rule: reports recommend nothing.</Text>
        </Paper>
      )}
      {edited.map((rule, index) => (
        <RuleCard
          // biome-ignore lint/suspicious/noArrayIndexKey: a rule's id can be edited; its place is what it is known by.
          key={index}
          rule={rule}
          onChange={(next) => setEdited(edited.with(index, next))}
          onRemove={() => setEdited(edited.toSpliced(index, 1))}
          onMove={(by) => setEdited(movedRule(edited, index, by))}
          isFirst={index === 0}
          isLast={index === edited.length - 1}
        />
      ))}
    </Stack>
  );
}

/** The table of recommended next steps, edited as a whole and saved as a new version. */
export function RulesPage() {
  const rules = useRules();
  return (
    <>
      <DocumentTitle>Next steps</DocumentTitle>
      {rules.isPending ? (
        <LoadingState label="Loading the rules…" />
      ) : rules.data === undefined ? (
        <ErrorState error={rules.error} onRetry={() => void rules.refetch()} />
      ) : (
        <RulesEditor key={rules.data.version} rules={rules.data} />
      )}
    </>
  );
}
