/** Stops processes as a machine that sleeps does, and lets them go on. */
import { readdirSync, readFileSync } from 'node:fs';

/** Stops a process, its children, their children and so on; gives them in that order. */
export function stopProcesses(root: number): number[] {
  const stopped = [root];
  // What is stopped has no more children: those of the last are found when it is its turn.
  for (const pid of stopped) {
    process.kill(pid, 'SIGSTOP');
    stopped.push(...childrenOf(pid));
  }
  return stopped;
}

export function resumeProcesses(stopped: number[]): void {
  for (const pid of stopped) {
    process.kill(pid, 'SIGCONT');
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'))
    .flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}
