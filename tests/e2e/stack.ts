import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { python } from './python.ts';

const HERE = import.meta.dirname;
const REPOSITORY = resolve(HERE, '../..');
const START_MS = 180_000;

export interface Ready {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** The stack's data folder, through which `control.py` reaches its processes. */
  readonly folder: string;
}

/** A stack that runs until it is ended. */
export interface Stack extends Ready {
  readonly end: () => Promise<void>;
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

/** Starts a stack of one of the kinds of `stack.py` and waits until everything of it is ready. */
export async function startStack(kind: 'usual' | 'learning'): Promise<Stack> {
  const stack = spawn(python(), ['-m', 'tests.e2e.stack', kind], {
    cwd: REPOSITORY,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return { ...(await readiness(stack)), end: () => end(stack) };
}
