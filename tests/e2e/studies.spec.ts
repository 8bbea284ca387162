import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Page } from '@playwright/test';
import {
  ANALYSIS_MS,
  CLINICIAN,
  emptyFolder,
  expect,
  hasInput,
  input,
  pageOf,
  picture,
  pictureFile,
  RADIOLOGIST,
  rememberStudy,
  send,
  sessionFile,
  studyPath,
  test,
} from './world.ts';

test.use({ storageState: sessionFile(CLINICIAN) });

/** A drawn head proves the path, not the model: every answer to a validated kind of scan will do… */
const OF_A_DRAWN_CT = ['Stroke likely', 'Uncertain', 'No sign found', 'Unsuitable image'];

/** …but a large bleed must not be called clean, as a series even a drawn one. */
const OF_A_BLEED = ['Stroke likely', 'Uncertain'];

/** Waits for the answer, which must come without a reload, and gives its headline. */
async function verdict(page: Page, name: string): Promise<string> {
  await expect(page).toHaveURL(/\/studies\/[0-9a-f-]+$/);
  rememberStudy(name, page);
  const result = page.getByRole('region', { name: 'Result' });
  await expect(result).toBeVisible({ timeout: ANALYSIS_MS });
  await expect(result).toContainText('What the model is validated for');
  await expect(result).toContainText('a clinician decides');
  await expect(page.getByTestId('stage')).toHaveAttribute('data-slice', /\d+/);
  await picture(page, `result-${name}`);
  return (await result.getByRole('heading', { level: 2 }).textContent()) ?? '';
}

test('a JPEG slice with a real bleed is never called clean', async ({ page }) => {
  await send(page, input('real_bleed', 'slice'), { modality: 'CT', stat: true });
  const allowed = hasInput('real_bleed') ? OF_A_BLEED : OF_A_DRAWN_CT;
  expect(allowed).toContain(await verdict(page, 'jpeg'));
  await expect(page.getByText('STAT').first()).toBeVisible();
});

test('a single DICOM CT slice is answered, with who it is of', async ({ page }) => {
  await send(page, input('ct_slice'));
  expect(OF_A_DRAWN_CT).toContain(await verdict(page, 'ct-slice'));
  await expect(page.getByRole('heading', { name: 'Canary, Anna' })).toBeVisible();
});

test('a CT series shows its stages, then its answer, which calls a colleague', async ({
  page,
  browser,
  baseURL,
}) => {
  const colleague = await pageOf(RADIOLOGIST, browser, baseURL);
  await colleague.goto('/upload');
  await send(page, input('ct_series'));
  const progress = page.getByRole('region', { name: 'Progress of the analysis' });
  await expect(progress).toBeVisible();
  await picture(page, 'progress');
  expect(await verdict(page, 'ct-series')).toBe('Stroke likely');
  await picture(colleague, 'alert-call');
  await colleague.getByRole('link', { name: 'A new study needs to be read now' }).last().click();
  await expect(colleague).toHaveURL(page.url());
  await colleague.context().close();
});

test('an MR DICOM series, chosen as a folder, is not validated', async ({ page }) => {
  await page.goto('/upload');
  await page.getByTestId('folder').setInputFiles(dirname(input('real_mr_series', 'mr_series')[0] ?? ''));
  await page.getByRole('button', { name: 'Upload and analyse' }).click();
  expect(await verdict(page, 'mr-series')).toBe('Not validated');
  await expect(page.getByRole('slider', { name: 'Slice' })).toHaveAttribute(
    'aria-valuetext',
    /no probability/,
  );
  await expect(page.getByRole('region', { name: 'Result' })).toContainText('No probability is shown');
});

test('a CT NIfTI is answered as the CT that its sender says it is', async ({ page }) => {
  await send(page, input('ct_nifti'), { modality: 'CT' });
  expect(OF_A_DRAWN_CT).toContain(await verdict(page, 'ct-nifti'));
});

test('a photograph is unsuitable', async ({ page }) => {
  await send(page, input('photograph'));
  expect(await verdict(page, 'photograph')).toBe('Unsuitable image');
});

test('a truncated DICOM is refused with what to do', async ({ page }) => {
  await send(page, input('truncated'));
  const refusal = page.getByRole('alert');
  await expect(refusal).toContainText('This upload was not accepted');
  await expect(refusal).toContainText('The file is cut short');
  await expect(refusal).toContainText('Nothing of the upload was kept');
  await picture(page, 'refused-truncated');
});

test('the same bytes, dropped on the page, lead to the study that is there', async ({ page }) => {
  await page.goto('/upload');
  const [file = ''] = input('ct_slice');
  const dropped = await page.evaluateHandle((base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'again.dcm'));
    return transfer;
  }, readFileSync(file).toString('base64'));
  await page.getByRole('group', { name: 'Files to upload' }).dispatchEvent('drop', { dataTransfer: dropped });
  await expect(page.getByText('again.dcm')).toBeVisible();
  await page.getByRole('button', { name: 'Upload and analyse' }).click();
  await expect(page).toHaveURL(new RegExp(`${studyPath('ct-slice')}$`));
  await expect(page.getByText('had been uploaded before')).toBeVisible();
});

test('leaving the page while a scan is being sent is asked about, and stops it', async ({ page }) => {
  let sending = 0;
  // Neither answered nor refused: the upload is under way for as long as the page wants it.
  await page.route('**/api/v1/studies', () => {
    sending += 1;
  });
  const stopped = page.waitForEvent('requestfailed', (request) => request.method() === 'POST');
  await send(page, input('photograph'));
  await expect(page.getByRole('button', { name: 'Cancel' })).toBeVisible();
  const worklist = page.getByRole('banner').getByRole('link', { name: 'Worklist', exact: true });
  const asked = page.getByRole('dialog', { name: 'Stop the upload?' });
  await worklist.click();
  await asked.getByRole('button', { name: 'Cancel' }).click();
  await expect(page).toHaveURL(/upload$/);
  expect(sending).toBe(1);
  await worklist.click();
  await asked.getByRole('button', { name: 'Stop and leave' }).click();
  await expect(page).toHaveURL(/worklist$/);
  await stopped;
});

test('the worklist is not called live before it is', async ({ page }) => {
  let listen: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    listen = resolve;
  });
  await page.route('**/api/v1/events', async (route) => {
    await held;
    await route.continue();
  });
  await page.goto('/worklist');
  await expect(page.getByRole('table', { name: 'Studies' })).toBeVisible();
  await expect(page.getByText('Connecting', { exact: true })).toBeVisible();
  await expect(page.getByText('Live', { exact: true })).toHaveCount(0);
  listen();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
});

test('a folder that is dropped is taken with all that lies in it', async ({ page }) => {
  await page.goto('/upload');
  const zone = page.getByRole('group', { name: 'Files to upload' });
  const box = await zone.boundingBox();
  const files = input('ct_series');
  // A drop from the desktop, as the browser itself gets it: the folder's entries are the browser's own.
  const browser = await page.context().newCDPSession(page);
  const drop = async (folder: string) => {
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await browser.send('Input.dispatchDragEvent', {
        type,
        x: (box?.x ?? 0) + 40,
        y: (box?.y ?? 0) + 40,
        data: { items: [], files: [folder], dragOperationsMask: 1 },
      });
    }
  };
  await drop(emptyFolder());
  await expect(zone.getByRole('alert')).toContainText('There is no file in it');
  await drop(dirname(files[0] ?? ''));
  await expect(page.getByText(`${files.length} files`)).toBeVisible();
  await expect(zone.getByRole('alert')).toHaveCount(0);
  await page.getByRole('button', { name: 'Upload and analyse' }).click();
  // The same bytes as the series that was chosen file by file: the whole folder has come across.
  await expect(page).toHaveURL(new RegExp(`${studyPath('ct-series')}$`));
  await expect(page.getByText('had been uploaded before')).toBeVisible();
});

test('the worklist shows every study by urgency, and new ones by themselves', async ({ page, context }) => {
  await page.goto('/worklist');
  const rows = page.getByRole('table', { name: 'Studies' }).locator('tbody tr');
  await expect(rows).toHaveCount(6);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await picture(page, 'worklist');
  const labels = await rows.locator('td:nth-child(2)').allTextContents();
  const rank = (label: string) => ['Stroke likely', 'Uncertain'].indexOf(label);
  const urgent = labels.map(rank).filter((at) => at >= 0);
  expect(labels.slice(0, urgent.length).map(rank)).toEqual(urgent.toSorted());

  const other = await context.newPage();
  await send(other, input('ct_small'));
  await expect(rows).toHaveCount(7);
  await other.close();

  await page.getByRole('radiogroup', { name: 'Order' }).getByText('Newest').click();
  await expect(page).toHaveURL(/sort=received/);
  await page.getByRole('combobox', { name: 'Any scan' }).click();
  await page.getByRole('option', { name: 'MR' }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('Not validated');
  await page.getByRole('combobox', { name: 'Any result' }).click();
  await page.getByRole('option', { name: 'Confident' }).click();
  await expect(page.getByText('No study matches')).toBeVisible();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(rows).toHaveCount(7);
});

test('a patient is found by name, and the name stands in no address', async ({ page }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto('/worklist?sort=received');
  const rows = page.getByRole('table', { name: 'Studies' }).locator('tbody tr');
  await expect(rows).toHaveCount(7);
  const search = page.getByRole('searchbox', { name: 'Find a patient' });
  await search.fill('canary, anna');
  await expect(rows).toHaveCount(2);
  for (const row of await rows.all()) {
    await expect(row).toContainText('Canary, Anna');
  }
  await picture(page, 'worklist-search');
  await search.fill('CANARY-4711 nobody');
  await expect(page.getByText('No study matches')).toBeVisible();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(search).toHaveValue('');
  await expect(rows).toHaveCount(7);
  expect(asked.filter((url) => /canary/i.test(url))).toEqual([]);
  expect(page.url()).not.toMatch(/canary/i);
});

test('the worklist keeps its filters in the address', async ({ page }) => {
  await page.goto('/worklist');
  const rows = page.getByRole('table', { name: 'Studies' }).locator('tbody tr');
  await expect(rows).toHaveCount(7);
  await page.getByRole('combobox', { name: 'Any priority' }).click();
  await page.getByRole('option', { name: 'STAT' }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('STAT');
  await page.reload();
  await expect(page.getByRole('combobox', { name: 'Any priority' })).toHaveValue('STAT');
  await expect(rows).toHaveCount(1);
  await page.getByRole('combobox', { name: 'Any state' }).click();
  await page.getByRole('option', { name: 'Failed' }).click();
  await expect(page).toHaveURL(/priority=STAT.*state=failed/);
  await expect(page.getByText('No study matches')).toBeVisible();
  await page.getByRole('button', { name: 'Clear: Any priority' }).click();
  await expect(page).not.toHaveURL(/priority/);
});

test('the report opens as a page and as a PDF whose pages render', async ({ page }) => {
  await page.goto(studyPath('ct-series'));
  await page.getByRole('link', { name: 'Report' }).click();
  const report = page.frameLocator('iframe[title="Report"]');
  await expect(report.locator('body')).toContainText('For decision support');
  await expect(report.locator('body')).toContainText('Canary');
  await picture(page, 'report-html');

  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'PDF' }).click();
  const download = await downloading;
  const pdf = pictureFile('report.pdf');
  await download.saveAs(pdf);
  expect(readFileSync(pdf).subarray(0, 5).toString()).toBe('%PDF-');
  execFileSync('pdftoppm', ['-r', '70', '-png', pdf, pdf.replace('.pdf', '')]);
  expect(statSync(pdf.replace('.pdf', '-1.png')).size).toBeGreaterThan(10_000);
  expect(execFileSync('pdftotext', [pdf, '-'], { encoding: 'utf8' })).toContain('a clinician decides');
});

test('an unknown study and a strange address say that there is nothing', async ({ page }) => {
  for (const path of ['/studies/00000000-0000-4000-8000-000000000000', '/studies/nonsense', '/elsewhere']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: 'Nothing here' })).toBeVisible();
  }
});
