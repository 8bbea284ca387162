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
  RADIOLOGIST,
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
  { name: 'review', path: () => '/review?show=all', account: RADIOLOGIST, heading: 'Review' },
  {
    name: 'review-desk',
    path: () => studyPath('jpeg').replace('/studies/', '/review/'),
    account: RADIOLOGIST,
    heading: 'Your verdict',
    viewer: true,
  },
  { name: 'models', path: () => '/models', account: ADMIN, heading: 'Versions' },
  { name: 'models-trainings', path: () => '/models/trainings', account: ADMIN, heading: 'Permitted changes' },
  { name: 'models-rollout', path: () => '/models/rollout', account: ADMIN, heading: 'Models' },
  { name: 'models-releases', path: () => '/models/releases', account: ADMIN, heading: 'Releases' },
  {
    name: 'models-monitoring',
    path: () => '/models/monitoring',
    account: ADMIN,
    heading: 'By site and modality',
  },
  { name: 'admin-people', path: () => '/admin/people', account: ADMIN, heading: 'People' },
  { name: 'admin-sites', path: () => '/admin/sites', account: ADMIN, heading: 'Sites' },
  { name: 'admin-keys', path: () => '/admin/api-keys', account: ADMIN, heading: 'API keys' },
  { name: 'admin-clients', path: () => '/admin/oauth-clients', account: ADMIN, heading: 'OAuth clients' },
  { name: 'admin-receiving', path: () => '/admin/receiving', account: ADMIN, heading: 'DICOM peers' },
  { name: 'admin-sources', path: () => '/admin/sources', account: ADMIN, heading: 'Sources' },
  { name: 'admin-destinations', path: () => '/admin/destinations', account: ADMIN, heading: 'Destinations' },
  { name: 'admin-deliveries', path: () => '/admin/deliveries', account: ADMIN, heading: 'Deliveries' },
  { name: 'admin-jobs', path: () => '/admin/jobs', account: ADMIN, heading: 'Failed analyses' },
  { name: 'admin-held', path: () => '/admin/held', account: ADMIN, heading: 'Held studies' },
  { name: 'admin-rules', path: () => '/admin/next-steps', account: ADMIN, heading: 'Next steps' },
  { name: 'admin-operations', path: () => '/admin/operations', account: ADMIN, heading: 'Parts' },
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

/** Each width and each scheme once: what axe sees of colours does not change with the width, nor the layout with them. */
const JUDGED = new Set(['light-1280', 'dark-390']);

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
          // Charts and tables take their new width a moment after the window has it.
          await expect
            .poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), {
              message: `${look}: pixels wider than the screen`,
              timeout: 15_000,
            })
            .toBeLessThanOrEqual(0);
          if (JUDGED.has(look)) {
            await picture(page, `${name}-${look}`);
            expect(await violations(page), look).toEqual([]);
          }
        }
      }
    });
  });
}
