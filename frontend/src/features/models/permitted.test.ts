import { expect, it } from 'vitest';
import { permittedRows } from './permitted';

it('every section is shown with its figures; what belongs to none is not', () => {
  expect(
    permittedRows({
      format_version: 1,
      may_change: { latent_replay: ['head', 'calibration'] },
      data: { minimum_cases: 10, both_findings: true },
    }),
  ).toEqual([
    { section: 'may_change', rows: [['latent_replay', 'head, calibration']] },
    {
      section: 'data',
      rows: [
        ['minimum_cases', '10'],
        ['both_findings', 'yes'],
      ],
    },
  ]);
});
