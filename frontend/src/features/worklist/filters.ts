import type { WorklistQuery } from './api/useWorklist';

type FilterName = 'state' | 'disposition' | 'modality' | 'priority';

interface Filter {
  readonly name: FilterName;
  readonly label: string;
  readonly options: { readonly value: string; readonly label: string }[];
}

export const FILTERS: readonly Filter[] = [
  {
    name: 'state',
    label: 'Any state',
    options: [
      { value: 'queued', label: 'Waiting' },
      { value: 'running', label: 'Analysing' },
      { value: 'completed', label: 'Done' },
      { value: 'failed', label: 'Failed' },
      { value: 'held', label: 'Held' },
      { value: 'cancelled', label: 'Cancelled' },
    ],
  },
  {
    name: 'disposition',
    label: 'Any result',
    options: [
      { value: 'confident', label: 'Confident' },
      { value: 'uncertain', label: 'Uncertain' },
      { value: 'unsuitable', label: 'Unsuitable' },
      { value: 'not_validated', label: 'Not validated' },
    ],
  },
  {
    name: 'modality',
    label: 'Any scan',
    options: [
      { value: 'CT', label: 'CT' },
      { value: 'MR', label: 'MR' },
      { value: 'OT', label: 'Other' },
    ],
  },
  {
    name: 'priority',
    label: 'Any priority',
    options: [
      { value: 'STAT', label: 'STAT' },
      { value: 'ROUTINE', label: 'Routine' },
    ],
  },
];

const LEAST_TEXT = 2;

/**
 * What is typed to find a patient, as the gateway is asked for it; null while it says too little. The comma is how this
 * program writes names, and stands in none of them.
 */
export function searchText(typed: string): string | null {
  const text = typed.replaceAll(',', ' ').trim().replace(/\s+/g, ' ');
  return text.length < LEAST_TEXT ? null : text;
}

/** Whether the address asks for less than everything. */
export function filterChosen(search: URLSearchParams): boolean {
  return FILTERS.some(({ name }) => search.has(name));
}

/** What the page's address asks for, as the gateway's query; words that are none of its own are left out. */
export function queryOf(search: URLSearchParams): WorklistQuery {
  const chosen = FILTERS.flatMap(({ name, options }) => {
    const value = search.get(name);
    return options.some((option) => option.value === value) ? [[name, [value]]] : [];
  });
  return { sort: search.get('sort') === 'received' ? 'received' : 'urgency', ...Object.fromEntries(chosen) };
}
