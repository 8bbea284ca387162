import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const ENVIRONMENT = resolve(import.meta.dirname, '../../.venv/bin/python');

/** The Python that Ictus is installed for. */
export function python(): string {
  return process.env.ICTUS_PYTHON ?? (existsSync(ENVIRONMENT) ? ENVIRONMENT : 'python3');
}
