import { ADMIN, ANALYSIS_MS, expect, input, picture, send, sessionFile, test } from './world.ts';

test.use({ storageState: sessionFile(ADMIN) });

test('the version in use is named with its figures, and there is nothing to roll back to', async ({
  page,
}) => {
  await page.goto('/models');
  const row = page.getByRole('row').filter({ hasText: 'In use' });
  await expect(row).toHaveCount(1);
  await expect(page.getByRole('button', { name: /^Roll back/ })).toBeHidden();
  await row.getByRole('link').click();
  await expect(page.getByRole('region', { name: 'Evaluation' }).first()).toContainText('ROC-AUC');
  await expect(page.getByRole('button', { name: 'Put to use' })).toBeHidden();
  await page.getByRole('navigation', { name: 'Models' }).getByRole('link', { name: 'Releases' }).click();
  await expect(page.getByRole('heading', { name: 'Releases' })).toBeVisible();
});

test('a training without enough confirmed cases is refused in words', async ({ page }) => {
  await page.goto('/models/trainings');
  await expect(page.getByRole('region', { name: 'Permitted changes' })).toContainText('Minimum cases');
  await page.getByRole('button', { name: 'Start a training' }).click();
  const dialog = page.getByRole('dialog', { name: 'Start a training' });
  await expect(dialog.getByRole('radio', { name: 'Latent replay' })).toBeChecked();
  await dialog.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(dialog.getByRole('alert')).toContainText(/case/i);
  await picture(page, 'models-training-refused');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Nothing has been learned here yet')).toBeVisible();
});

test('a rollout needs a version that is not in use', async ({ page }) => {
  await page.goto('/models/rollout');
  await page.getByRole('radio', { name: 'Canary' }).check();
  await expect(page.getByRole('button', { name: 'Arrange' })).toBeDisabled();
  await page.getByRole('radio', { name: 'None' }).check();
  await page.getByRole('button', { name: 'Arrange' }).click();
  await expect(page.getByText('Arranged.')).toBeVisible();
});

test('monitoring counts what came, for each site and kind of scan, also as a table', async ({ page }) => {
  await page.goto('/models/monitoring');
  await expect(page.getByText('No alarm', { exact: true })).toBeVisible();
  const answers = page.getByRole('figure', { name: 'Answers a day' });
  await expect(answers.getByRole('img')).toHaveAttribute('aria-label', /[1-9]\d* stud(y|ies) answered/);
  await answers.getByText('The figures of this chart').click();
  await expect(answers.getByRole('table').getByRole('row').last().getByRole('cell').last()).not.toHaveText(
    '0',
  );
  const groups = page.getByRole('region', { name: 'By site and modality' }).first();
  await expect(groups.getByRole('row', { name: /Main site CT/ })).toBeVisible();
  const bright = page.getByRole('figure', { name: 'Brightness of the head', exact: true });
  await expect(bright.getByRole('img')).toBeVisible();
  await picture(page, 'monitoring');
  await page.getByRole('combobox', { name: 'Scan' }).click();
  await page.getByRole('option', { name: 'MR' }).click();
  await expect(page).toHaveURL(/modality=MR/);
  await expect(groups.getByRole('row', { name: /Main site CT/ })).toBeHidden();
});

test('a study is erased only with a reason and the word, and is gone then', async ({ page }) => {
  await send(page, input('erased_photograph'));
  await expect(page).toHaveURL(/\/studies\/[0-9a-f-]+$/);
  const address = page.url();
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible({ timeout: ANALYSIS_MS });
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: /Erase/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Erase this study for good?' });
  const erase = dialog.getByRole('button', { name: 'Erase the study' });
  await dialog.getByRole('textbox', { name: 'Type ERASE to go on' }).fill('erase');
  await dialog.getByRole('combobox', { name: 'Why' }).click();
  await page.getByRole('option', { name: 'It was sent by mistake' }).click();
  await expect(erase).toBeDisabled();
  await dialog.getByRole('textbox', { name: 'Type ERASE to go on' }).fill('ERASE');
  await picture(page, 'erase');
  await erase.click();
  await expect(page.getByText('The study was erased.')).toBeVisible();
  await expect(page).toHaveURL(/\/worklist$/);
  await page.goto(address);
  await expect(page.getByRole('heading', { name: 'Nothing here' })).toBeVisible();
});
