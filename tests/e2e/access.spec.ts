import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type { AxeResults } from 'axe-core';
import {
  type Account,
  ADMIN,
  CLINICIAN,
  expect,
  picture,
  sessionFile,
  studyPath,
  test,
  viewerReady,
} from './world.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Subject {
  readonly name: string;
  readonly path: () => string;
  readonly account: Account | null;
  /** What must be there before the page is judged. */
  readonly heading: string | RegExp;
  readonly viewer?: boolean;
}

const SUBJECTS: readonly Subject[] = [
  { name: 'login', path: () => '/login', account: null, heading: 'Sign in' },
  { name: 'register', path: () => '/register', account: null, heading: 'Register' },
  { name: 'worklist', path: () => '/worklist', account: CLINICIAN, heading: 'Worklist' },
  { name: 'upload', path: () => '/upload', account: CLINICIAN, heading: 'Upload a scan' },
  { name: 'study', path: () => studyPath('ct-series'), account: CLINICIAN, heading: 'Study', viewer: true },
  { name: 'study-jpeg', path: () => studyPath('jpeg'), account: CLINICIAN, heading: 'Study', viewer: true },
  {
    name: 'study-mr',
    path: () => studyPath('mr-series'),
    account: CLINICIAN,
    heading: 'Study',
    viewer: true,
  },
  {
    name: 'study-photograph',
    path: () => studyPath('photograph'),
    account: CLINICIAN,
    heading: 'Study',
    viewer: true,
  },
  { name: 'report', path: () => `${studyPath('ct-series')}/report`, account: CLINICIAN, heading: 'Report' },
  { name: 'model', path: () => '/model', account: CLINICIAN, heading: /model/i },
  { name: 'password', path: () => '/password', account: CLINICIAN, heading: 'Change password' },
  { name: 'not-found', path: () => '/nowhere', account: CLINICIAN, heading: 'Nothing here' },
  { name: 'forbidden', path: () => '/admin', account: CLINICIAN, heading: 'Not for your role' },
  { name: 'admin-people', path: () => '/admin/people', account: ADMIN, heading: 'People' },
  { name: 'admin-sites', path: () => '/admin/sites', account: ADMIN, heading: 'Sites' },
  { name: 'admin-keys', path: () => '/admin/api-keys', account: ADMIN, heading: 'API keys' },
  { name: 'admin-jobs', path: () => '/admin/jobs', account: ADMIN, heading: 'Failed analyses' },
  { name: 'admin-held', path: () => '/admin/held', account: ADMIN, heading: 'Held studies' },
  { name: 'admin-rules', path: () => '/admin/next-steps', account: ADMIN, heading: 'Next steps' },
  { name: 'admin-audit', path: () => '/admin/audit', account: ADMIN, heading: 'Audit trail' },
];

/** The serious and critical violations that axe finds, in words. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`));
}

const WIDTHS = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

test.use({ reducedMotion: 'reduce' });

for (const { name, path, account, heading, viewer } of SUBJECTS) {
  test.describe(() => {
    test.use({ storageState: account === null ? { cookies: [], origins: [] } : sessionFile(account) });

    test(`${name} has no serious accessibility violation and fits every screen`, async ({ page }) => {
      await page.goto(path());
      await expect(
        page
          .getByRole(
            'heading',
            typeof heading === 'string' ? { name: heading, exact: true } : { name: heading },
          )
          .first(),
      ).toBeVisible();
      await expect(page.getByText('Loading')).toHaveCount(0);
      if (viewer) {
        await viewerReady(page);
      }
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme);
        for (const size of WIDTHS) {
          await page.setViewportSize(size);
          const look = `${colorScheme}-${size.width}`;
          await picture(page, `${name}-${look}`);
          expect(await violations(page), look).toEqual([]);
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - window.innerWidth,
          );
          expect(overflow, `${look}: pixels wider than the screen`).toBeLessThanOrEqual(0);
        }
      }
    });
  });
}
