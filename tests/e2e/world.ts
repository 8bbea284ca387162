import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, expect, type Page } from '@playwright/test';

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

/** The files of an input, or those of the first that is at hand: real data may be absent. */
export function input(...names: readonly string[]): string[] {
  const found = names.find((name) => INPUTS[name] !== undefined);
  const files = found === undefined ? undefined : INPUTS[found];
  if (files === undefined) {
    throw new Error(`There is no input ${names.join(' or ')}.`);
  }
  return files;
}

/** Whether an input is there, as real data may not be. */
export function hasInput(name: string): boolean {
  return INPUTS[name] !== undefined;
}

/** Where the cookies of an account's session are kept between tests. */
export function sessionFile(account: Account): string {
  return join(FOLDER, `${account.email}.json`);
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

/** Waits until the viewer has drawn a slice. */
export async function viewerReady(page: Page): Promise<void> {
  await expect(page.getByTestId('stage')).toHaveAttribute('data-slice', /\d+/);
}

/** Refused requests, and this program's own reading of the report, whose closed frame runs no script. */
const EXPECTED = /^Failed to load resource|^Blocked script execution in 'about:srcdoc'/;

/**
 * A test that fails when the page throws, logs an error, or breaks the content security policy. Refused requests
 * are the business of the tests themselves.
 */
export const test = base.extend<{ quiet: undefined }>({
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
