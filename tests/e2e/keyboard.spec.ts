import type { Page } from '@playwright/test';
import { ADMIN, CLINICIAN, expect, sessionFile, test, viewerReady } from './world.ts';

async function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute('aria-label') ?? element?.textContent ?? '';
  });
}

/** Presses Tab until what has the focus is called so; it must be reachable, and visibly focused. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)).includes(name)) {
      const outline = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement ?? document.body);
        return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
      });
      expect(outline, `${name} shows its focus`).toBe(true);
      return;
    }
  }
  throw new Error(`${name} cannot be reached by Tab.`);
}

test('a study is found and read with the keyboard alone', async ({ page }) => {
  await page.goto('/login');
  await expect(page.getByRole('textbox', { name: 'E-mail' })).toBeFocused();
  await page.keyboard.type(CLINICIAN.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(CLINICIAN.password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('table', { name: 'Studies' })).toBeVisible();

  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await expect(page.locator('tbody tr').first().getByRole('link')).toBeFocused();
  const row = page.locator('tbody tr', { hasText: 'Canary' }).last().getByRole('link');
  while (!(await row.evaluate((link) => link === document.activeElement))) {
    await page.keyboard.press('j');
  }
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/studies\//);
  await viewerReady(page);

  await tabTo(page, 'Report');
  await tabTo(page, 'Drag to move');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Drag to move' })).toHaveAttribute('aria-pressed', 'true');
});

test('the skip link leads past the navigation', async ({ page }) => {
  await page.goto('/login');
  await page.keyboard.type(CLINICIAN.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(CLINICIAN.password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Worklist' })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Worklist' })).toBeVisible();
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
});

test.describe('an administrator', () => {
  test.use({ storageState: sessionFile(ADMIN) });

  test('gets the focus back from every dialog', async ({ page }) => {
    await page.goto('/admin/people');
    const menu = page.getByRole('button', { name: `Actions for ${CLINICIAN.name}` });
    await menu.focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('menuitem', { name: 'Change role or site' })).toBeVisible();
    const entry = page.getByRole('menuitem', { name: 'Give a one-time password' });
    await expect(async () => {
      await page.keyboard.press('ArrowDown');
      await expect(entry).toBeFocused({ timeout: 1_000 });
    }).toPass();
    await page.keyboard.press('Enter');
    const reset = page.getByRole('dialog', { name: `New password for ${CLINICIAN.name}?` });
    await expect(reset).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(reset).toBeHidden();
    await expect(menu).toBeFocused();

    await page.goto('/admin/sites');
    const create = page.getByRole('button', { name: 'New site' });
    await create.focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('textbox', { name: 'Name' })).toBeFocused();
    await page.keyboard.type('Second site');
    await page.keyboard.press('Enter');
    const row = page.getByRole('row', { name: 'Second site' });
    await expect(row).toBeVisible();
    await expect(create).toBeFocused();

    // The button that opened this dialog goes with its row: the page's main part has the focus then.
    await row.getByRole('button', { name: 'Delete' }).focus();
    await page.keyboard.press('Enter');
    const asked = page.getByRole('dialog', { name: 'Delete the site Second site?' });
    await asked.getByRole('button', { name: 'Delete the site' }).press('Enter');
    await expect(row).toBeHidden();
    await expect(page.getByRole('main')).toBeFocused();
  });
});
