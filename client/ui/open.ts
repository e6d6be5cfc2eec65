import { spawn } from 'node:child_process'

/** Opens an address in the browser of the person, where there is a desktop; otherwise it does nothing. */
export function openInBrowser(address: string): void {
  const command = opener()
  if (!command || !process.stdout.isTTY || process.env.CI) return
  const [program, ...words] = command
  const child = spawn(program!, [...words, address], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}

function opener(): string[] | null {
  if (process.platform === 'darwin') return ['open']
  if (process.platform === 'win32') return ['cmd', '/c', 'start', '']
  return process.env.DISPLAY || process.env.WAYLAND_DISPLAY ? ['xdg-open'] : null
}
