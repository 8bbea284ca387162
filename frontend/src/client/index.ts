import createClient, { type Middleware } from 'openapi-fetch';
import type { Readable } from 'openapi-typescript-helpers';
import { ProblemError, toProblem, unreachable } from '@/lib/problem';
import { csrfHeaders } from './csrf';
import type { components, operations, paths } from './schema';

export { csrfHeaders, setCsrfToken } from './csrf';

/** A schema of the API by its name, as an answer carries it. */
export type Schema<Name extends keyof components['schemas']> = Readable<components['schemas'][Name]>;

/** The query parameters of an operation. */
export type QueryOf<Name extends keyof operations> = NonNullable<operations[Name]['parameters']['query']>;

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

const csrf: Middleware = {
  onRequest({ request }) {
    if (!SAFE_METHODS.has(request.method)) {
      for (const [name, value] of Object.entries(csrfHeaders())) {
        request.headers.set(name, value);
      }
    }
    return request;
  },
};

/** The typed client of the gateway; its paths come from `frontend/openapi.json`. */
export const api = createClient<paths>({ credentials: 'same-origin' });
api.use(csrf);

type Answer<Data> = { data?: Data; error?: unknown; response: Response };

/**
 * Waits for a call and gives its data.
 *
 * @throws ProblemError when the gateway refuses, fails or cannot be reached.
 */
export async function answerOf<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  let answer: Answer<Data>;
  try {
    answer = await call;
  } catch (error) {
    throw error instanceof DOMException && error.name === 'AbortError' ? error : unreachable();
  }
  if (!answer.response.ok) {
    throw toProblem(answer.response.status, answer.error, answer.response.headers.get('Retry-After'));
  }
  return answer.data as Data;
}

export { ProblemError };
