/** What a question says, and how its fields behave. Pure, so that every sentence can be tested. */
import type { Question, QuestionField, QuestionKind } from '../protocol.gen';
import { plainLines, plainText } from '../text';

const TARGET_MAX = 300;
const NAME_MAX = 200;
const PROMPT_MAX = 1_000;
const INSTRUCTION_MAX = 4_000;

/** What the card says above the question's form; the host may be a jump host. */
export function askedWords(
  { kind, target, host_key: key }: Question,
  isHop: boolean,
): { title: string; message: string } {
  const whom = plainText(target, TARGET_MAX);
  if (key !== undefined) {
    return {
      title: isHop ? 'Is this the right jump host?' : 'Is this the right host?',
      message:
        'This gateway does not know the host yet, and has sent nothing to it. ' +
        'Accept it only if this is the fingerprint of the host’s own key.',
    };
  }
  switch (kind) {
    case 'passphrase':
      return { title: 'The private key is locked', message: `It is needed to log in as ${whom}.` };
    case 'password':
    case 'host_key':
    case 'keyboard_interactive':
      return { title: `Log in as ${whom}`, message: '' };
  }
}

/** The host's key, as it is shown. */
export function keyWords({ host_key: key, target }: Question) {
  return {
    host: plainText(target, TARGET_MAX),
    algorithm: plainText(key?.algorithm ?? '', NAME_MAX),
    fingerprint: plainText(key?.fingerprint ?? '', NAME_MAX),
    randomart: plainLines(key?.randomart ?? '', PROMPT_MAX),
    check: checkCommand(key?.algorithm ?? ''),
  };
}

/** By a part of the algorithm's name: what the file of its key is called, where OpenSSH keeps it. */
const KEY_FILES = [
  ['ed25519', 'ed25519'],
  ['ecdsa', 'ecdsa'],
  ['rsa', 'rsa'],
  ['dss', 'dsa'],
] as const;

/** What prints the fingerprint on the host. */
export function checkCommand(algorithm: string): string {
  const file = KEY_FILES.find(([name]) => algorithm.includes(name));
  return file === undefined
    ? 'cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -'
    : `ssh-keygen -lf /etc/ssh/ssh_host_${file[1]}_key.pub`;
}

/** The server's own words, which may pretend to be anybody's. */
export function serverWords({ name, instruction }: Question): { name: string; instruction: string } {
  return { name: plainText(name, NAME_MAX), instruction: plainLines(instruction, INSTRUCTION_MAX) };
}

export interface FieldView {
  label: string;
  type: 'text' | 'password';
  autocomplete: 'current-password' | 'one-time-code' | 'off';
  required: boolean;
}

export function fieldViews({ kind, fields }: Question): FieldView[] {
  return fields.map((field, at) => fieldView(kind, field, fields.length > 1 ? ` ${at + 1}` : ''));
}

function fieldView(kind: QuestionKind, { prompt, echo }: QuestionField, number: string): FieldView {
  const type = echo ? 'text' : 'password';
  switch (kind) {
    case 'password':
      return { label: `Password${number}`, type, autocomplete: 'current-password', required: true };
    case 'passphrase':
      return { label: `Passphrase${number}`, type, autocomplete: 'off', required: true };
    case 'host_key':
    case 'keyboard_interactive': {
      const label = plainLines(prompt, PROMPT_MAX).trim() || `Answer${number}`;
      return { label, type, autocomplete: purpose(label, echo), required: false };
    }
  }
}

const CODE = /code|\botp|token|one.?time|\b[2m]fa\b|authenticat(or|ion) (app|number)|\bpin\b/i;
const PASSWORD = /pass.?w|kennwort|mot de passe|contrase|senha|пароль|密码|密碼|パスワード|암호/i;

/** A prompt asks with its last line; what stands before it explains. */
function purpose(prompt: string, echo: boolean): FieldView['autocomplete'] {
  const asks = prompt.split('\n').at(-1) ?? '';
  if (CODE.test(asks)) {
    return 'one-time-code';
  }
  return !echo && PASSWORD.test(asks) ? 'current-password' : 'off';
}

export function submitLabel(kind: QuestionKind): string {
  switch (kind) {
    case 'password':
      return 'Log in';
    case 'passphrase':
      return 'Unlock';
    case 'host_key':
    case 'keyboard_interactive':
      return 'Continue';
  }
}
