import { expect, it } from 'vitest';
import { safeReturnPath } from './returnPath';

it('leads back to a page of this program', () => {
  expect(safeReturnPath('/studies/1?x=2')).toBe('/studies/1?x=2');
});

it.each([
  'https://evil.example',
  '//evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  '/login?next=/login',
  null,
])('never leads to %s', (wanted) => {
  expect(safeReturnPath(wanted)).toBe('/worklist');
});
