/**
 * What the benchmark runs as a node: the ordinary one, watched from inside its process. It reports the longest pause of
 * its event loop a few times a second, as an event like any other; SIGUSR2 begins a CPU profile and ends it.
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type NodeReport, profileFile } from './node-report.js'

/** Pauses are seen as the lateness of a timer that is due this often. */
const resolutionMs = 10
const reportMs = 200
const nanosecondsInMs = 1e6

const say = (event: NodeReport) => process.stdout.write(`${JSON.stringify(event)}\n`)

const delays = monitorEventLoopDelay({ resolution: resolutionMs })
delays.enable()
setInterval(() => {
  if (delays.count > 0)
    say({ event: 'event_loop', longestPauseMs: Math.max(0, delays.max / nanosecondsInMs - resolutionMs) })
  delays.reset()
}, reportMs).unref()

let session: Session | null = null
process.on('SIGUSR2', () => {
  if (session) return endProfile(session)
  session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.start', () => say({ event: 'profile_begun' }))
})

function endProfile(profiled: Session): void {
  session = null
  const { dataDir } = JSON.parse(process.argv[2]!) as { dataDir: string }
  profiled.post('Profiler.stop', (error, result) => {
    if (!error) writeFileSync(join(dataDir, profileFile), JSON.stringify(result.profile))
    profiled.disconnect()
    say({ event: 'profile_ended' })
  })
}

await import('../../client/node-entry.js')
