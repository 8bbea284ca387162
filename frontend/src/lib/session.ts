import { createContext, useContext } from 'react';
import type { Schema } from '@/client';

/** The cache's key of who is signed in. */
export const SESSION_KEY = ['session'] as const;

export type CurrentUser = Schema<'Me'>;

/** Who is signed in; provided by the app around every page behind the login. */
export const CurrentUserContext = createContext<CurrentUser | null>(null);

/**
 * The signed-in person.
 *
 * @throws Error outside the pages behind the login.
 */
export function useCurrentUser(): CurrentUser {
  const user = useContext(CurrentUserContext);
  if (user === null) {
    throw new Error('useCurrentUser is for pages behind the login.');
  }
  return user;
}
