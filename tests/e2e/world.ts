import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  test as base,
  expect,
  type Locator,
  type Page,
  request,
} from '@playwright/test';
import { python } from './python.ts';

function named(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set.`);
  }
  return value;
}

const FOLDER = named('ICTUS_E2E_FOLDER');
const INPUTS: Record<string, string[]> = JSON.parse(named('ICTUS_E2E_INPUTS'));
const SCREENSHOTS = join(import.meta.dirname, 'screenshots');

export interface Account {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

export const ADMIN: Account = {
  name: 'Administrator',
  email: named('ICTUS_E2E_EMAIL'),
  password: 'quiet lamps over rivers',
};
export const ONE_TIME_PASSWORD = named('ICTUS_E2E_PASSWORD');
export const CLINICIAN: Account = {
  name: 'Ana López',
  email: 'ana.lopez@hospital.test',
  password: 'three blue buckets',
};

export const RADIOLOGIST: Account = {
  name: 'Rosa Vidal',
  email: 'rosa.vidal@hospital.test',
  password: 'seven grey pigeons',
};
export const SECOND_READER: Account = {
  name: 'Iker Solana',
  email: 'iker.solana@hospital.test',
  password: 'nine brass kettles',
};

/** The files of an input, or those of the first that is at hand: real data may be absent. */
export function input(...names: readonly string[]): string[] {
  const found = names.find((name) => INPUTS[name] !== undefined);
  const files = found === undefined ? undefined : INPUTS[found];
  if (files === undefined) {
    throw new Error(`There is no input ${names.join(' or ')}.`);
  }
  return files;
}

/** A folder of the tests' own that is gone at the end. */
export function scratch(name: string): string {
  return join(FOLDER, name);
}

/** A folder with nothing in it. */
export function emptyFolder(): string {
  const folder = join(FOLDER, 'empty');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Whether an input is there, as real data may not be. */
export function hasInput(name: string): boolean {
  return INPUTS[name] !== undefined;
}

/** Where the cookies of an account's session are kept between tests. */
export function sessionFile(account: Account): string {
  return join(FOLDER, `${account.email}.json`);
}

/** Keeps the cookies of an account's session for the tests that follow, and nothing of what its pages put by. */
export async function keepSession(context: BrowserContext, account: Account): Promise<void> {
  const { cookies } = await context.storageState();
  writeFileSync(sessionFile(account), JSON.stringify({ cookies, origins: [] }));
}

/** Signs in again whoever has a kept session: it ends after a quarter of an hour in which its owner did nothing. */
async function renewSessions(): Promise<void> {
  const kept = [ADMIN, CLINICIAN, RADIOLOGIST, SECOND_READER].filter((account) =>
    existsSync(sessionFile(account)),
  );
  for (const account of kept) {
    const visitor = await request.newContext({ baseURL: named('ICTUS_E2E_URL'), ignoreHTTPSErrors: true });
    const { email, password } = account;
    const answer = await visitor.post('/api/v1/auth/login', { data: { email, password } });
    expect(answer.status(), `${account.name} signs in`).toBe(200);
    await visitor.storageState({ path: sessionFile(account) });
    await visitor.dispose();
  }
}

/** Remembers the address of a study for the tests that follow. */
export function rememberStudy(name: string, page: Page): void {
  writeFileSync(join(FOLDER, `study-${name}`), new URL(page.url()).pathname);
}

/** The address of a study that was remembered. */
export function studyPath(name: string): string {
  const file = join(FOLDER, `study-${name}`);
  if (!existsSync(file)) {
    throw new Error(`No study ${name} was uploaded.`);
  }
  return readFileSync(file, 'utf8');
}

/** Where the stack's processes are reached; undefined for one that was named without it. */
export const STACK = process.env.ICTUS_E2E_STACK;

/** Whether these tests started the stack: then people can sign in at a provider, too. */
export const IS_OURS = STACK !== undefined && process.env.ICTUS_E2E_CONTROL === undefined;

type Accident = ['freeze' | 'thaw', process: 'inference'] | ['lose' | 'find', studyId: string];

/** Has an accident happen to the stack, or undoes it. */
export function control(...accident: Accident): void {
  const program = process.env.ICTUS_E2E_CONTROL ?? join(import.meta.dirname, 'control.py');
  execFileSync(python(), [program, named('ICTUS_E2E_STACK'), ...accident], { encoding: 'utf8' });
}

/** Keeps a picture of the page for a person to look at. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

/** A file among the pictures. */
export function pictureFile(name: string): string {
  mkdirSync(SCREENSHOTS, { recursive: true });
  return join(SCREENSHOTS, name);
}

/** Types an address and a password into the login page. */
export async function signIn(
  page: Page,
  { email, password }: Pick<Account, 'email' | 'password'>,
): Promise<void> {
  await page.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await page.getByRole('textbox', { name: 'Password' }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** How long an analysis may take on a busy machine before its test is given up. */
export const ANALYSIS_MS = 240_000;

interface Wish {
  readonly modality?: 'CT' | 'MR';
  readonly stat?: boolean;
}

/** Uploads files by hand. */
export async function send(
  page: Page,
  files: readonly string[],
  { modality, stat }: Wish = {},
): Promise<void> {
  await page.goto('/upload');
  await page.getByTestId('files').setInputFiles([...files]);
  if (modality) {
    await page
      .getByRole('radiogroup', { name: 'What made this scan?' })
      .getByText(modality, { exact: true })
      .click();
  }
  if (stat) {
    await page.getByRole('radiogroup', { name: 'Priority' }).getByText('STAT', { exact: true }).click();
  }
  await page.getByRole('button', { name: 'Upload and analyse' }).click();
}

/** Waits until the viewer has drawn a slice. */
export async function viewerReady(page: Page): Promise<void> {
  await expect(page.getByTestId('stage')).toHaveAttribute('data-slice', /\d+/, { timeout: ANALYSIS_MS });
}

/** The heatmap of the slice that is shown. The model that comes with Ictus must give one for the drawn bleed. */
export async function heatmap(page: Page): Promise<Locator> {
  const overlay = page.getByTestId('overlay');
  await expect(overlay, 'the bundled model gives a heatmap for the drawn head').toBeVisible();
  return overlay;
}

/** Refused requests, and this program's own reading of the report, whose closed frame runs no script. */
const EXPECTED = /^Failed to load resource|^Blocked script execution in 'about:srcdoc'/;

/**
 * The browser of somebody else, beside the one that the test began with.
 *
 * @returns its page; what that page complains of is for the test to judge.
 */
export async function pageOf(account: Account, browser: Browser, baseURL: string | undefined): Promise<Page> {
  const context = await browser.newContext({ baseURL: baseURL ?? '', storageState: sessionFile(account) });
  return context.newPage();
}

/**
 * A test that fails when the page throws, logs an error, or breaks the content security policy. Refused requests
 * are the business of the tests themselves.
 */
export const test = base.extend<{ quiet: undefined }, { sessions: undefined }>({
  // Each part of the suite has a process of its own, and the parts before it may have taken long.
  sessions: [
    async ({ browserName: _ }, use) => {
      await renewSessions();
      await use(undefined);
    },
    { auto: true, scope: 'worker' },
  ],
  quiet: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(`${error.message}\n${error.stack ?? ''}`));
      page.on('console', (message) => {
        if (message.type() === 'error' && !EXPECTED.test(message.text())) {
          complaints.push(message.text());
        }
      });
      await use(undefined);
      expect(complaints, 'what the page complained of').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
