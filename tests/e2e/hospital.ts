import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type APIRequestContext, type Browser, expect, type Page, request } from '@playwright/test';
import type { paths } from '../../frontend/src/client/schema.d.ts';
import { python } from './python.ts';
import type { Ready } from './stack.ts';

type Answer<
  Path extends keyof paths,
  Method extends 'get' | 'post',
  Code extends number,
> = paths[Path] extends {
  [M in Method]: { responses: { [C in Code]: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Study = Answer<'/api/v1/studies/{study_id}', 'get', 200>;
export type Review = Answer<'/api/v1/studies/{study_id}/review', 'get', 200>;

/** A patient whom `patients.py` drew. */
export interface Patient {
  readonly bleeds: boolean;
  readonly files: readonly string[];
}

/** Draws the patients. */
export function drawPatients(folder: string): Patient[] {
  const program = join(import.meta.dirname, 'patients.py');
  return JSON.parse(execFileSync(python(), [program, folder], { encoding: 'utf8' }));
}

/** Somebody who is signed in: what they ask for by the API, and their browser. */
export class Person {
  private constructor(
    private readonly api: APIRequestContext,
    private readonly csrf: string,
    private readonly url: string,
  ) {}

  static async signIn(url: string, email: string, password: string): Promise<Person> {
    const api = await request.newContext({ baseURL: url });
    const answer = await api.post('/api/v1/auth/login', { data: { email, password } });
    expect(answer.ok(), await answer.text()).toBe(true);
    return new Person(api, (await answer.json()).csrf_token, url);
  }

  async get<Body>(path: string): Promise<Body> {
    const answer = await this.api.get(path);
    expect(answer.ok(), await answer.text()).toBe(true);
    return answer.json();
  }

  async post<Body>(path: string, body: object): Promise<Body> {
    const answer = await this.api.post(path, { data: body, headers: { 'X-CSRF-Token': this.csrf } });
    expect(answer.ok(), await answer.text()).toBe(true);
    return answer.status() === 204 ? (undefined as Body) : answer.json();
  }

  /** Uploads a scan; the study's id. */
  async upload(files: readonly string[]): Promise<string> {
    const form = new FormData();
    for (const file of files) {
      form.append('files', new Blob([readFileSync(file)]), basename(file));
    }
    const answer = await this.api.post('/api/v1/studies', {
      multipart: form,
      headers: { 'X-CSRF-Token': this.csrf },
    });
    expect(answer.ok(), await answer.text()).toBe(true);
    return (await answer.json()).id;
  }

  /** A page of their own browser. */
  async page(browser: Browser): Promise<Page> {
    const { cookies } = await this.api.storageState();
    const context = await browser.newContext({ baseURL: this.url, storageState: { cookies, origins: [] } });
    return context.newPage();
  }
}

/** The first administrator, with a password of their own. */
export async function administrator({ url, email, password }: Ready): Promise<Person> {
  const own = 'quiet lamps over rivers';
  const first = await Person.signIn(url, email, password);
  await first.post('/api/v1/auth/password', { current_password: password, new_password: own });
  return Person.signIn(url, email, own);
}

/** Somebody who registers and is approved. */
export async function colleague(
  { url }: Ready,
  admin: Person,
  name: string,
  role: 'clinician' | 'radiologist',
): Promise<Person> {
  const email = `${name.split(' ')[0]?.toLowerCase()}@round.test`;
  const password = 'four slow barges go by';
  const api = await request.newContext({ baseURL: url });
  expect((await api.post('/api/v1/auth/register', { data: { email, name, password } })).status()).toBe(202);
  const people = await admin.get<{ items: { id: string; email: string }[] }>('/api/v1/admin/users');
  const sites = await admin.get<{ id: string }[]>('/api/v1/admin/sites');

  const person = people.items.find((one) => one.email === email);
  await admin.post(`/api/v1/admin/users/${person?.id}/approve`, { role, site_id: sites[0]?.id });
  return Person.signIn(url, email, password);
}

/** The verdict that a scan bleeds or does not, as one reader gives it. */
export async function judge(reader: Person, study: string, bleeds: boolean): Promise<Review> {
  const review = await reader.get<Review>(`/api/v1/studies/${study}/review`);
  const finding = bleeds ? 'stroke' : 'normal';
  return reader.post(`/api/v1/studies/${study}/review/verdicts`, {
    job_id: review.job_id,
    expected_revision: review.revision,
    agrees: review.finding === finding,
    finding,
    confidence: 'high',
  });
}
