export interface PermittedSection {
  readonly section: string;
  readonly rows: readonly (readonly [name: string, value: string])[];
}

function text(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(text).join(', ');
  }
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/** The sections of the permitted changes with their figures, as the file has them. */
export function permittedRows(permitted: object): readonly PermittedSection[] {
  return Object.entries(permitted).flatMap(([section, content]: [string, unknown]) =>
    typeof content === 'object' && content !== null && !Array.isArray(content)
      ? [{ section, rows: Object.entries(content).map(([name, value]) => [name, text(value)] as const) }]
      : [],
  );
}
