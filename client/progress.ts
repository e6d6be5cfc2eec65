const width = 24

/** How much of it is done, as a bar; a whole of nothing is done. */
export function bar(done: number, total: number): string {
  const filled = total > 0 ? Math.round((Math.min(done, total) / total) * width) : width
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

/** A bar on standard error, for people only: pipes and logs get none. */
export function progress(total: number): { show(done: number, note: string): void; clear(): void } {
  const { stderr } = process
  if (!stderr.isTTY) return { show() {}, clear() {} }
  return {
    show(done, note) {
      stderr.write(`\r\x1b[K${bar(done, total)} ${done}/${total}  ${note}`)
    },
    clear: () => void stderr.write('\r\x1b[K'),
  }
}
