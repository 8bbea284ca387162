import { ADMIN, CLINICIAN, expect, keepSession, pageOf, picture, signIn, studyPath, test } from './world.ts';

// Every test ends its session one way or another, so each begins with one of its own and can be tried again alone.
test.beforeEach(async ({ page }) => {
  await page.goto('/login');
  await signIn(page, CLINICIAN);
  await expect(page).toHaveURL(/\/worklist/);
});

const ended = (path: string) => (url: URL) =>
  url.pathname === '/login' && url.searchParams.has('ended') && url.searchParams.get('next') === path;

test('a session that ends leads to the login, and back to where it ended', async ({ page, context }) => {
  const report = `${studyPath('ct-series')}/report`;
  await page.goto(studyPath('ct-series'));
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible();
  // Only the report may find out: neither a slice that is fetched ahead nor the study's stream comes before it.
  await page.route(/\/api\/v1\/studies\/(?!.*\/report$)/, (route) => route.abort());
  await context.clearCookies();
  await page.getByRole('link', { name: 'Report' }).click();
  await expect(page).toHaveURL(ended(report));
  await expect(page.getByText('Your session has ended')).toBeVisible();
  await picture(page, 'session-ended');
  await page.unrouteAll();
  await signIn(page, CLINICIAN);
  await expect(page).toHaveURL((url) => url.pathname === report);
  await expect(page.frameLocator('iframe').locator('body')).toContainText('For decision support');
});

test('a page that nobody touches warns, then signs out, and leads back', async ({ page, context }) => {
  await page.clock.install();
  const other = await context.newPage();
  await other.goto('/worklist');
  await expect(other.getByRole('table', { name: 'Studies' })).toBeVisible();
  await page.goto(studyPath('ct-series'));
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible();
  const warning = page.getByRole('dialog', { name: 'Are you still there?' });
  // From here on time passes only when the test says so; the second is for what the page does when it has passed.
  await page.clock.pauseAt(new Date(Date.now() + 60_000));
  const pass = async (time: string) => {
    await page.clock.fastForward(time);
    await page.clock.runFor(1000);
  };

  await page.mouse.move(200, 200);
  await pass('13:55');
  await expect(warning).toBeHidden();
  await pass('00:10');
  await expect(warning).toContainText(/signed out in \d+ seconds/);
  await picture(page, 'idle-warning');
  await expect(warning.getByRole('button', { name: 'Stay signed in' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.clock.runFor(1000);
  await expect(warning).toBeHidden();

  // Somebody at work in another tab of the same browser is somebody.
  await pass('14:05');
  await expect(warning).toBeVisible();
  await other.mouse.move(200, 200);
  await other.mouse.move(300, 300);
  await page.clock.runFor(1000);
  await expect(warning).toBeHidden();
  await other.close();

  await page.clock.fastForward('15:01');
  await page.clock.resume();
  await expect(page).toHaveURL(ended(studyPath('ct-series')));
  await expect(page.getByText('Canary')).toHaveCount(0);
  expect((await context.request.get('/api/v1/auth/me')).status(), 'the session is over').toBe(401);
  await signIn(page, CLINICIAN);
  await expect(page).toHaveURL((url) => url.pathname === studyPath('ct-series'));
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible();
});

test('what was on screen does not come back for the next person who signs in', async ({ page, context }) => {
  await page.goto('/worklist');
  await expect(page.getByText('Canary').first()).toBeVisible();
  await context.clearCookies();
  // Looking at the window again asks who is signed in.
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await expect(page).toHaveURL(/\/login/);
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.route(/\/api\/v1\/(studies\?|alerts)/, async (route) => {
    await held;
    await route.continue();
  });
  await signIn(page, ADMIN);
  await expect(page.getByText('Loading the worklist')).toBeVisible();
  await expect(page.getByText('Canary')).toHaveCount(0);
  answer();
  await expect(page.getByText('Canary').first()).toBeVisible();
});

test('an account that is closed loses the page that is open', async ({ page, browser, baseURL }) => {
  await page.goto('/worklist');
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  const admin = await pageOf(ADMIN, browser, baseURL);
  await admin.goto('/admin/people');
  const row = admin.getByRole('row', { name: CLINICIAN.email });
  const menu = row.getByRole('button', { name: `Actions for ${CLINICIAN.name}` });
  await menu.click();
  await admin.getByRole('menuitem', { name: 'Close the account' }).click();
  await admin.getByRole('dialog').getByRole('button', { name: 'Close the account' }).click();
  await expect(row).toContainText('Closed');
  try {
    await expect(page).toHaveURL(/\/login/);
    await expect(page.getByText('Canary')).toHaveCount(0);
  } finally {
    // Whoever comes after needs the account, this test included when it is tried again.
    await menu.click();
    await admin.getByRole('menuitem', { name: 'Open the account again' }).click();
    await expect(row).toContainText('Active');
    await admin.context().close();
  }
  await signIn(page, CLINICIAN);
  await expect(page.getByRole('table', { name: 'Studies' })).toBeVisible();
  await keepSession(page.context(), CLINICIAN);
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
