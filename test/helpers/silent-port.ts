import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Test } from 'tap'

/** Listens, says where, and never turns its loop again: what comes stays in the backlog. */
const deaf = `
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

/** An address that neither accepts nor refuses: its backlog is full, so the system drops what comes. */
export async function silentAddress(t: Test): Promise<string> {
  const child = spawn(process.execPath, ['-e', deaf], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [port] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string]
  for (let more = 0; more < 8; more++) {
    const socket = connect({ port: Number(port), host: '127.0.0.1' }).on('error', () => {})
    t.teardown(() => socket.destroy())
  }
  return `127.0.0.1:${port}`
}
