import { CloseButton, Group, SegmentedControl, Select, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { CLEAR } from '@/components/clearButton';
import type { WorklistQuery } from '../api/useWorklist';
import { FILTERS } from '../filters';

interface WorklistFiltersProps {
  readonly search: URLSearchParams;
  readonly sort: NonNullable<WorklistQuery['sort']>;
  readonly typed: string;
  readonly onSet: (name: string, value: string | null) => void;
  readonly onTyped: (typed: string) => void;
}

/** The order and the filters of the worklist, and what finds one patient in it. */
export function WorklistFilters({ search, sort, typed, onSet, onTyped }: WorklistFiltersProps) {
  return (
    <Group mb="sm" gap="sm" px={{ base: 4, sm: 0 }}>
      <SegmentedControl
        aria-label="Order"
        size="sm"
        value={sort}
        onChange={(value) => onSet('sort', value === 'urgency' ? null : value)}
        data={[
          { value: 'urgency', label: 'Most urgent' },
          { value: 'received', label: 'Newest' },
        ]}
      />
      <TextInput
        type="search"
        aria-label="Find a patient"
        placeholder="Name, ID or accession"
        autoComplete="off"
        maxLength={100}
        value={typed}
        onChange={(event) => onTyped(event.currentTarget.value)}
        leftSection={<IconSearch size={16} stroke={1.6} aria-hidden />}
        rightSection={typed !== '' && <CloseButton aria-label="Clear the text" onClick={() => onTyped('')} />}
        w={{ base: '100%', sm: 230 }}
      />
      {FILTERS.map(({ name, label, options }) => (
        <Select
          key={name}
          aria-label={label}
          placeholder={label}
          data={options}
          value={search.get(name)}
          onChange={(value) => onSet(name, value)}
          clearable
          clearButtonProps={{ ...CLEAR, 'aria-label': `Clear: ${label}` }}
          w={{ base: 'calc(50% - 6px)', sm: 148 }}
        />
      ))}
    </Group>
  );
}
