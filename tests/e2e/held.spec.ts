import type { Page } from '@playwright/test';
import {
  ADMIN,
  ANALYSIS_MS,
  CLINICIAN,
  expect,
  input,
  pageOf,
  picture,
  send,
  sessionFile,
  test,
  viewerReady,
} from './world.ts';

test.use({ storageState: sessionFile(CLINICIAN) });

const HELD = 'Held until an administrator has looked';

/** Uploads a scan that must be held, and gives its address. */
async function sendHeld(page: Page, name: string, reason: string): Promise<string> {
  await send(page, input(name));
  const notice = page.getByRole('region', { name: HELD });
  await expect(notice).toContainText(reason);
  await expect(page.getByRole('region', { name: 'Progress of the analysis' })).toBeHidden();
  return new URL(page.url()).pathname;
}

test('a scan that may show a name is analysed once an administrator has looked at it', async ({
  page,
  browser,
  baseURL,
}) => {
  const path = await sendHeld(page, 'Burned_In', 'burned into them');
  await picture(page, 'held-study');

  const admin = await pageOf(ADMIN, browser, baseURL);
  await admin.goto('/admin/held');
  const row = admin.getByRole('row', { name: 'Burned, In' });
  await expect(row).toContainText('burned into them');
  await picture(admin, 'held-list');
  await row.getByRole('link').click();
  await expect(admin).toHaveURL(path);
  await viewerReady(admin);
  await admin.goBack();
  await row.getByRole('button', { name: 'Release' }).click();
  await expect(row).toBeHidden();
  await admin.context().close();

  // The uploader's page has been open all the time and needs no reload.
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible({ timeout: ANALYSIS_MS });
  await expect(page.getByRole('region', { name: HELD })).toBeHidden();
});

test('a scan that an administrator rejects is gone, from an open page too', async ({
  page,
  browser,
  baseURL,
}) => {
  await sendHeld(page, 'Screen_Shot', 'screen shot');
  await viewerReady(page);

  const admin = await pageOf(ADMIN, browser, baseURL);
  await admin.goto('/admin/held');
  const row = admin.getByRole('row', { name: 'Screen, Shot' });
  await row.getByRole('button', { name: 'Reject' }).click();
  const dialog = admin.getByRole('dialog', { name: 'Reject and erase this study?' });
  await picture(admin, 'held-reject');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await expect(row).toBeVisible();
  await row.getByRole('button', { name: 'Reject' }).click();
  await dialog.getByRole('button', { name: 'Erase the study' }).click();
  await expect(row).toBeHidden();
  await expect(admin.getByText('No study is held')).toBeVisible();
  await admin.context().close();

  await expect(page.getByRole('heading', { name: 'Nothing here' })).toBeVisible();
  await expect(page.getByText('Screen, Shot')).toHaveCount(0);
  await page.goto('/worklist');
  await expect(page.getByRole('table', { name: 'Studies' })).toBeVisible();
  await expect(page.getByText('Screen, Shot')).toHaveCount(0);
});
