import {
  ADMIN,
  CLINICIAN,
  expect,
  IS_OURS,
  ONE_TIME_PASSWORD,
  pageOf,
  picture,
  RADIOLOGIST,
  SECOND_READER,
  sessionFile,
  signIn,
  test,
} from './world.ts';

test.describe.configure({ mode: 'serial' });

test('the first administrator must replace the one-time password', async ({ page }) => {
  await page.goto('/');
  await expect(page).toHaveURL(/\/login$/);
  await signIn(page, { email: ADMIN.email, password: ONE_TIME_PASSWORD });
  await expect(page).toHaveURL(/\/password$/);
  await page.goto('/worklist');
  await expect(page).toHaveURL(/\/password$/);

  await page.getByRole('textbox', { name: 'One-time password' }).fill(ONE_TIME_PASSWORD);
  await page.getByRole('textbox', { name: 'New password', exact: true }).fill('short');
  await page.getByRole('textbox', { name: 'New password again' }).fill('other');
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('Use at least 12 characters.')).toBeVisible();
  await expect(page.getByText('The two do not match.')).toBeVisible();

  await page.getByRole('textbox', { name: 'New password', exact: true }).fill(ADMIN.password);
  await page.getByRole('textbox', { name: 'New password again' }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByRole('heading', { name: 'Worklist' })).toBeVisible();
  await page.context().storageState({ path: sessionFile(ADMIN) });
});

test('a person who registers waits for approval', async ({ page }) => {
  await page.goto('/login');
  await page.getByRole('link', { name: 'Register' }).click();
  await page.getByRole('textbox', { name: 'Full name' }).fill(CLINICIAN.name);
  await page.getByRole('textbox', { name: 'E-mail' }).fill(CLINICIAN.email);
  await page.getByRole('textbox', { name: 'Password' }).fill(CLINICIAN.password);
  await page.getByRole('button', { name: 'Register' }).click();
  await expect(page.getByRole('heading', { name: 'Waiting for approval' })).toBeVisible();
  await picture(page, 'waiting-for-approval');

  await page.getByRole('link', { name: 'Back to sign in' }).click();
  await signIn(page, CLINICIAN);
  await expect(page.getByRole('alert')).toContainText('waits for an administrator');
});

test.describe('an administrator', () => {
  test.use({ storageState: sessionFile(ADMIN) });

  test('approves a registration with a role and a site', async ({ page }) => {
    await page.goto('/admin');
    const row = page.getByRole('row', { name: CLINICIAN.email });
    await expect(row).toContainText('Waiting');
    await row.getByRole('button', { name: 'Approve' }).click();
    const dialog = page.getByRole('dialog', { name: `Approve ${CLINICIAN.name}` });
    await expect(dialog.getByRole('combobox', { name: 'Site' })).toHaveValue('Main site');
    await picture(page, 'approve');
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await expect(dialog).toBeHidden();
    await expect(row).toContainText('Active');
    await expect(row).toContainText('Clinician');
  });
});

test('the approved person signs in, and an administrator’s page is not for them', async ({ page }) => {
  await page.goto('/login');
  await signIn(page, { ...CLINICIAN, password: 'not the password' });
  await expect(page.getByRole('alert')).toContainText('wrong');
  await signIn(page, CLINICIAN);
  await expect(page.getByText('No studies yet')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Administration' })).toBeHidden();
  await page.goto('/admin/people');
  await expect(page.getByRole('heading', { name: 'Not for your role' })).toBeVisible();
  await page.context().storageState({ path: sessionFile(CLINICIAN) });
});

for (const reader of [RADIOLOGIST, SECOND_READER]) {
  test(`${reader.name} is approved as a radiologist and finds the review queue`, async ({
    page,
    browser,
    baseURL,
  }) => {
    await page.goto('/register');
    await page.getByRole('textbox', { name: 'Full name' }).fill(reader.name);
    await page.getByRole('textbox', { name: 'E-mail' }).fill(reader.email);
    await page.getByRole('textbox', { name: 'Password' }).fill(reader.password);
    await page.getByRole('button', { name: 'Register' }).click();
    await expect(page.getByRole('heading', { name: 'Waiting for approval' })).toBeVisible();

    const admin = await pageOf(ADMIN, browser, baseURL);
    await admin.goto('/admin/people');
    await admin.getByRole('row', { name: reader.email }).getByRole('button', { name: 'Approve' }).click();
    const dialog = admin.getByRole('dialog', { name: `Approve ${reader.name}` });
    await dialog.getByRole('combobox', { name: 'Role' }).click();
    await admin.getByRole('option', { name: 'Radiologist' }).click();
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await expect(dialog).toBeHidden();
    await admin.context().close();

    await page.goto('/login');
    await signIn(page, reader);
    await page.getByRole('banner').getByRole('link', { name: 'Review' }).click();
    await expect(page.getByText('Nothing waits for a reader')).toBeVisible();
    await page.context().storageState({ path: sessionFile(reader) });
  });
}

test('a person of the hospital’s own sign-in service waits for approval, then comes in and goes', async ({
  page,
  browser,
  baseURL,
}) => {
  test.skip(!IS_OURS, 'an installation that was named has no sign-in service that we run');
  const there = page.getByRole('link', {
    name: 'Sign in with Hospital account',
  });
  await page.goto('/login');
  await picture(page, 'login-provider');
  await there.click();
  await expect(page.getByRole('alert')).toContainText('waits for an administrator’s approval');
  await picture(page, 'login-provider-waiting');

  const admin = await pageOf(ADMIN, browser, baseURL);
  await admin.goto('/admin/people');
  await admin.getByRole('row', { name: 'Núria Font' }).getByRole('button', { name: 'Approve' }).click();
  const dialog = admin.getByRole('dialog', { name: 'Approve Núria Font' });
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await expect(dialog).toBeHidden();
  await admin.context().close();

  await there.click();
  await expect(page.getByRole('heading', { name: 'Worklist' })).toBeVisible();
  await page.getByRole('button', { name: 'Núria Font' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(there).toBeVisible();
});
