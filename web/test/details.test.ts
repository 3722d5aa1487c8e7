import { expect, test } from 'vitest';
import type { Details } from '../src/protocol.gen';
import { caution, rows } from '../src/ui/details';

const MODERN: Details = {
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
