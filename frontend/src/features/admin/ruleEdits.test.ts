import { expect, it } from 'vitest';
import type { Rule } from './api/rules';
import { boundOf, conditionOf, freshRule, movedRule, percentOf } from './ruleEdits';

const rule = (id: string): Rule => ({ ...freshRule([]), id });

it('gives a new rule a name of its own', () => {
  expect(freshRule([rule('rule-2'), rule('x')]).id).toBe('rule-3');
  expect(freshRule([rule('rule-2')]).id).toBe('rule-3');
});

it('moves a rule within the table only', () => {
  const rules = [rule('a'), rule('b')];
  expect(movedRule(rules, 0, 1).map(({ id }) => id)).toEqual(['b', 'a']);
  expect(movedRule(rules, 1, 1)).toBe(rules);
});

it('leaves an empty condition open', () => {
  expect(conditionOf([], ['CT', 'MR'])).toBeNull();
  expect(conditionOf(['MR', 'XX'], ['CT', 'MR'])).toEqual(['MR']);
  expect([boundOf(''), boundOf(40)]).toEqual([null, 0.4]);
});

it('shows a bound as it was typed', () => {
  const shown = Array.from({ length: 101 }, (_, percent) => percentOf(boundOf(percent)));
  expect(shown).toEqual(Array.from({ length: 101 }, (_, percent) => percent));
  expect([percentOf(boundOf('2.35')), percentOf(null)]).toEqual([2.35, '']);
});
