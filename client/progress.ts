/** A bar on standard error, for people only: pipes and logs get none. */
export function progress(total: number): { show(done: number, note: string): void; clear(): void } {
  const { stderr } = process
  if (!stderr.isTTY) return { show() {}, clear() {} }
  const width = 24
  return {
    show(done, note) {
      const filled = Math.round((done / total) * width)
      stderr.write(`\r\x1b[K${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total}  ${note}`)
    },
    clear: () => void stderr.write('\r\x1b[K'),
  }
}
