import { columnsOf } from './wrapped.js'

const width = 24

/** Draws a bar of progress; a whole of nothing is done. */
export function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.round((Math.min(done, total) / total) * width) : width
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

export interface Progress {
  show(done: number, note: string): void
  /** Shows the progress of work whose length is not known. */
  note(text: string): void
  clear(): void
}

/** Creates a bar on standard error, for people only: pipes and logs get none. */
export function progress(total: number): Progress {
  const { stderr } = process
  if (!stderr.isTTY) return { show() {}, note() {}, clear() {} }
  const write = (text: string) => void stderr.write(`\r\x1b[K${text.slice(0, columnsOf(stderr) - 1)}`)
  return {
    show: (done, note) => write(`${bar(done, total)} ${done}/${total}  ${note}`),
    note: write,
    clear: () => void stderr.write('\r\x1b[K'),
  }
}
