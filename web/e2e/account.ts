/** OpenSSH with PAM and an account whose password is known. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from './fixtures';
import { lineWith, type Running, SHELL, type Target } from './processes';

const BINARY = resolve(process.env['ACCOUNT_SSHD_BIN'] ?? '../target/debug/account-sshd');

interface Account {
  /** Without anything that logs in. */
  target: Target;
  ssh_key: string;
  password: string;
  /** The one-time codes that it takes, in this order. */
  codes: [string, ...string[]];
}

export type AccountServer = Account & Running;

/** Starts it with these lines of its configuration. With `codes` PAM asks for the password and then for a code. */
export async function startAccountServer(lines: string[], { codes = false } = {}): Promise<AccountServer> {
  if (!existsSync(BINARY)) {
    throw new Error(
      `${BINARY} is not built: run \`cargo build -p testkit\`, or name it in ACCOUNT_SSHD_BIN.`,
    );
  }
  const server = spawn(BINARY, [...(codes ? ['--codes'] : []), ...lines, SHELL], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const account = JSON.parse(await lineWith(server, server.stdout, '')) as Account | null;
  test.skip(account === null, 'This machine lets nobody unshare a mount namespace.');
  return {
    ...(account as Account),
    stop: async () => {
      server.stdin.end();
      await once(server, 'exit');
    },
  };
}
