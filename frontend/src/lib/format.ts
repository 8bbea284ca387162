const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const dateTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const dateTimeSeconds = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** A probability 0–1 as a percentage. Never "0 %" or "100 %", which would claim certainty. */
export function formatProbability(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (value < 0.01) {
    return '<1%';
  }
  if (value > 0.99) {
    return '>99%';
  }
  return value < 0.1 || value > 0.9 ? fine.format(value) : percent.format(value);
}

/** A date and time in the viewer's own time zone. */
export function formatDateTime(iso: string | null | undefined): string {
  return iso === null || iso === undefined ? '–' : dateTime.format(new Date(iso));
}

/** A date and time to the second, in the viewer's own time zone. */
export function formatDateTimeSeconds(iso: string): string {
  return dateTimeSeconds.format(new Date(iso));
}

/** How long ago, in the coarsest unit that still helps a worklist: "12 s", "4 min", "3 h", "2 d". */
export function formatAge(iso: string, now: number): string {
  return formatSeconds(Math.max(0, (now - Date.parse(iso)) / 1000));
}

/** A length of time in its coarsest helpful unit. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) {
    return `${seconds.toFixed(1)} s`;
  }
  if (seconds < 60) {
    return `${Math.round(seconds)} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min`;
  }
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h`;
  }
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A time to wait, in words: "30 seconds", "2 minutes". Rounded up, so that nobody comes back too early. */
export function formatWait(seconds: number): string {
  return seconds <= 90
    ? plural(Math.max(1, Math.ceil(seconds)), 'second')
    : plural(Math.ceil(seconds / 60), 'minute');
}

/** A file size in decimal units, as file managers show it. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** "1 slice", "2 slices". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
