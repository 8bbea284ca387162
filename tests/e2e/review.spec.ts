import type { Page } from '@playwright/test';
import {
  ANALYSIS_MS,
  CLINICIAN,
  expect,
  input,
  pageOf,
  picture,
  RADIOLOGIST,
  rememberStudy,
  SECOND_READER,
  send,
  sessionFile,
  studyPath,
  test,
  viewerReady,
} from './world.ts';

test.describe.configure({ mode: 'serial' });
test.use({ storageState: sessionFile(RADIOLOGIST) });

const deskPath = (name: string) => studyPath(name).replace('/studies/', '/review/');
const decision = (page: Page, name: RegExp) =>
  page.getByRole('group', { name: 'What the scan shows' }).getByRole('radio', { name });
const save = (page: Page) => page.getByRole('button', { name: 'Save and next' });
const strip = (page: Page) => page.getByRole('slider', { name: 'Slice' });

/** Opens the desk of a study and waits until the scan is there. */
async function openDesk(page: Page, name: string): Promise<void> {
  await page.goto(deskPath(name));
  await expect(page.getByRole('heading', { name: 'Your verdict' })).toBeVisible();
  await viewerReady(page);
}

/** Chooses how sure the reader is. */
async function sure(page: Page, how: 'Low' | 'Medium' | 'High'): Promise<void> {
  await page.getByRole('radiogroup', { name: 'How sure you are' }).getByText(how, { exact: true }).click();
}

test('what the model may not answer waits in the queue at once, and is opened with keys', async ({
  page,
}) => {
  await page.goto('/review');
  const rows = page.getByRole('table', { name: 'Reviews' }).getByRole('row');
  await expect(rows.nth(1)).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await picture(page, 'review-queue');
  await page.getByRole('main').focus();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/review\/[0-9a-f-]+$/);
  await page.goto('/review');
  await page.getByRole('radiogroup', { name: 'Which reviews' }).getByText('Final', { exact: true }).click();
  await expect(page.getByText('No review is final yet')).toBeVisible();
});

test('a new result enters the queue of an open page without a reload', async ({ page, browser, baseURL }) => {
  await page.goto('/review');
  const rows = page.getByRole('table', { name: 'Reviews' }).getByRole('row');
  await expect(rows.nth(1)).toBeVisible();
  const before = await rows.count();
  const sender = await pageOf(CLINICIAN, browser, baseURL);
  await send(sender, input('reviewed_photograph'));
  await expect(sender.getByRole('region', { name: 'Result' })).toBeVisible({ timeout: ANALYSIS_MS });
  rememberStudy('reviewed-photograph', sender);
  await expect(rows).toHaveCount(before + 1);
  await sender.context().close();
});

test('a verdict needs what it says, with keys and marks, and is not lost by a slip', async ({ page }) => {
  await openDesk(page, 'ct-series');
  await expect(save(page)).toBeDisabled();
  await page.getByRole('main').focus();
  await page.keyboard.press('s');
  await expect(decision(page, /haemorrhage|stroke/i).first()).toBeChecked();
  await page.keyboard.press('Home');
  await page.keyboard.press('k');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('k');
  await expect(page.getByText('Key slices 1, 2')).toBeVisible();
  await expect(strip(page)).toHaveAttribute('aria-valuetext', /marked by you/);
  await page.keyboard.press('k');
  await expect(page.getByText('Key slice 1', { exact: true })).toBeVisible();

  await page.keyboard.press('d');
  const box = await page.getByTestId('stage').boundingBox();
  const [x, y] = [(box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (const [right, down] of [
    [60, 0],
    [60, 60],
    [0, 60],
    [0, 5],
  ] as const) {
    await page.mouse.move(x + right, y + down, { steps: 4 });
  }
  await page.mouse.up();
  await expect(page.getByText('1 outline')).toBeVisible();
  await expect(page.getByTestId('regions').locator('polygon')).toHaveCount(1);
  await picture(page, 'review-marks');
  await page.keyboard.press('z');
  await expect(page.getByText('1 outline')).toBeHidden();

  await page.getByRole('checkbox', { name: 'Nothing is to be learned from this scan' }).check();
  await sure(page, 'High');
  await expect(page.getByText('Say why nothing is to be learned')).toBeVisible();
  await expect(save(page)).toBeDisabled();

  await page.getByRole('banner').getByRole('link', { name: 'Worklist', exact: true }).click();
  const asked = page.getByRole('dialog', { name: 'Leave without saving?' });
  await asked.getByRole('button', { name: 'Cancel' }).click();
  await expect(decision(page, /haemorrhage|stroke/i).first()).toBeChecked();
});

test('what one reader gives is final where one is enough, and the sender sees it', async ({
  page,
  browser,
  baseURL,
}) => {
  await openDesk(page, 'reviewed-photograph');
  await page.getByRole('main').focus();
  await page.keyboard.press('u');
  await expect(page.getByText('You agree with the model.')).toBeVisible();
  await sure(page, 'High');
  await page.getByRole('textbox', { name: 'Comment' }).fill('No scan of a head.');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByText('Saved. The result is final, and confirmed.')).toBeVisible();
  await expect(page).not.toHaveURL(new RegExp(deskPath('reviewed-photograph')));

  const sender = await pageOf(CLINICIAN, browser, baseURL);
  await sender.goto(studyPath('reviewed-photograph'));
  const panel = sender.getByRole('region', { name: 'Review' });
  await expect(panel).toContainText('Final: confirmed');
  await expect(panel).toContainText(RADIOLOGIST.name);
  await expect(panel).toContainText('No scan of a head.');
  await expect(panel.getByRole('link', { name: 'Give a verdict' })).toBeHidden();
  await picture(sender, 'review-final');
  await sender.getByRole('link', { name: 'Report' }).click();
  await expect(sender.getByText('Final: confirmed')).toBeVisible();
  await sender.goto('/worklist');
  await expect(sender.getByText('Final: confirmed').first()).toBeVisible();
  await sender.context().close();
});

test('a verdict that comes in meanwhile is shown, and what was entered is kept', async ({
  page,
  browser,
  baseURL,
}) => {
  await openDesk(page, 'photograph');
  await page.getByRole('main').focus();
  await page.keyboard.press('x');
  await sure(page, 'Medium');
  await page.getByRole('textbox', { name: 'Comment' }).fill('Kept while another reader writes.');

  const other = await pageOf(SECOND_READER, browser, baseURL);
  await openDesk(other, 'photograph');
  await other.getByRole('main').focus();
  await other.keyboard.press('u');
  await sure(other, 'Low');
  await save(other).click();
  await expect(other.getByText(/^Saved\./)).toBeVisible();
  await other.context().close();

  const changed = page.getByRole('alert').filter({ hasText: 'has changed since you opened it' });
  await expect(changed).toContainText('It is final.');
  await expect(save(page)).toBeDisabled();
  await picture(page, 'review-changed');
  await expect(page.getByRole('textbox', { name: 'Comment' })).toHaveValue(
    'Kept while another reader writes.',
  );
});

test('a clinician has no queue', async ({ browser, baseURL }) => {
  const page = await pageOf(CLINICIAN, browser, baseURL);
  await page.goto('/review');
  await expect(page.getByRole('heading', { name: 'Not for your role' })).toBeVisible();
  await expect(page.getByRole('banner').getByRole('link', { name: 'Review' })).toBeHidden();
  await page.context().close();
});
