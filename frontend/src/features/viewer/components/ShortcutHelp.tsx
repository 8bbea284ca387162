import { Kbd, Modal, Table, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconKeyboard } from '@tabler/icons-react';
import { Fragment } from 'react';
import type { WindowPreset } from '../windows';
import classes from './Viewer.module.css';

type Shortcut = readonly [keys: readonly string[], does: string];

const MARKS: readonly Shortcut[] = [
  [['K'], 'Mark the slice as a key slice, or take the mark away'],
  [['D'], 'Draw an outline by dragging, or stop drawing'],
  [['Z'], 'Take the last outline back'],
];

/** The keys and gestures of the viewer. */
export function ShortcutHelp({ presets, marks }: { presets: readonly WindowPreset[]; marks: boolean }) {
  const [opened, { open, close }] = useDisclosure(false);
  const rows: readonly Shortcut[] = [
    [['↑', '↓'], 'Previous or next slice (also the mouse wheel)'],
    [['Page Up', 'Page Down'], 'Five slices on or back'],
    [['Home', 'End'], 'First or last slice'],
    [['N'], 'Next key slice'],
    [['H'], 'Heatmap on or off'],
    [['[', ']'], 'Heatmap fainter or stronger'],
    [
      presets.map((_, index) => String(index + 1)),
      `Window: ${presets.map(({ name }) => name.toLowerCase()).join(', ')}`,
    ],
    [['+', '−', '0'], 'Zoom in, out, fit (also Ctrl and wheel, or two fingers)'],
    [['Shift', '← → ↑ ↓'], 'Move the picture (also Shift and drag)'],
    ...(marks ? MARKS : []),
  ];
  return (
    <>
      <UnstyledButton className={classes.tool ?? ''} ml="auto" aria-label="Keys and gestures" onClick={open}>
        <IconKeyboard size={18} stroke={1.7} aria-hidden />
      </UnstyledButton>
      <Modal opened={opened} onClose={close} title="Keys and gestures" size="md">
        <Table withRowBorders={false} aria-label="Keys and what they do">
          <Table.Tbody>
            {rows.map(([keys, does]) => (
              <Table.Tr key={does}>
                <Table.Td w={170}>
                  {keys.map((key) => (
                    <Fragment key={key}>
                      <Kbd>{key}</Kbd>{' '}
                    </Fragment>
                  ))}
                </Table.Td>
                <Table.Td>{does}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Modal>
    </>
  );
}
