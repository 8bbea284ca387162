import { ADMIN, CLINICIAN, expect, picture, sessionFile, test } from './world.ts';

test.use({ storageState: sessionFile(ADMIN) });

test('an API key is shown once, works, and is refused when revoked', async ({
  page,
  playwright,
  baseURL,
}) => {
  await page.goto('/admin/api-keys');
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByRole('textbox', { name: 'System' }).fill('PACS router');
  await page.getByRole('button', { name: 'Issue the key' }).click();
  const key = (await page.getByTestId('secret').textContent()) ?? '';
  const machine = await playwright.request.newContext({
    baseURL: baseURL ?? '',
    extraHTTPHeaders: { Authorization: `Bearer ${key}` },
  });
  expect((await machine.get('/api/v1/studies')).status()).toBe(200);
  await page.getByRole('button', { name: 'I have it' }).click();
  await expect(page.getByText(key)).toBeHidden();
  const row = page.getByRole('row', { name: 'PACS router' });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(row).toContainText('Revoked');
  expect((await machine.get('/api/v1/studies')).status()).toBe(401);
  await machine.dispose();
});

test('a changed next step is in the next report', async ({ page }) => {
  await page.goto('/admin/next-steps');
  await page.getByRole('button', { name: 'Add a rule' }).click();
  const rule = page.getByRole('region', { name: /^Rule rule-/ });
  await rule.getByRole('textbox', { name: 'Step' }).fill('Consider ringing the duty registrar on 4711.');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved as version 1.')).toBeVisible();
  await picture(page, 'admin-next-steps');
  await page.goto('/worklist');
  await page.locator('tbody tr').first().getByRole('link').click();
  await page.getByRole('link', { name: 'Report' }).click();
  await expect(page.frameLocator('iframe').locator('body')).toContainText('duty registrar on 4711');
});

test('a changed rule is not lost by a slip', async ({ page }) => {
  await page.goto('/admin/next-steps');
  await page.getByRole('button', { name: 'Add a rule' }).click();
  const asked = page.getByRole('dialog', { name: 'Leave without saving?' });
  const worklist = page.getByRole('banner').getByRole('link', { name: 'Worklist', exact: true });
  const rules = page.getByRole('region', { name: /^Rule / });
  const before = await rules.count();
  await worklist.click();
  await asked.getByRole('button', { name: 'Cancel' }).click();
  await expect(page).toHaveURL(/next-steps$/);
  await expect(rules).toHaveCount(before);
  await worklist.click();
  await asked.getByRole('button', { name: 'Leave without saving' }).click();
  await expect(page.getByRole('heading', { name: 'Worklist' })).toBeVisible();
});

test('the audit trail names who read a report', async ({ page }) => {
  await page.goto('/admin/audit');
  await page.getByRole('textbox', { name: 'Action' }).fill('report.read');
  await expect(page.getByRole('row', { name: CLINICIAN.name }).first()).toContainText('report.read');
});

test('the queue and the failed jobs are shown', async ({ page }) => {
  await page.goto('/admin/jobs');
  await expect(page.getByText('Being analysed')).toBeVisible();
  await expect(page.getByText('No analysis has failed')).toBeVisible();
});
