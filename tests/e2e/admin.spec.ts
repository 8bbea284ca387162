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

test('a destination is entered, says why it cannot be reached, and is deleted', async ({ page }) => {
  await page.goto('/admin/destinations');
  await page.getByRole('button', { name: 'New destination' }).click();
  const dialog = page.getByRole('dialog', { name: 'New destination' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('PACS');
  await dialog.getByRole('textbox', { name: 'Host' }).fill('127.0.0.1');
  await dialog.getByRole('textbox', { name: 'Port' }).fill('9');
  await dialog.getByRole('textbox', { name: 'Their AE title' }).fill('PACS');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const row = page.getByRole('row', { name: 'PACS' });
  await expect(row).toContainText('PACS@127.0.0.1:9');
  await row.getByRole('button', { name: 'Test' }).click();
  await expect(row).toContainText('Test failed: The archive does not answer.');
  await picture(page, 'admin-destinations');
  await page.getByRole('link', { name: 'Deliveries' }).click();
  await expect(page.getByText('No delivery')).toBeVisible();
  await page.getByRole('link', { name: 'Destinations' }).click();
  await row.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the destination' }).click();
  await expect(page.getByText('No destination yet: results stay here')).toBeVisible();
});

test('a scanner is let in by its AE title, once, and turned away again', async ({ page }) => {
  await page.goto('/admin/receiving');
  const dialog = page.getByRole('dialog', { name: 'New DICOM peer' });
  const add = page.getByRole('button', { name: 'New peer' });
  const title = dialog.getByRole('textbox', { name: 'AE title' });
  await add.click();
  await title.fill('CT_SCANNER_NUMBER_1');
  await expect(dialog).toContainText('At most 16 plain characters');
  await expect(dialog.getByRole('button', { name: 'Let it send' })).toBeDisabled();
  await title.fill('CT1');
  await title.press('Enter');
  const row = page.getByRole('row', { name: 'CT1' });
  await expect(row).toBeVisible();
  await add.click();
  await title.fill('CT1');
  await title.press('Enter');
  await expect(dialog).toContainText('There is a DICOM peer with this AE title already.');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await picture(page, 'admin-receiving');
  await row.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('button', { name: 'Remove the peer' }).click();
  await expect(page.getByText('Nobody may send by DICOM yet')).toBeVisible();
});

test('a study is asked for from an archive, once there is one, and is waited for', async ({
  page,
  context,
}) => {
  const upload = await context.newPage();
  await upload.goto('/upload');
  const fetching = upload.getByRole('region', { name: 'Fetch from the archive' });
  await fetching.getByRole('textbox', { name: 'Accession number' }).fill('ACC-0815');
  await fetching.getByRole('button', { name: 'Fetch and analyse' }).click();
  await expect(fetching).toContainText('No archive is set up from which studies can be fetched.');

  await page.goto('/admin/sources');
  await page.getByRole('button', { name: 'New source' }).click();
  const dialog = page.getByRole('dialog', { name: 'New source' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('PACS');
  await dialog.getByRole('textbox', { name: 'Host' }).fill('127.0.0.1');
  await dialog.getByRole('textbox', { name: 'Port' }).fill('9');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const row = page.getByRole('row', { name: 'PACS' });
  await expect(row).toContainText('ANY-SCP@127.0.0.1:9');
  await row.getByRole('button', { name: 'Test' }).click();
  await expect(row).toContainText('Test failed:');
  await picture(page, 'admin-sources');

  await fetching.getByRole('button', { name: 'Fetch and analyse' }).click();
  await expect(fetching.getByRole('status')).toContainText('You may leave this page');
  await picture(upload, 'fetching');
  await row.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the source' }).click();
  await expect(page.getByText('No source yet')).toBeVisible();
  await upload.close();
});
