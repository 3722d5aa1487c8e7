// A page without its terminal on the official Socket.IO client: speaks protocol 1 and comes back by itself.
//
//   node page.mjs <origin> <ticket>
//
// In:  ["type", text] | ["tally", length, stop after] for the output that comes next
// Out: ["connect"] | ["disconnect", reason] | ["event", name, payload] for all but acknowledgements and output of a tally
//      ["stops"] before it stops itself | ["tallied", SHA-256] | ["fault", message]
// Bytes are strings with one character for each byte.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client-newest';

const [origin, ticket] = process.argv.slice(2);
const say = (...words) => process.stdout.write(`${JSON.stringify(words)}\n`);
const latin1 = (bytes) => Buffer.from(bytes).toString('latin1');
const socket = io(`${origin}/ssh`, {
  auth: { protocol: 1 },
  reconnection: true,
  reconnectionDelay: 50,
  reconnectionDelayMax: 200,
  transports: ['websocket'],
});

let token = null;
let attached = false;
let have = 0;
let acknowledged = 0;
let tally = null;
/** What the last attach told, until its screen is whole. */
let arriving = null;
/** What was typed and is not known to be taken, and where its first byte stands. */
const typed = { from: 0, bytes: Buffer.alloc(0) };

const send = (from) => {
  const input = typed.bytes.subarray(from - typed.from);
  if (attached && input.length > 0) socket.emit('ssh-input', { input, offset: from });
};
const taken = (offset) => {
  typed.bytes = typed.bytes.subarray(Math.max(0, offset - typed.from));
  typed.from = Math.max(typed.from, offset);
};
const arrived = () => {
  const { length, ...attached } = arriving;
  if ((attached.screen?.length ?? 0) === length) say('event', 'session-attached', attached);
};
const acknowledge = () => {
  if (!attached || acknowledged === have) return;
  acknowledged = have;
  socket.emit('ssh-output-ack', { offset: have });
};
setInterval(acknowledge, 50);

/** What a tally leaves of these bytes. It stops this process where it was told to. */
const tallied = (bytes) => {
  if (tally === null) return bytes;
  const part = bytes.subarray(0, tally.length);
  tally.hash.update(part);
  tally.length -= part.length;
  if (tally.length === 0) {
    say('tallied', tally.hash.digest('hex'));
    tally = null;
  } else if (have >= tally.stopAt) {
    tally.stopAt = Number.POSITIVE_INFINITY;
    say('stops');
    process.kill(process.pid, 'SIGSTOP');
  }
  return bytes.subarray(part.length);
};

socket.on('connect', () => {
  say('connect');
  if (token === null) socket.emit('start-session', { create_session_id: ticket, cols: 80, rows: 24 });
  else socket.emit('resume-session', { token, have });
});
socket.on('disconnect', (reason) => {
  attached = false;
  say('disconnect', reason);
});
socket.on('session-attached', ({ token: next, offset, input_offset, screen }) => {
  token = next;
  attached = true;
  if (screen === undefined && offset !== have) say('fault', `goes on at ${offset} and not at ${have}`);
  have = offset;
  acknowledged = offset;
  taken(input_offset);
  socket.emit('session-attached-ack');
  send(typed.from);
  arriving = { length: screen?.length ?? 0, screen: screen && '', offset, input_offset };
  arrived();
});
socket.on('session-screen', ({ screen: piece, offset }) => {
  if (offset !== arriving.screen?.length) say('fault', `a piece of the screen at ${offset}`);
  arriving.screen += latin1(piece);
  socket.emit('session-screen-ack', { offset: arriving.screen.length });
  arrived();
});
socket.on('ssh-output', ({ output, offset }) => {
  const bytes = Buffer.from(output);
  if (offset !== have) say('fault', `output at ${offset} and not at ${have}`);
  have += bytes.length;
  if (have - acknowledged >= 32 * 1024) acknowledge();
  const rest = tallied(bytes);
  if (rest.length > 0) say('event', 'ssh-output', { output: latin1(rest) });
});
socket.on('ssh-input-ack', ({ offset }) => taken(offset));
for (const name of ['connection-ready', 'session-taken-over', 'session-error']) {
  socket.on(name, (payload) => say('event', name, payload));
}
socket.on('session-closed', (payload) => {
  attached = false;
  socket.emit('session-closed-ack');
  // Whoever hears of the end may end this process: that it was heard is on its way first.
  socket.io.engine.once('drain', () => say('event', 'session-closed', payload));
});

const commands = {
  type: (text) => {
    const from = typed.from + typed.bytes.length;
    typed.bytes = Buffer.concat([typed.bytes, Buffer.from(text)]);
    send(from);
  },
  tally: (length, stopAfter) => {
    tally = { length, hash: createHash('sha256'), stopAt: have + stopAfter };
  },
};
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [name, ...words] = JSON.parse(line);
    commands[name](...words);
  })
  .on('close', () => process.exit(0));
