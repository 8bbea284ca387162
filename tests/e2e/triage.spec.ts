import { CLINICIAN, expect, pageOf, picture, RADIOLOGIST, sessionFile, studyPath, test } from './world.ts';

test.use({ storageState: sessionFile(CLINICIAN) });

test('a likely stroke calls everybody until one person takes it on, on whatever page they are', async ({
  page,
  browser,
  baseURL,
}) => {
  const colleague = await pageOf(RADIOLOGIST, browser, baseURL);
  await colleague.goto('/upload');
  const call = colleague.getByRole('banner').getByRole('link', { name: /likely strokes? waits?$/ });
  const waiting = Number.parseInt((await call.textContent()) ?? '', 10);
  expect(waiting).toBeGreaterThan(0);

  await page.goto('/worklist');
  const alert = page.getByRole('main').getByRole('alert');
  await expect(alert).toContainText(`${waiting} likely stroke`);
  const series = alert.locator(`a[href="${studyPath('ct-series')}"]`);
  await expect(series).toHaveText('Canary, Anna');
  await picture(page, 'alerts');
  await series.click();
  const clock = page.getByRole('region', { name: 'Alert' });
  await expect(clock).toContainText('who takes it on?');
  await expect(clock.getByRole('row', { name: /^Received/ })).toBeVisible();
  await expect(clock.getByRole('row', { name: /^Analysed .* after / })).toBeVisible();
  await picture(page, 'alert-study');
  await clock.getByRole('button', { name: 'Acknowledge' }).click();
  await expect(clock.getByRole('row', { name: /^Acknowledged .* after / })).toBeVisible();
  await expect(clock.getByRole('button', { name: 'Acknowledge' })).toBeHidden();
  await picture(page, 'alert-acknowledged');

  // The colleague's page has been open all the time and needs no reload.
  if (waiting > 1) {
    await expect(call).toHaveText(new RegExp(`^${waiting - 1} likely`));
  } else {
    await expect(call).toBeHidden();
  }
  await colleague.context().close();
  await page.goto('/worklist');
  await expect(page.getByRole('table', { name: 'Studies' })).toBeVisible();
  await expect(series).toBeHidden();
});
