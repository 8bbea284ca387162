const HOME = '/worklist';

/** Where to go after the login: a path of this program only, so that a link cannot lead elsewhere. */
export function safeReturnPath(wanted: string | null): string {
  return wanted !== null && /^\/(?![/\\])/.test(wanted) && !wanted.startsWith('/login') ? wanted : HOME;
}
