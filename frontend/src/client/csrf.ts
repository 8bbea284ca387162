/**
 * The CSRF token of the present session. It lives in memory only: the gateway gives it with the login
 * and with `GET /auth/me`, so a reload fetches it again and nothing about the session is stored.
 */
let token: string | null = null;

export function setCsrfToken(next: string | null): void {
  token = next;
}

/** The headers that an unsafe request carries. */
export function csrfHeaders(): Record<string, string> {
  return token === null ? {} : { 'X-CSRF-Token': token };
}
