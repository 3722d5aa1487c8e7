/** How the connection to the host is protected, in the words of the page. */
import type { Details, HostProof } from '../protocol.gen';

export interface Row {
  term: string;
  /** May be a server's own words. */
  words: string;
}

/** A title, and what it means. */
export interface Caution {
  title: string;
  hint: string;
}

const PROOFS: Record<HostProof, string> = {
  pinned: 'the key that the request names',
  known: 'a known key',
  certificate: 'certified by an authority',
  learnt: 'new, and known from now on',
  accepted: 'accepted by you',
};

export function rows(details: Details): Row[] {
  const marked = (name: string) => (details.weak.includes(name) ? `${name}, weak` : name);
  const exchange = [
    marked(details.key_exchange),
    details.post_quantum ? 'post-quantum' : '',
    details.strict_key_exchange ? 'strict' : 'not strict',
  ];
  return [
    { term: 'Host', words: details.target },
    { term: 'Server', words: details.server },
    { term: 'Host key', words: marked(details.host_key) },
    { term: 'Fingerprint', words: details.fingerprint },
    { term: 'Checked', words: PROOFS[details.host_proof] },
    { term: 'Key exchange', words: exchange.filter((word) => word !== '').join(', ') },
    { term: 'Cipher', words: marked(details.cipher) },
    { term: 'MAC', words: marked(details.mac ?? 'part of the cipher') },
    { term: 'Compression', words: details.compression ?? 'none' },
    { term: 'Algorithms', words: details.preset },
  ];
}

/** What to know before typing a secret; nothing, as a rule. */
export function caution({ preset, weak }: Details): Caution | null {
  if (weak.length > 0) {
    return {
      title: 'This connection is weakly protected',
      hint: `The host knows nothing better than ${weak.join(', ')}. Others on the way may be able to read along.`,
    };
  }
  if (preset === 'legacy') {
    return {
      title: 'Weak algorithms are allowed for this host',
      hint: 'None of them is in use: this connection is well protected.',
    };
  }
  return null;
}
