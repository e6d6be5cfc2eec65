import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Starts a shell that sends a process a signal when its supervisor dies. A stopped process cannot see that, nor does a
 * program that knows of no supervisor, and both would stay for ever. The shell's pipe to the supervisor closes, for
 * whatever reason; then the signal is sent.
 *
 * @returns the shell: the end of its input sends the signal now, and its own end calls the guard off
 */
export function guard(pid: number, signal: 'CONT' | 'KILL'): ChildProcess {
  const script = `trap '' INT TERM HUP; read -r _; kill -${signal} ${pid}`
  return spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
}
