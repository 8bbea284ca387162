import { expect, it } from 'vitest';
import { filterChosen, queryOf, searchText } from './filters';

it('asks for the most urgent first unless the address says otherwise', () => {
  expect(queryOf(new URLSearchParams())).toEqual({ sort: 'urgency' });
  expect(queryOf(new URLSearchParams('sort=received&modality=MR&priority=STAT'))).toEqual({
    sort: 'received',
    modality: ['MR'],
    priority: ['STAT'],
  });
});

it('leaves out words that are none of its own', () => {
  const search = new URLSearchParams('state=nonsense&sort=sideways');
  expect(queryOf(search)).toEqual({ sort: 'urgency' });
  expect(filterChosen(search)).toBe(true);
});

it.each([
  ['Canary, Anna ', 'Canary Anna'],
  ['  4711', '4711'],
  [' C ', null],
  [',,', null],
])('%j asks for %j', (typed, text) => {
  expect(searchText(typed)).toBe(text);
});
