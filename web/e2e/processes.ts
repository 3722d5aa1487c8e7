/** The real things that the tests run against: an OpenSSH server, the gateway's binary, portals, a silent host. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';

const BINARY = resolve(process.env['ALFRESCO_SSH_BIN'] ?? '../target/release/alfresco-ssh');
const SSHD = process.env['SSHD'] ?? '/usr/sbin/sshd';
/** The line of `sshd_config` for a shell that has a plain prompt. */
export const SHELL = "ForceCommand exec env PS1='e2e> ' bash --noprofile --norc -i";

export interface Running {
  stop(): Promise<void>;
}

/** Where a session goes and how it logs in, as `POST /create-session` takes it. */
export interface Target {
  hostname: string;
  port: number;
  username: string;
  password?: string;
  ssh_key?: string;
  host_key?: string;
  idle_timeout?: number;
  max_duration?: number;
  charset?: string;
  auth_methods?: string[];
  totp?: string;
  algorithms?: string;
  jump?: Target[];
}

export interface SshServer extends Running {
  target: Target & { ssh_key: string };
  /** Of its host key. */
  fingerprint: string;
}

/** An OpenSSH server on loopback with a shell that has a plain prompt; unless given, its port and keys are new. */
export async function startSshd(
  given: { port?: number; key?: string; lines?: string[] } = {},
): Promise<SshServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sshd-'));
  const file = (name: string) => join(folder, name);
  const port = given.port ?? (await freePort());
  const key = given.key ?? newKey();
  writeFileSync(file('host'), newKey(), { mode: 0o600 });
  writeFileSync(file('user'), key, { mode: 0o600 });
  writeFileSync(file('user.pub'), execFileSync('ssh-keygen', ['-y', '-f', file('user')]));
  if (userInfo().uid === 0) {
    mkdirSync('/run/sshd', { recursive: true });
  }
  writeFileSync(
    file('config'),
    [
      // The first value of an option counts.
      ...(given.lines ?? []),
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${file('host')}`,
      `AuthorizedKeysFile ${file('user.pub')}`,
      `PidFile ${file('pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication yes',
      'PermitRootLogin yes',
      // A bash that sshd starts reads `.bashrc`, even for `-c`, unless it seems to run inside another shell.
      'SetEnv LANG=C.UTF-8 LC_ALL=C.UTF-8 SHLVL=1',
      SHELL,
    ].join('\n'),
  );
  const sshd = spawn(SSHD, ['-D', '-e', '-f', file('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await lineWith(sshd, sshd.stderr, 'Server listening');
  return {
    target: { hostname: '127.0.0.1', port, username: userInfo().username, ssh_key: key },
    fingerprint: execFileSync('ssh-keygen', ['-lf', file('host')], { encoding: 'utf8' }).split(' ')[1] ?? '',
    stop: async () => {
      await ended(sshd, 'SIGTERM');
      rmSync(folder, { recursive: true });
    },
  };
}

export class Gateway implements Running {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    readonly origin: string,
  ) {}

  static async start(...args: string[]): Promise<Gateway> {
    if (!existsSync(BINARY)) {
      throw new Error(
        `${BINARY} is not built: run \`cargo build --release\`, or name it in ALFRESCO_SSH_BIN.`,
      );
    }
    const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
    const usual = [
      '--port',
      '0',
      '--state-dir',
      folder,
      '--allow-private',
      '--host-key-policy',
      'accept-new',
    ];
    const child = spawn(BINARY, ['serve', ...usual, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const line = await lineWith(child, child.stdout, 'listening on ');
    return new Gateway(child, folder, line.slice(line.indexOf('http://')).trim());
  }

  /** Creates a session by HTTP, as a portal does, and returns its link. */
  async create(target: Target): Promise<string> {
    const request = http.request(`${this.origin}/create-session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
    });
    request.end(JSON.stringify(target));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const body = (await json(response)) as { success: boolean; url: string; error?: string };
    if (!body.success) {
      throw new Error(`The gateway refused to create a session: ${body.error}`);
    }
    return body.url;
  }

  /** How many sessions it has of which somebody has the page, or nobody. */
  async sessions(state: 'attached' | 'detached'): Promise<number> {
    const metrics = await (await fetch(`${this.origin}/metrics`)).text();
    const line = metrics.match(new RegExp(`^alfresco_ssh_sessions\\{state="${state}"\\} (\\d+)$`, 'm'));
    return Number(line?.[1]);
  }

  /** Asks it to end in good order: sessions are told, and may go on for a while. */
  drain(): void {
    this.process.kill('SIGTERM');
  }

  /** Ends it in good order. */
  async shutDown(): Promise<void> {
    await ended(this.process, 'SIGTERM');
  }

  async stop(): Promise<void> {
    await ended(this.process, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Portal extends Running {
  origin: string;
  /** The page that shows the frame; its address takes the frame's as `?frame=`. */
  page(frame: string): string;
}

/** A page on an origin of its own that shows another page in the iframe that Streamlit makes. */
export async function startPortal(): Promise<Portal> {
  const server = http.createServer((request, response) => {
    const frame = new URL(request.url ?? '/', 'http://portal').searchParams.get('frame') ?? '';
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><html lang="en"><title>Portal</title><body><main><h1>Portal</h1>
      <input aria-label="Search"><iframe title="Terminal" src="${frame.replaceAll('"', '&quot;')}" width="800" height="400"
        allow="clipboard-write; fullscreen" sandbox="allow-forms allow-modals allow-popups
        allow-popups-to-escape-sandbox allow-same-origin allow-scripts allow-downloads"></iframe></main>`);
  });
  const port = await listening(server);
  const origin = `http://localhost:${port}`;
  return {
    origin,
    page: (frame) => `${origin}/?frame=${encodeURIComponent(frame)}`,
    stop: () => closed(server),
  };
}

export interface Proxy extends Running {
  origin: string;
  /** How many WebSockets it has refused. */
  refused: number;
  /** Whether it refuses Socket.IO altogether. */
  blocking: boolean;
}

/** A proxy that knows plain requests only, as some companies have them. */
export async function startProxyWithoutWebSocket(target: string): Promise<Proxy> {
  const server = http.createServer((request, response) => {
    const { method, headers, url = '/' } = request;
    if (proxy.blocking && url.startsWith('/socket.io/')) {
      response.writeHead(503).end();
      return;
    }
    const forwarded = http.request(new URL(url, target), { method, headers, agent: false });
    forwarded.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    response.on('close', () => forwarded.destroy());
    request.pipe(forwarded);
  });
  server.on('upgrade', (_request, socket) => {
    proxy.refused += 1;
    socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  const port = await listening(server);
  const proxy: Proxy = {
    origin: `http://127.0.0.1:${port}`,
    refused: 0,
    blocking: false,
    stop: () => closed(server),
  };
  return proxy;
}

export interface Way extends Running {
  origin: string;
  /** Whether it lets new connections through. */
  open: boolean;
  /** Breaks every connection. */
  cut(): void;
  /** Every connection stays, and carries nothing any more. */
  swallow(): void;
  /** How many connections it has let through. */
  passed: number;
}

/** A way to the gateway that can be cut, as networks are. */
export async function startWay(target: string): Promise<Way> {
  const { port: targetPort } = new URL(target);
  const sockets = new Set<net.Socket>();
  const server = net.createServer((near) => {
    if (!way.open) {
      near.destroy();
      return;
    }
    way.passed += 1;
    const far = net.connect(Number(targetPort), '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  const port = await listening(server);
  const cut = () => {
    for (const socket of sockets) {
      socket.resetAndDestroy();
    }
  };
  const way: Way = {
    origin: `http://127.0.0.1:${port}`,
    open: true,
    passed: 0,
    cut,
    swallow: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.resume();
      }
    },
    stop: async () => {
      way.open = false;
      cut();
      await closed(server);
    },
  };
  return way;
}

/** A host that takes connections and never says a word. */
export async function startSilentHost(): Promise<Running & { port: number }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  const port = await listening(server);
  return {
    port,
    stop: () => {
      for (const socket of sockets) {
        socket.destroy();
      }
      return closed(server);
    },
  };
}

/** A private key that no server knows yet. */
export function newKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'key-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(folder, 'key')]);
  const key = readFileSync(join(folder, 'key'), 'utf8');
  rmSync(folder, { recursive: true });
  return key;
}

/** The same key, encrypted. */
export function lockedKey(key: string, passphrase: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'key-'));
  const file = join(folder, 'key');
  writeFileSync(file, key, { mode: 0o600 });
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', file]);
  const locked = readFileSync(file, 'utf8');
  rmSync(folder, { recursive: true });
  return locked;
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  const port = await listening(server);
  await closed(server);
  return port;
}

async function listening(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function closed(server: net.Server): Promise<void> {
  server.close();
  if (server instanceof http.Server) {
    server.closeAllConnections();
  }
  await once(server, 'close');
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, 'exit');
  }
}

/** Waits for a line with these words; afterwards the output is read and dropped. */
export function lineWith(child: ChildProcess, output: NodeJS.ReadableStream, words: string): Promise<string> {
  return new Promise((found, failed) => {
    const said: string[] = [];
    const lines = createInterface({ input: output });
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes(words)) {
        found(line);
      }
    });
    child.once('error', failed);
    child.once('exit', (code) =>
      failed(new Error(`${child.spawnfile} ended with ${code}:\n${said.join('\n')}`)),
    );
  });
}
