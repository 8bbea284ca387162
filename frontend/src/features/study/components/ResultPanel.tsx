import { Box, Divider, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { verdictOf } from '@/lib/disposition';
import { formatProbability } from '@/lib/format';
import type { ResultDetail } from '../api/useStudy';
import { naturalFrequency } from '../naturalFrequency';
import { ProbabilityScale } from './ProbabilityScale';
import classes from './ResultPanel.module.css';

/** The answer: what may be done with it, how sure it is, and what that means. */
export function ResultPanel({ result }: { result: ResultDetail }) {
  const verdict = verdictOf(result.disposition, result.finding);
  const Shape = verdict.icon;
  const answered = result.disposition === 'confident' || result.disposition === 'uncertain';
  const subtypes = Object.entries(result.subtypes).sort(([, one], [, other]) => other - one);
  return (
    <Paper component="section" aria-label="Result" className={classes.panel ?? ''} data-tone={verdict.tone}>
      <Box className={classes.head ?? ''}>
        <Group gap={10} wrap="nowrap">
          <Shape size={26} stroke={1.7} aria-hidden />
          <Title order={2} fz={20}>
            {verdict.label}
          </Title>
        </Group>
        <Text className={classes.finding ?? ''}>{result.finding_text}</Text>
      </Box>
      <Stack gap="sm" p="md">
        {answered && result.stroke_probability !== null ? (
          <div>
            <Group justify="space-between" align="baseline" wrap="nowrap">
              <Text fw={550}>Probability of {result.looked_for}</Text>
              <Text className="numbers" fz={22} fw={650} lh={1}>
                {formatProbability(result.stroke_probability)}
              </Text>
            </Group>
            <ProbabilityScale probability={result.stroke_probability} thresholds={result.thresholds} />
            {result.confidence !== null && (
              <Group justify="space-between" mt={2}>
                <Text c="dimmed">
                  {result.disposition === 'confident'
                    ? 'Confidence in this answer'
                    : 'Confidence in the tendency'}
                </Text>
                <Text className="numbers" fw={600}>
                  {formatProbability(result.confidence)}
                </Text>
              </Group>
            )}
            <Text mt={6}>{naturalFrequency(result.stroke_probability, result.looked_for)}</Text>
            <Text c="dimmed" fz="xs" mt={4}>
              This holds for scans like those the model was tested on. It is not the probability for this
              patient, whose history and examination the model does not know.
            </Text>
          </div>
        ) : (
          <Text>
            No probability is shown: for this input the number would have no tested meaning. The absence of a
            finding here is not a normal result.
          </Text>
        )}
        {subtypes.length > 0 && answered && (
          <div>
            <Text fw={550}>Subtypes</Text>
            {subtypes.map(([name, probability]) => (
              <Group key={name} justify="space-between">
                <Text>{name.replaceAll('_', ' ')}</Text>
                <Text className="numbers">{formatProbability(probability)}</Text>
              </Group>
            ))}
          </div>
        )}
        <Divider />
        <div>
          <Text fw={550}>Why</Text>
          <Text>{result.reason}</Text>
          <Text c="dimmed" mt={2}>
            {verdict.meaning}
          </Text>
        </div>
        <div>
          <Text fw={550}>What the model is validated for</Text>
          <Text>{result.validated_for}</Text>
        </div>
        <Text c="dimmed" fz="xs">
          Model {result.model_version} · {result.model_sha256.slice(0, 12)}
          <br />
          For decision support; a clinician decides.
        </Text>
      </Stack>
    </Paper>
  );
}
