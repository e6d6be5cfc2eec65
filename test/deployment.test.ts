/** The files to run a cluster with: a unit of systemd, and manifests of Kubernetes. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StatefulSet } from 'kubernetes-models/apps/v1'
import { Job } from 'kubernetes-models/batch/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { Service } from 'kubernetes-models/v1'
import t from 'tap'
import { exitCodes } from '../src/server/exits.js'
import { obstacle } from '../src/server/hosts/tools.js'
import { root } from './docs.js'
import { argumentsOf, objectOf, objects } from './kubernetes.js'

const kinds = { StatefulSet, Service, Job, PodDisruptionBudget } as const
const unit = join(root, 'client/examples/raft-roadmap@.service')

/** Checks an object by the schema that Kubernetes publishes. @throws Error that names the field */
function check(object: object): void {
  const { kind } = object as { kind: keyof typeof kinds }
  new kinds[kind](object as never).validate()
}

t.test('kubernetes.yaml: each object fits its schema', async (t) => {
  for (const object of objects) t.doesNotThrow(() => check(object), `${object.kind} ${object.metadata.name}`)
  const set = objectOf('StatefulSet')
  t.throws(() => check({ ...set, spec: { ...set.spec, replicas: 'three' } }), /replicas/, 'a wrong one is seen')
})

t.test('kubernetes.yaml: the job founds what the set starts', async (t) => {
  const { metadata, spec } = objectOf('StatefulSet')
  const [job] = objectOf('Job').spec.template.spec.containers
  const told = argumentsOf(job, {}).filter((word) => word.startsWith('raft-') && word.includes('='))
  const started = Array.from({ length: spec.replicas! }, (_, at) => {
    const name = `${metadata.name}-${at}`
    const [node] = spec.template.spec.containers
    return argumentsOf(node, { POD_NAME: name })
      .find((word) => word.startsWith('--peers='))!
      .slice('--peers='.length)
  })
  t.same(told, started)
})

t.test('kubernetes.yaml: its pods as processes', { skip: obstacle() ?? false }, async (t) => {
  const pods = fileURLToPath(new URL('hosts/pods.js', import.meta.url))
  await t.spawn('unshare', ['--net', '--mount', process.execPath, pods], { env: process.env }, 'pods')
})

/** Runs systemd-analyze. */
const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })
const withSystemd = { skip: analyze('--version').error ? 'systemd-analyze is missing: apt-get install systemd' : false }

t.test('raft-roadmap@.service: systemd finds nothing wrong', withSystemd, async (t) => {
  const folder = t.testdir()
  const copy = join(folder, 'raft-roadmap@.service')
  const verify = () => analyze('verify', copy)
  // Verified is also that the program is there; here it is elsewhere.
  writeFileSync(copy, readFileSync(unit, 'utf8').replace('/usr/bin/node', process.execPath))
  t.match(verify(), { status: 0, stderr: '' })
  writeFileSync(copy, readFileSync(copy, 'utf8').replace('ProtectHome=', 'ProtectHouse='))
  t.match(verify().stderr, /Unknown key 'ProtectHouse'/, 'a wrong one is seen')
})

t.test('raft-roadmap@.service: little is left that a node could harm', withSystemd, async (t) => {
  const folder = t.testdir()
  const copy = join(folder, 'raft-roadmap@.service')
  copyFileSync(unit, copy)
  const { stdout, stderr } = analyze('security', '--offline=true', copy)
  const [, exposure] = /Overall exposure level for .*: ([\d.]+)/.exec(stdout) ?? []
  t.ok(Number(exposure) < 2, `an exposure of ${exposure} of 10${stderr}`)
})

t.test('raft-roadmap@.service: a node that cannot mend itself is not started again', async (t) => {
  const [, codes] = /^RestartPreventExitStatus=(.*)$/m.exec(readFileSync(unit, 'utf8'))!
  t.same(codes!.split(' ').map(Number), [exitCodes.usage, exitCodes.damagedLog, exitCodes.brokenInvariant])
})
