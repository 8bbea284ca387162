/** An RFC 9457 problem document as the gateway sends it. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly code?: string;
  readonly [member: string]: unknown;
}

/** A refused or failed call; `message` is written for the person at the screen. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfterSeconds: number | null = null,
    readonly document: ProblemDocument = {},
  ) {
    super(message);
  }
}

const UNREACHABLE = 'The server cannot be reached. Check the network and try again.';
const UNEXPECTED = 'The server did not answer as expected. Please try again in a moment.';

/** Whether the server could not be reached at all (as against having refused). */
export function isUnreachable(error: unknown): boolean {
  return error instanceof ProblemError && error.code === 'unreachable';
}

/** Turns an answer's status, body and headers into the error that the pages show. */
export function toProblem(status: number, body: unknown, retryAfter: string | null): ProblemError {
  const document: ProblemDocument = typeof body === 'object' && body !== null ? { ...body } : {};
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new ProblemError(
    status,
    document.code ?? `http_${status}`,
    document.detail ?? document.title ?? UNEXPECTED,
    Number.isFinite(seconds) ? seconds : null,
    document,
  );
}

/** The words for any thrown value. */
export function messageOf(error: unknown): string {
  if (error instanceof ProblemError) {
    return error.message;
  }
  return UNEXPECTED;
}

/** The error for a request that got no answer. */
export function unreachable(): ProblemError {
  return new ProblemError(0, 'unreachable', UNREACHABLE);
}
