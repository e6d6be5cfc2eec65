import { appendFileSync, chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

export const historySize = 1_000
/** The mode of the history's file: only its owner reads it, because values may be secrets. */
const mode = 0o600

/** Names the file of the history, under `XDG_STATE_HOME`, as the XDG base directory specification has it. */
function historyFile(): string {
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'raft-roadmap', 'history')
}

/**
 * Loads the lines that were typed before, newest first, as readline wants them. A long file, which has the oldest
 * first, is cut.
 */
export function loadHistory(): string[] {
  try {
    const file = historyFile()
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
    chmodSync(file, mode)
    if (lines.length > 2 * historySize) {
      const [part, kept] = [`${file}.${process.pid}`, lines.slice(-historySize)]
      writeFileSync(part, `${kept.join('\n')}\n`, { mode })
      renameSync(part, file)
    }
    return [...new Set(lines.reverse())].slice(0, historySize)
  } catch {
    return []
  }
}

/**
 * Appends the newest line to the file, so that several REPLs keep all their lines. An error is ignored: history is no
 * necessity.
 */
export function keepLine([newest]: readonly string[]): void {
  if (!newest) return
  try {
    mkdirSync(dirname(historyFile()), { recursive: true, mode: 0o700 })
    appendFileSync(historyFile(), `${newest}\n`, { mode })
  } catch {}
}
