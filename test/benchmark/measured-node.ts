/**
 * What the benchmark runs as a node: the ordinary one, watched from inside its process. It reports the longest pause of
 * its event loop a few times a second, and how much memory it has, as an event like any other; SIGUSR2 begins a CPU profile and ends it.
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { type NodeReport, profileFile } from './node-report.js'

/** Pauses are seen as the lateness of a timer that is due this often. */
const resolutionMs = 10
const reportMs = 200
const nanosecondsInMs = 1e6

const say = (event: NodeReport) => process.stdout.write(`${JSON.stringify(event)}\n`)

const { id: node, dataDir } = JSON.parse(process.argv[2]!) as { id: string; dataDir: string }

const delays = monitorEventLoopDelay({ resolution: resolutionMs })
delays.enable()
let longestCollectionMs = 0
const collector = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longestCollectionMs = Math.max(longestCollectionMs, duration)
})
collector.observe({ entryTypes: ['gc'] })
setInterval(() => {
  const longestPauseMs = delays.count > 0 ? Math.max(0, delays.max / nanosecondsInMs - resolutionMs) : 0
  say({ event: 'event_loop', node, longestPauseMs, longestCollectionMs, residentBytes: process.memoryUsage.rss() })
  delays.reset()
  longestCollectionMs = 0
}, reportMs).unref()

let session: Session | null = null
process.on('SIGUSR2', () => {
  if (session) return endProfile(session)
  session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.start', () => say({ event: 'profile_begun', node }))
})

function endProfile(profiled: Session): void {
  session = null
  profiled.post('Profiler.stop', (error, result) => {
    if (!error) writeFileSync(join(dataDir, profileFile), JSON.stringify(result.profile))
    profiled.disconnect()
    say({ event: 'profile_ended', node })
  })
}

await import('../../client/node-entry.js')
