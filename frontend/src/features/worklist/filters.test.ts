import { expect, it } from 'vitest';
import { filterChosen, queryOf } from './filters';

it('asks for the most urgent first unless the address says otherwise', () => {
  expect(queryOf(new URLSearchParams())).toEqual({ sort: 'urgency' });
  expect(queryOf(new URLSearchParams('sort=received&modality=MR'))).toEqual({
    sort: 'received',
    modality: ['MR'],
  });
});

it('leaves out words that are none of its own', () => {
  const search = new URLSearchParams('state=nonsense&sort=sideways');
  expect(queryOf(search)).toEqual({ sort: 'urgency' });
  expect(filterChosen(search)).toBe(true);
});
