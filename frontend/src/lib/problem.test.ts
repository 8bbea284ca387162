import { expect, it } from 'vitest';
import { messageOf, ProblemError, toProblem } from './problem';

it('takes code, words and waiting time from a problem document', () => {
  const problem = toProblem(
    503,
    { code: 'queue_full', title: 'Busy.', detail: 'Too many studies wait.' },
    '30',
  );
  expect(problem).toMatchObject({
    status: 503,
    code: 'queue_full',
    message: 'Too many studies wait.',
    retryAfterSeconds: 30,
  });
});

it('has words for an answer that is no problem document', () => {
  const problem = toProblem(502, '<html>Bad gateway</html>', 'Wed, 21 Oct 2026 07:28:00 GMT');
  expect(problem).toMatchObject({ status: 502, code: 'http_502', retryAfterSeconds: null });
  expect(problem.message).toContain('did not answer as expected');
});

it('shows nothing of an error that was not written for people', () => {
  expect(messageOf(new TypeError('x is undefined'))).not.toContain('undefined');
  expect(messageOf(new ProblemError(409, 'conflict', 'Somebody else changed it.'))).toBe(
    'Somebody else changed it.',
  );
});
