import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { python } from './python.ts';
import { type Stack, startStack } from './stack.ts';

const HERE = import.meta.dirname;

/** Starts a stack unless one is named, makes the files to upload, and gives what stops it all. */
export default async function start(): Promise<() => Promise<void>> {
  const kept = process.env.ICTUS_E2E_FOLDER;
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'ictus-inputs-'));
  process.env.ICTUS_E2E_FOLDER = folder;
  process.env.ICTUS_E2E_INPUTS ??= execFileSync(python(), [join(HERE, 'inputs.py'), join(folder, 'inputs')], {
    encoding: 'utf8',
  });
  let stack: Stack | null = null;
  if (process.env.ICTUS_E2E_URL === undefined) {
    stack = await startStack('usual');
    process.env.ICTUS_E2E_URL = stack.url;
    process.env.ICTUS_E2E_EMAIL = stack.email;
    process.env.ICTUS_E2E_PASSWORD = stack.password;
    process.env.ICTUS_E2E_STACK = stack.folder;
  }
  return async () => {
    await stack?.end();
    if (kept === undefined) {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}
