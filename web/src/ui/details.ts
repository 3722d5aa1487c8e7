/** How the connections to the hosts are protected, in the words of the page. */
import type { Details, HostProof, SessionDetails } from '../protocol.gen';
import { plainText } from '../text';

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

const HOST_MAX = 300;

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

/** What is shown of a jump host that is folded. */
export function hopTitle(hop: Details): string {
  return `Through ${named(hop)}${isWeak(hop) ? ', weak' : ''}`;
}

export function isWeak({ weak }: Details): boolean {
  return weak.length > 0;
}

/** Whether a connection on the way, or the one to the host, is weak. */
export function isWeakAnywhere(details: SessionDetails): boolean {
  return isWeak(details) || details.hops.some(isWeak);
}

/** What to know before typing a secret; nothing, as a rule. */
export function caution(details: SessionDetails): Caution | null {
  const weakHops = details.hops.filter(isWeak).map(weakHop);
  if (isWeak(details)) {
    const weakHost = `The host ${knowsOnly(details)}. Others on the way may be able to read along.`;
    return { title: 'This connection is weakly protected', hint: [weakHost, ...weakHops].join(' ') };
  }
  if (weakHops.length > 0) {
    return { title: 'The way to this host is weakly protected', hint: weakHops.join(' ') };
  }
  if (details.preset === 'legacy') {
    return {
      title: 'Weak algorithms are allowed for this host',
      hint: 'None of them is in use: this connection is well protected.',
    };
  }
  if (details.hops.some(({ preset }) => preset === 'legacy')) {
    return {
      title: 'Weak algorithms are allowed for a jump host',
      hint: 'None of them is in use: the way to this host is well protected.',
    };
  }
  return null;
}

function weakHop(hop: Details): string {
  return `The jump host ${named(hop)} ${knowsOnly(hop)}. Others may be able to read the login there.`;
}

function knowsOnly({ weak }: Details): string {
  return `knows nothing better than ${weak.join(', ')}`;
}

function named({ target }: Details): string {
  return plainText(target, HOST_MAX);
}
