import { Paper, Text, Title } from '@mantine/core';
import { formatDateTime, formatSeconds, plural } from '@/lib/format';
import { formatDicomDate, formatPersonName } from '@/lib/patient';
import { sentence } from '@/lib/words';
import type { StudyDetail } from '../api/useStudy';
import classes from './StudyFacts.module.css';

type Fact = readonly [term: string, value: string | null | undefined];

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={classes.facts}>
      {facts
        .filter(([, value]) => value)
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd className="numbers">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function between(from: string | null, to: string | null): string | null {
  return from === null || to === null ? null : formatSeconds((Date.parse(to) - Date.parse(from)) / 1000);
}

const WARNINGS: Record<string, string> = {
  uneven_spacing: 'The slices are not evenly spaced.',
  missing_slices: 'Slices seem to be missing.',
  missing_instances: 'Slices seem to be missing.',
};

/** A stable code in words, as far as they are known. */
function inWords(code: string): string {
  return WARNINGS[code] ?? `${sentence(code)}.`;
}

/** What the scan is, when what happened to it, and what a reader should know about the upload. */
export function StudyFacts({ study }: { study: StudyDetail }) {
  const { patient, series } = study;
  const notes = [...series.flatMap((one) => one.warnings), ...study.left_out].map(inWords);
  const counted = new Map<string, number>();
  for (const note of notes) {
    counted.set(note, (counted.get(note) ?? 0) + 1);
  }
  return (
    <Paper p="md" component="section" aria-label="Details">
      <Title order={2} fz="md" mb={6}>
        Study
      </Title>
      <Facts
        facts={[
          ['Description', patient?.study_description],
          ['Taken', patient?.study_date && formatDicomDate(patient.study_date)],
          ['Accession', patient?.accession_number],
          ['Referred by', patient?.referring_physician && formatPersonName(patient.referring_physician)],
          ['Institution', patient?.institution],
          ['Priority', study.priority === 'STAT' ? 'STAT' : 'Routine'],
          ...series.map<Fact>((one, index) => [
            series.length > 1 ? `Series ${index + 1}` : 'Series',
            `${one.modality}${one.modality_stated ? '' : ' (recognised)'} · ${one.source_format.toUpperCase()} · ${plural(one.slices, 'slice')} · ${one.columns}×${one.rows}`,
          ]),
        ]}
      />
      <Title order={2} fz="md" mt="md" mb={6}>
        Times
      </Title>
      <Facts
        facts={[
          ['Received', formatDateTime(study.received_at)],
          ['Waited', between(study.received_at, study.analysis_started_at)],
          ['Analysed in', between(study.analysis_started_at, study.completed_at)],
          ['Received to answer', between(study.received_at, study.completed_at)],
        ]}
      />
      {counted.size > 0 && (
        <>
          <Title order={2} fz="md" mt="md" mb={6}>
            About the upload
          </Title>
          {[...counted].map(([note, count]) => (
            <Text key={note}>{count > 1 ? `${note} (${count}×)` : note}</Text>
          ))}
        </>
      )}
    </Paper>
  );
}
