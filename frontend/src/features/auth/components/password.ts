const LEAST = 12;

export const PASSWORD_HINT = `At least ${LEAST} characters. A few unrelated words are easy to remember and hard to guess.`;

/** What can be said about a new password before the gateway judges it. */
export function passwordProblem(value: string): string | null {
  return value.length >= LEAST ? null : `Use at least ${LEAST} characters.`;
}
