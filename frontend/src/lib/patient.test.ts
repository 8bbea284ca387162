import { expect, it } from 'vitest';
import { formatDicomDate, formatPersonName } from './patient';

it.each([
  ['Canary^Anna', 'Canary, Anna'],
  ['Canary^Anna^Maria^Dr', 'Canary, Anna Maria'],
  ['Yamada^Tarou=山田^太郎=やまだ^たろう', 'Yamada, Tarou'],
  ['CQ500-CT-310', 'CQ500-CT-310'],
])('%s is written %s', (dicom, written) => {
  expect(formatPersonName(dicom)).toBe(written);
});

it('leaves a date that is not one as it came', () => {
  expect([formatDicomDate('19500615'), formatDicomDate('1950')]).toEqual(['1950-06-15', '1950']);
});
