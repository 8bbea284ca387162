import type { Schema } from '@/client';

/** A JSON Web Key Set as somebody pasted it; null when it is none. What is in it, the gateway judges. */
export function parseKeySet(text: string): Schema<'KeySetDocument'> | null {
  try {
    const document: unknown = JSON.parse(text);
    if (
      typeof document === 'object' &&
      document !== null &&
      'keys' in document &&
      Array.isArray(document.keys)
    ) {
      return { keys: document.keys };
    }
  } catch {
    // no JSON
  }
  return null;
}
