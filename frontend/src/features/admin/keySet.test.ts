import { describe, expect, it } from 'vitest';
import { parseKeySet } from './keySet';

describe('parseKeySet', () => {
  it('reads a key set', () => {
    expect(parseKeySet(' {"keys": [{"kty": "EC", "kid": "1"}], "more": 1} ')).toEqual({
      keys: [{ kty: 'EC', kid: '1' }],
    });
  });

  it('reads nothing else', () => {
    for (const text of ['', '{', '[]', 'null', '"keys"', '{"keys": {}}', '{"kty": "EC"}']) {
      expect(parseKeySet(text)).toBeNull();
    }
  });
});
