import { Select } from '@mantine/core';
import { useState } from 'react';
import type { Site } from '../api/people';

/** The site that was chosen; the first one until then. */
export function useChosenSite(sites: readonly Site[], present: string | null = null) {
  const [chosen, choose] = useState(present);
  return { sites, id: chosen ?? sites[0]?.id ?? '', choose };
}

interface SiteSelectProps {
  readonly description?: string;
  readonly of: ReturnType<typeof useChosenSite>;
}

/** Chooses one of the sites. */
export function SiteSelect({ description, of: { sites, id, choose } }: SiteSelectProps) {
  return (
    <Select
      label="Site"
      description={description}
      data={sites.map((site) => ({ value: site.id, label: site.name }))}
      value={id}
      allowDeselect={false}
      onChange={choose}
    />
  );
}
