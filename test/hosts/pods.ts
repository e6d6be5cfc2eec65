/**
 * The pods of `client/examples/kubernetes.yaml`, as processes on hosts that are called as a StatefulSet calls its pods.
 * `test/deployment.test.ts` starts this program in namespaces of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import ndjson from 'ndjson'
import t from 'tap'
import { Hosts } from '../../src/server/hosts/hosts.js'
import type { Happened } from '../helpers/happened.js'
import { main } from '../helpers/running.js'
import { argumentsOf, objectOf, probeOf } from '../kubernetes.js'

const [node] = objectOf('StatefulSet').spec.template.spec.containers
const [founder] = objectOf('Job').spec.template.spec.containers
const pods = ['raft-0', 'raft-1', 'raft-2']

const hosts = await Hosts.open()
const folder = t.testdir()
const running = new Map<string, ChildProcess>()
t.teardown(() => {
  for (const child of running.values()) child.kill('SIGKILL')
})

const hostOf = (pod: string) => `${pod}.raft`

function startOn(host: string, args: readonly string[]): ChildProcess {
  const [command, ...rest] = hosts.commandOn(host, [process.execPath, main, ...args])
  return spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Starts a pod's process, and waits until it serves. */
async function startPod(pod: string): Promise<void> {
  const args = argumentsOf(node, { POD_NAME: pod }).map((word) => word.replace('/data', join(folder, pod)))
  const child = startOn(hostOf(pod), args)
  running.set(pod, child)
  const events = child.stdout!.pipe(ndjson.parse())
  await new Promise<void>((serves) => {
    events.on('data', ({ event }: Happened) => event === 'serving' && serves())
  })
}

const isGood = async (pod: string, probe: 'livenessProbe' | 'readinessProbe') => {
  const { port, path } = probeOf(node, probe)
  return (await fetch(`http://${hostOf(pod)}:${port}${path}`)).ok
}

async function untilReady(pod: string): Promise<void> {
  while (!(await isGood(pod, 'readinessProbe')));
}

/** Runs a client in a pod of its own, to its end. */
async function client(args: readonly string[]): Promise<{ code: number; said: string }> {
  const child = startOn('client', args)
  const [said, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')])
  return { code: code as number, said }
}

t.test('three pods found a cluster, and one of them moves', async (t) => {
  for (const host of [...pods.map(hostOf), 'client']) await hosts.add(host)
  await Promise.all(pods.map(startPod))
  for (const pod of pods) {
    t.ok(await isGood(pod, 'livenessProbe'), `${pod} is live`)
    t.notOk(await isGood(pod, 'readinessProbe'), `${pod} is not ready: there is no cluster`)
  }
  t.match(await client(argumentsOf(founder, {})), { code: 0 }, 'the job founds it')
  for (const pod of pods) await untilReady(pod)
  const ask = (...words: string[]) => client(['client', '--connect', 'raft-1.raft:7001', ...words])
  t.match(await ask('set', 'a', '1'), { code: 0 })
  const again = await client(argumentsOf(founder, {}))
  t.not(again.code, 0, 'the job founds no second cluster')
  for (const pod of pods) {
    const old = running.get(pod)!
    old.kill('SIGTERM')
    t.same(await once(old, 'close'), [0, null], `${pod} ends as it is asked to`)
    await hosts.move(hostOf(pod))
    await startPod(pod)
    await untilReady(pod)
    t.match(await ask('get', 'a'), { code: 0, said: /^1$/m }, `${pod} is back, under another address`)
  }
})
