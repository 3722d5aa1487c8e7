/** What each failure is called on the page, and what a person can do about it. */
import type { FailureCode } from './state';

export interface Advice {
  title: string;
  /** Speaks neither of another try nor of a new link: which of them there is, the state knows. May be empty. */
  advice: string;
  /** Whether a new link is no way on: the advice alone is. */
  linkIsNoHelp?: true;
}

export const NEW_LINK = 'Ask for a new link where you got this one.';
const REPORT = 'If it stays so, tell whoever runs this gateway, with the code below.';

export const ADVICE: Record<FailureCode, Advice> = {
  invalid_payload: {
    title: 'This page and its gateway disagree',
    advice: 'Reload this page.',
    linkIsNoHelp: true,
  },
  no_session: { title: 'There is no session', advice: '' },
  session_already_started: {
    title: 'A session is open already',
    advice: 'Use the page that has it open.',
    linkIsNoHelp: true,
  },
  unsupported_protocol: {
    title: 'This page is out of date',
    advice: 'Reload this page to get the one that fits the gateway.',
    linkIsNoHelp: true,
  },
  input_gap: {
    title: 'Part of the input is missing',
    advice: 'Reload this page: the session may still run.',
    linkIsNoHelp: true,
  },
  screen_lost: {
    title: 'The screen could not be kept',
    advice: 'What the host prints from now on is complete.',
  },

  session_unknown: {
    title: 'The session is over',
    advice: 'It ended while this page was away, or another page has it.',
  },
  too_many_sessions: { title: 'Too many sessions are open', advice: 'Close one that you no longer need.' },
  no_ticket: { title: 'This address opens no session', advice: 'Check that you copied the whole link.' },
  page_incomplete: {
    title: 'Part of this page did not arrive',
    advice: 'Reload this page.',
    linkIsNoHelp: true,
  },
  interrupted: {
    title: 'The session was not opened',
    advice:
      'The gateway may still hold the link for the first attempt. If it stays so, the link has expired.',
  },
  ticket_unknown: { title: 'This link was used already or has expired', advice: '' },
  target_denied: {
    title: 'The gateway may not connect to this host',
    advice: 'Whoever runs it decides which hosts it connects to, and on which ports: ask them.',
  },
  algorithms_denied: {
    title: 'The gateway may not use so weak algorithms with this host',
    advice: 'Whoever runs it decides how old the cryptography of a host may be: ask them.',
  },
  name_not_found: {
    title: 'The host was not found',
    advice: 'Check the spelling of the host name. If it is right, the gateway’s network may not know it.',
  },
  connect_refused: {
    title: 'The host refused the connection',
    advice: 'Check that an SSH server runs on that host, and that the port is right.',
  },
  connect_failed: {
    title: 'The host cannot be reached',
    advice: 'Check that the host is switched on, and that the gateway’s network leads to it.',
  },
  connect_timeout: {
    title: 'The host does not answer',
    advice: 'The host may be off, or a firewall may be in the way. Check the address.',
  },
  not_ssh: {
    title: 'No SSH server answered',
    advice: 'Check the port: another kind of server listens there.',
  },
  handshake_timeout: { title: 'The host stopped answering', advice: 'It may be overloaded.' },
  no_common_algorithm: {
    title: 'The host and the gateway share no algorithm',
    advice: 'The SSH server is too old or too strict. Ask whoever runs it to update it.',
  },
  host_key_changed: {
    title: 'The host is not the one that was expected',
    advice:
      'Do not go on. The host may have been set up anew, or somebody may be in between. ' +
      'No password or key was sent. Ask whoever runs the host.',
    linkIsNoHelp: true,
  },
  host_key_revoked: {
    title: 'The host’s key is revoked',
    advice: 'Do not go on. No password or key was sent. Ask whoever runs the host.',
    linkIsNoHelp: true,
  },
  host_key_refused: {
    title: 'The host was not accepted',
    advice: 'Ask whoever runs it for the fingerprint of its key.',
  },
  host_key_unknown: {
    title: 'The host is not known',
    advice: 'This gateway takes only hosts that it knows. Ask whoever runs it to add the host’s key.',
  },
  host_key_store: {
    title: 'The list of known hosts cannot be used',
    advice: 'Tell whoever runs this gateway: its known hosts file cannot be read or written.',
  },
  auth_failed: {
    title: 'The host refused the login',
    advice: 'Check the user name and the password or key.',
  },
  auth_method_unavailable: {
    title: 'The host wants another kind of login',
    advice:
      'It does not take the kind of credentials you have given: try a key instead of a password, or the reverse.',
  },
  login_cancelled: { title: 'The login was cancelled', advice: '' },
  unanswered: { title: 'Nobody answered in time', advice: 'The host asked for something and waited.' },
  auth_timeout: { title: 'The host took too long over the login', advice: 'It may be overloaded.' },
  key_invalid: {
    title: 'The private key cannot be read',
    advice: 'Check that the whole file was sent, and that it is a private key rather than a public one.',
  },
  key_passphrase: {
    title: 'The private key stays locked',
    advice: 'Its passphrase is missing or wrong.',
  },
  key_too_costly: {
    title: 'The private key takes too much work to unlock',
    advice: 'Encrypt it again with fewer rounds, or use another key.',
  },
  certificate_invalid: {
    title: 'The certificate cannot be used',
    advice: 'It has to be a user certificate of the private key, and valid now.',
  },
  shell_refused: {
    title: 'The host opened no shell',
    advice: 'The login worked. The account may not be allowed a terminal: ask whoever runs the host.',
  },
  jump_refused: {
    title: 'A jump host did not connect to the next host',
    advice:
      'That host may be off, or unknown there, or the jump host may not be allowed to forward connections: ' +
      'ask whoever runs it.',
  },

  exited: { title: 'Session ended', advice: '' },
  signalled: { title: 'Session ended', advice: '' },
  target_closed: { title: 'The host ended the session', advice: '' },
  timed_out: { title: 'Session ended after a time without use', advice: '' },
  max_duration: { title: 'Session ended: it lasted as long as it may here', advice: '' },
  link_lost: {
    title: 'The connection to the host broke',
    advice: 'The host may have restarted, or the network in between may have failed.',
  },
  browser_gone: { title: 'The gateway lost sight of this page', advice: '' },
  browser_stalled: {
    title: 'This page stopped taking output',
    advice: 'The computer may have slept, or the browser may have put this page to rest.',
  },
  input_overflow: {
    title: 'More input than the host takes',
    advice: 'Paste less at a time, or send a file another way.',
  },
  output_gap: {
    title: 'Part of the output is missing',
    advice: 'Reload this page: the session may still run.',
    linkIsNoHelp: true,
  },
  shutdown: {
    title: 'The gateway is shutting down',
    advice: 'Wait until it is back.',
  },
  internal: { title: 'Something went wrong in the gateway', advice: REPORT },

  invalid_body: { title: 'The request was refused', advice: REPORT },
  invalid_field: { title: 'The request was refused', advice: REPORT },
  missing_field: { title: 'The request was refused', advice: REPORT },
  invalid_credentials: { title: 'The request was refused', advice: REPORT },
  unsupported_media_type: { title: 'The request was refused', advice: REPORT },
  body_too_large: { title: 'The request was refused', advice: REPORT },
  unauthorized: { title: 'The request was refused', advice: REPORT },
  forbidden_origin: {
    title: 'This address may not open sessions',
    advice: 'Open the link exactly as you got it: the gateway answers to one address only.',
    linkIsNoHelp: true,
  },
  not_found: { title: 'There is nothing at this address', advice: '' },
  method_not_allowed: { title: 'The request was refused', advice: REPORT },
  too_many_tickets: { title: 'The gateway is busy', advice: 'Wait a moment.' },
  too_many_sockets: { title: 'Too many terminals are open', advice: 'Close one that you no longer need.' },
};
