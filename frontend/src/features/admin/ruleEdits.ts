import type { Rule, Step } from './api/rules';

/** A step to begin with. */
export function freshStep(): Step {
  return { urgency: 'next', text: '', source: null };
}

/** A rule to begin with, under a name that no other has. */
export function freshRule(rules: readonly Rule[]): Rule {
  const taken = new Set(rules.map(({ id }) => id));
  let number = rules.length + 1;
  while (taken.has(`rule-${number}`)) {
    number += 1;
  }
  return { id: `rule-${number}`, when: {}, steps: [freshStep()] };
}

/** The rules with one moved up (-1) or down (1). */
export function movedRule(rules: readonly Rule[], index: number, by: -1 | 1): readonly Rule[] {
  const rule = rules[index];
  const other = rules[index + by];
  return rule && other ? rules.with(index, other).with(index + by, rule) : rules;
}

/** A choice of several as a condition: none chosen leaves it open. */
export function conditionOf<Value extends string>(
  chosen: readonly string[],
  allowed: readonly Value[],
): Value[] | null {
  const values = allowed.filter((value) => chosen.includes(value));
  return values.length > 0 ? values : null;
}

/** A bound 0–1 as a percentage field shows it: as many digits as were typed, not those of binary fractions. */
export function percentOf(bound: number | null | undefined): number | '' {
  return bound === null || bound === undefined ? '' : Number((bound * 100).toPrecision(12));
}

/** A percentage field as a bound 0–1: an empty field leaves it open. */
export function boundOf(percent: string | number): number | null {
  return percent === '' || !Number.isFinite(Number(percent)) ? null : Number(percent) / 100;
}
