import { describe, expect, it } from 'vitest';
import { providerProblem } from './providerProblem';

describe('providerProblem', () => {
  it('says nothing where nothing went wrong', () => {
    expect(providerProblem(null)).toBeNull();
  });

  it('says what a code means', () => {
    expect(providerProblem('account_pending')).toContain('approval');
  });

  it('repeats nothing of an address that somebody made up', () => {
    for (const code of ['<b>x</b>', 'toString', '']) {
      expect(providerProblem(code)).toBe('This sign-in could not be completed. Please start it again.');
    }
  });
});
