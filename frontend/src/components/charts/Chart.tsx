import { Table, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type ReactNode, useId } from 'react';
import type { Tone } from '@/lib/tone';
import classes from './Chart.module.css';

export interface LegendEntry {
  readonly label: string;
  readonly tone: Tone;
  readonly shape: 'line' | 'box' | 'outline' | 'dot';
}

export interface ChartTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

interface ChartProps {
  readonly title: string;
  /** What it shows, in a sentence: the words that stand for the picture. */
  readonly summary: string;
  readonly height: number;
  readonly legend?: readonly LegendEntry[];
  /** Every figure that is drawn. */
  readonly table: ChartTable;
  /** Draws into `width` × `height` pixels. */
  readonly children: (width: number) => ReactNode;
}

/** A drawn chart with its title, what it says in words, its legend, and all its figures as a table. */
export function Chart({ title, summary, height, legend = [], table, children }: ChartProps) {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const id = useId();
  return (
    <figure className={classes.chart} aria-labelledby={id}>
      <figcaption>
        <Text id={id} fw={600}>
          {title}
        </Text>
        <Text c="dimmed" fz="xs">
          {summary}
        </Text>
      </figcaption>
      <div ref={ref} style={{ minHeight: height + 6 }}>
        {width > 0 && (
          <svg className={classes.picture} width={width} height={height} role="img" aria-label={summary}>
            {children(width)}
          </svg>
        )}
      </div>
      {legend.length > 0 && (
        <ul className={classes.legend}>
          {legend.map(({ label, tone, shape }) => (
            <li key={label}>
              <i data-tone={tone} data-shape={shape} aria-hidden />
              {label}
            </li>
          ))}
        </ul>
      )}
      <details className={classes.figures}>
        <summary>The figures of this chart</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with keys. */}
        <section className={classes.scroll} tabIndex={0} aria-label={`Figures: ${title}`}>
          <Table className="numbers" verticalSpacing={3} fz="xs">
            <Table.Thead>
              <Table.Tr>
                {table.columns.map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {table.rows.map((row) => (
                <Table.Tr key={row[0]}>
                  {row.map((cell, index) => (
                    <Table.Td key={table.columns[index]}>{cell}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
      </details>
    </figure>
  );
}
