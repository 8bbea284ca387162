import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { python } from './python.ts';

const HERE = import.meta.dirname;
const REPOSITORY = resolve(HERE, '../..');
const START_MS = 180_000;

interface Ready {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** The stack's data folder, through which `control.py` reaches its processes. */
  readonly folder: string;
}

/** The first line of JSON that the stack prints; everything is ready then. */
function readiness(stack: ChildProcess): Promise<Ready> {
  return new Promise((answer, refuse) => {
    const timer = setTimeout(() => refuse(new Error('The stack was not ready in time.')), START_MS);
    stack.once('exit', (code) => refuse(new Error(`The stack ended with ${code} before it was ready.`)));
    if (stack.stdout === null) {
      throw new Error('The stack was started without a pipe.');
    }
    createInterface(stack.stdout).once('line', (line) => {
      clearTimeout(timer);
      answer(JSON.parse(line));
    });
  });
}

/** Ends the stack in an orderly way: it stops when its standard input is closed. */
function end(stack: ChildProcess): Promise<void> {
  return new Promise((done) => {
    stack.once('exit', () => done());
    stack.stdin?.end();
  });
}

/** Starts a stack unless one is named, makes the files to upload, and gives what stops it all. */
export default async function start(): Promise<() => Promise<void>> {
  const kept = process.env.ICTUS_E2E_FOLDER;
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'ictus-inputs-'));
  process.env.ICTUS_E2E_FOLDER = folder;
  process.env.ICTUS_E2E_INPUTS ??= execFileSync(python(), [join(HERE, 'inputs.py'), join(folder, 'inputs')], {
    encoding: 'utf8',
  });
  let stack: ChildProcess | null = null;
  if (process.env.ICTUS_E2E_URL === undefined) {
    stack = spawn(python(), [join(HERE, 'stack.py')], {
      cwd: REPOSITORY,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ready = await readiness(stack);
    process.env.ICTUS_E2E_URL = ready.url;
    process.env.ICTUS_E2E_EMAIL = ready.email;
    process.env.ICTUS_E2E_PASSWORD = ready.password;
    process.env.ICTUS_E2E_STACK = ready.folder;
  }
  return async () => {
    if (stack !== null) {
      await end(stack);
    }
    if (kept === undefined) {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}
