import { expect, test } from 'vitest';
import type { Details, SessionDetails } from '../src/protocol.gen';
import { caution, hopTitle, isWeakAnywhere, rows } from '../src/ui/details';

const MODERN: SessionDetails = {
  hops: [],
  target: 'h:22',
  server: 'SSH-2.0-OpenSSH_9.9',
  preset: 'modern',
  key_exchange: 'mlkem768x25519-sha256',
  post_quantum: true,
  strict_key_exchange: true,
  host_key: 'ssh-ed25519',
  fingerprint: 'SHA256:abc',
  host_proof: 'known',
  cipher: 'aes256-gcm@openssh.com',
  weak: [],
};

const words = (details: Details, term: string) => rows(details).find((row) => row.term === term)?.words;

test('what the cipher does itself and what is not done is said so', () => {
  expect(words(MODERN, 'MAC')).toBe('part of the cipher');
  expect(words(MODERN, 'Compression')).toBe('none');
  expect(words(MODERN, 'Key exchange')).toBe('mlkem768x25519-sha256, post-quantum, strict');
  expect(words(MODERN, 'Checked')).toBe('a known key');
});

test('what is not so good is said as well', () => {
  const old: Details = {
    ...MODERN,
    key_exchange: 'diffie-hellman-group14-sha256',
    post_quantum: false,
    strict_key_exchange: false,
    mac: 'hmac-sha2-256',
    compression: 'zlib@openssh.com',
  };
  expect(words(old, 'Key exchange')).toBe('diffie-hellman-group14-sha256, not strict');
  expect(words(old, 'MAC')).toBe('hmac-sha2-256');
  expect(words(old, 'Compression')).toBe('zlib@openssh.com');
});

test('only what is weak, or may be, is warned of', () => {
  expect(caution(MODERN)).toBeNull();
  expect(caution({ ...MODERN, preset: 'compatible' })).toBeNull();
  expect(caution({ ...MODERN, preset: 'legacy' })?.hint).toContain('None of them is in use');
  const weak = caution({ ...MODERN, preset: 'legacy', weak: ['3des-cbc', 'hmac-sha1'] });
  expect(words({ ...MODERN, cipher: '3des-cbc', weak: ['3des-cbc'] }, 'Cipher')).toBe('3des-cbc, weak');
  expect(weak?.title).toContain('weakly protected');
  expect(weak?.hint).toContain('3des-cbc, hmac-sha1');
});

test('a jump host counts as the host does, and is named', () => {
  const hop: Details = { ...MODERN, target: 'jump:22' };
  const weak: Details = { ...hop, preset: 'legacy', cipher: '3des-cbc', weak: ['3des-cbc'] };
  expect(hopTitle(hop)).toBe('Through jump:22');
  expect(hopTitle(weak)).toBe('Through jump:22, weak');
  expect(hopTitle({ ...hop, target: '\u202ejump\n:22' })).not.toMatch(/[\u202e\n]/);
  expect(caution({ ...MODERN, hops: [hop] })).toBeNull();
  expect(isWeakAnywhere({ ...MODERN, hops: [hop] })).toBe(false);
  expect(isWeakAnywhere({ ...MODERN, hops: [hop, weak] })).toBe(true);
  const onTheWay = caution({ ...MODERN, hops: [hop, weak] });
  expect(onTheWay?.title).toContain('The way to this host');
  expect(onTheWay?.hint).toMatch(/^The jump host jump:22 knows nothing better than 3des-cbc\./);
  const both = caution({ ...MODERN, preset: 'legacy', weak: ['hmac-sha1'], hops: [weak] });
  expect(both?.title).toContain('This connection');
  expect(both?.hint).toMatch(/^The host knows nothing better than hmac-sha1\..* jump:22 .* 3des-cbc\./);
  const allowed = caution({ ...MODERN, hops: [{ ...hop, preset: 'legacy' }] });
  expect(allowed?.title).toContain('for a jump host');
});
