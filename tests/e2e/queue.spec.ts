import type { Page } from '@playwright/test';
import {
  ADMIN,
  ANALYSIS_MS,
  CLINICIAN,
  control,
  expect,
  input,
  pageOf,
  picture,
  STACK,
  send,
  sessionFile,
  test,
} from './world.ts';

test.use({ storageState: sessionFile(CLINICIAN) });
test.skip(STACK === undefined, 'the stack is not ours, so no accident may happen to it');

test.afterEach(() => control('thaw', 'inference'));

/** Uploads a scan while nothing is analysed, and gives the study's id. */
async function sendWaiting(page: Page, name: string): Promise<string> {
  await send(page, input(name));
  const progress = page.getByRole('region', { name: 'Progress of the analysis' });
  await expect(progress).toContainText('Waiting for a free worker');
  return new URL(page.url()).pathname.split('/').at(-1) ?? '';
}

test('an analysis that failed is tried again by an administrator, and answers', async ({
  page,
  browser,
  baseURL,
}) => {
  control('freeze', 'inference');
  const study = await sendWaiting(page, 'Lost_Scan');
  control('lose', study);
  control('thaw', 'inference');
  const notice = page.getByRole('region', { name: 'The analysis failed' });
  await expect(notice).toContainText('The scan is safe', { timeout: ANALYSIS_MS });
  await picture(page, 'failed-study');

  control('find', study);
  const admin = await pageOf(ADMIN, browser, baseURL);
  await admin.goto('/admin/jobs');
  const row = admin.getByRole('row', { name: study.slice(0, 8) });
  await picture(admin, 'failed-list');
  await row.getByRole('button', { name: 'Try again' }).click();
  await expect(row).toBeHidden();
  await admin.context().close();

  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible({ timeout: ANALYSIS_MS });
  await expect(notice).toBeHidden();
});

test('a full queue says what to do, and takes the scan when there is room again', async ({ page }) => {
  control('freeze', 'inference');
  for (const name of ['Waits_One', 'Waits_Two', 'Waits_Three']) {
    await sendWaiting(page, name);
  }
  await send(page, input('Waits_Four'));
  const refusal = page.getByRole('alert');
  await expect(refusal).toContainText('Too many scans are waiting');
  await expect(refusal).toContainText(/Try again in about \d+ seconds/);
  await expect(refusal).toContainText('your files are still chosen');
  await expect(refusal).toContainText('do not wait');
  await picture(page, 'queue-full');
  await page.setViewportSize({ width: 390, height: 844 });
  await picture(page, 'queue-full-390');

  control('thaw', 'inference');
  await expect(async () => {
    // An upload that was taken may need longer than it is waited for below.
    if (!page.url().includes('/studies/')) {
      await refusal.getByRole('button', { name: 'Try again' }).click({ timeout: 2_000 });
    }
    await expect(page).toHaveURL(/\/studies\//, { timeout: 2_000 });
  }).toPass({ timeout: ANALYSIS_MS });
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible({ timeout: ANALYSIS_MS });
});
