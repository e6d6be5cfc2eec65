/** A stage of ours as an engine. */
import type { DataFolder } from '../../src/server/data-folder.js'
import type { LogKind, Stage } from '../../src/stage.js'
import { startLocalCluster } from '../cluster/local-cluster.js'
import type { Served } from '../commands/served.js'
import { answering } from '../repl/answering.js'
import { colour } from '../text/colour.js'
import type { Engine } from './engine.js'

const tries = 'set a 1 · get a · get a @n3 · status · kill n3'
const triesWithLog = 'set a 1 · get a · status · log · kill leader'
const triesWithMembers = 'set a 1 · status · add n6 · remove n1 · kill leader'

function triesOf(stage: Stage, data: DataFolder | null): string {
  return stage.members === 'changing' ? triesWithMembers : data ? triesWithLog : tries
}

function titleOf(application: string, stage: Stage): string {
  return colour.bold(application) + colour.dim(` on stage ${stage.number}: ${stage.title}`)
}

function titleOfStage({ number, title, name, adds }: Stage): string[] {
  return [colour.bold(`Stage ${number}: ${title}`) + colour.dim(` · stages/${name}/README.md`), `adds ${adds}`]
}

/** Makes the engine of a stage. @param log the kind of the logs of its nodes */
export function stageEngine(stage: Stage, served: Served, log: LogKind): Engine {
  return {
    commands: stage.commands,
    facts: { stage: stage.number },
    prompt: served.prompt ?? stage.name,
    title: served.prompt ? [titleOf(served.prompt, stage)] : titleOfStage(stage),
    tries: (data) => served.tries ?? triesOf(stage, data),
    besides: (host, port, certs) =>
      certs === null ? `nc ${host} ${port}` : `${served.namesStage ? 'npx raft-roadmap ' : ''}client --certs ${certs}`,
    start: (options) => startLocalCluster({ ...options, stage, entry: served.entry }),
    answering: (local) => answering(local, stage, log),
  }
}
