const WORDS = new Map(
  Object.entries({
    account_pending: 'Your account waits for an administrator’s approval.',
    account_disabled: 'This account is closed. Please ask an administrator.',
    oidc_person_unknown: 'You have no account here. Please ask an administrator.',
    oidc_address_taken:
      'There is a local account with your e-mail address. Sign in with its password, or ask an administrator.',
    oidc_claims_incomplete:
      'Your organisation’s sign-in service did not tell your e-mail address. Please ask an administrator.',
    oidc_unavailable:
      'The sign-in service of your organisation is not answering. Please try again in a moment.',
  }),
);

/** Why a sign-in at the organisation's own service led back here; null when it did not. */
export function providerProblem(code: string | null): string | null {
  if (code === null) {
    return null;
  }
  return WORDS.get(code) ?? 'This sign-in could not be completed. Please start it again.';
}
