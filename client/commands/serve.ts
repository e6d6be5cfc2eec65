import { exitCodes } from '../../src/server/exits.js'
import { outliveReader } from '../../src/server/outlet.js'
import { describeEvent } from '../text/events.js'
import type { Shown } from '../ui/server.js'

/** Serves the page of a run that is over, until a signal ends the process. @throws ConfigError if it cannot be served */
export async function serveUntilStopped(shown: Shown, port: number): Promise<void> {
  const [{ servePage }, { openInBrowser }] = await Promise.all([import('../ui/server.js'), import('../ui/open.js')])
  const server = await servePage(shown, port)
  outliveReader(process.stdout)
  console.log(describeEvent({ event: 'page', address: server.address }).trimStart())
  console.log('Ctrl-C ends it')
  openInBrowser(server.address)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.once(signal, () => resolve())
    process.channel?.unref()
  })
  await server.close()
  process.exitCode = exitCodes.done
}
