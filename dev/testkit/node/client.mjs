// The official Socket.IO client, driven by lines of JSON on stdin and telling what it sees on stdout.
//
//   node client.mjs <original|newest> <origin> <auth JSON or null> [transport]
//
// In:  ["emit", name, ...payload] | ["emit-bytes", latin1] | ["numbers", count] | ["leave"]
// Out: ["connect"] | ["connect_error", message] | ["event", name, payload] | ["disconnect", reason]
// Bytes are strings with one character for each byte.
import { createInterface } from 'node:readline';

const [version, origin, auth, transport = 'websocket'] = process.argv.slice(2);
const { io } = await import(`socket.io-client-${version}`);
const say = (...words) => process.stdout.write(`${JSON.stringify(words)}\n`);
const plain = (value) => {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return Buffer.from(value).toString('latin1');
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
};

const socket = io(`${origin}/ssh`, {
  auth: JSON.parse(auth) ?? undefined,
  forceNew: true,
  reconnection: false,
  transports: transport.split(','),
});
socket.on('connect', () => say('connect'));
socket.on('connect_error', (error) => say('connect_error', error.message));
socket.on('disconnect', (reason) => say('disconnect', typeof reason === 'string' ? reason : ''));
socket.onAny((name, payload) => say('event', name, plain(payload)));

const commands = {
  emit: (name, ...payload) => socket.emit(name, ...payload),
  'emit-bytes': (bytes) => socket.emit('ssh-input', { input: Buffer.from(bytes, 'latin1') }),
  numbers: (count) => {
    for (let number = 0; number < count; number += 1) socket.emit('ssh-input', { input: `${number},` });
  },
  leave: () => socket.disconnect(),
};
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [name, ...words] = JSON.parse(line);
    commands[name](...words);
  })
  .on('close', () => process.exit(0));
