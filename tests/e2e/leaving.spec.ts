import { CLINICIAN, expect, picture, sessionFile, signIn, studyPath, test } from './world.ts';

test.describe.configure({ mode: 'serial' });
test.use({ storageState: sessionFile(CLINICIAN) });

test('a session that ends leads to the login, and back to where it ended', async ({ page, context }) => {
  await page.goto(studyPath('ct-series'));
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible();
  await context.clearCookies();
  // Whatever asks next finds the session gone: this click, or a slice that is fetched ahead and takes the link away.
  await page
    .getByRole('link', { name: 'Report' })
    .click({ timeout: 5_000 })
    .catch(() => undefined);
  await expect(page).toHaveURL(/\/login\?ended&next=/);
  const ended = new URL(page.url()).searchParams.get('next') ?? '';
  expect([studyPath('ct-series'), `${studyPath('ct-series')}/report`]).toContain(ended.split('?')[0]);
  await expect(page.getByText('Your session has ended')).toBeVisible();
  await picture(page, 'session-ended');
  await signIn(page, CLINICIAN);
  await expect(page).toHaveURL((url) => url.pathname + url.search === ended);
});

test('signing out ends the session at once: the old cookie gets 401', async ({ page, context, request }) => {
  await page.goto('/upload');
  await page.goto('/worklist');
  await expect(page.getByRole('table', { name: 'Studies' })).toBeVisible();
  const cookie = (await context.cookies()).find(({ name }) => name.endsWith('ictus_session'));
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
  const headers = { Cookie: `${cookie?.name}=${cookie?.value}` };

  await page.getByRole('button', { name: CLINICIAN.name }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login$/);
  for (const path of [
    '/api/v1/auth/me',
    '/api/v1/studies',
    `/api/v1${studyPath('ct-series')}`,
    '/api/v1/events',
  ]) {
    expect((await request.get(path, { headers })).status(), path).toBe(401);
  }
  await page.goBack();
  await expect(page).toHaveURL(/\/login/);
  await expect(page.getByText('Canary')).toBeHidden();
  expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
});
