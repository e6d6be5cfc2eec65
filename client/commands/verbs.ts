import { roadmap } from './served.js'
import type { Verb } from './verb.js'

/**
 * The commands, in the order in which `--help` lists them. Each command is loaded when it is called: loading all of
 * them takes longer than most of them run.
 */
export const verbs = [
  {
    command: 'list [stage]',
    describe: 'the roadmap: what each stage adds, gives and breaks',
    load: async (): Promise<Verb<never>> => (await import('./list.js')).list,
  },
  {
    command: 'run <stage>',
    describe: 'start a cluster of a stage, with the REPL and the fault words',
    load: async (): Promise<Verb<never>> => (await import('./run.js')).runVerb(roadmap),
  },
  {
    command: 'learn <stage>',
    describe: "walk through a lesson's experiments at the prompt: guess, do, compare",
    load: async (): Promise<Verb<never>> => (await import('./learn.js')).learn,
  },
  {
    command: 'node [stage]',
    describe: 'one node alone, for a cluster over several machines',
    load: async (): Promise<Verb<never>> => (await import('./node.js')).nodeVerb(roadmap),
  },
  {
    command: 'up',
    describe: 'start the cluster of a file in the background; returns when it serves',
    load: async (): Promise<Verb<never>> => (await import('./up.js')).up,
  },
  {
    command: 'status',
    describe: 'what the nodes of a file are doing',
    load: async (): Promise<Verb<never>> => (await import('./status.js')).status,
  },
  {
    command: 'restart',
    describe: 'restart the cluster of a file, a node at a time, the leader last',
    load: async (): Promise<Verb<never>> => (await import('./restart.js')).restart,
  },
  {
    command: 'down',
    describe: 'end the cluster of a file; with --wipe, delete what it has kept',
    load: async (): Promise<Verb<never>> => (await import('./down.js')).down,
  },
  {
    command: 'backup <file>',
    describe: 'write the state of one moment to a file, from a running cluster or a stopped node',
    load: async (): Promise<Verb<never>> => (await import('./backup.js')).backup,
  },
  {
    command: 'verify <file>',
    describe: 'is a backup whole, and what was written?',
    load: async (): Promise<Verb<never>> => (await import('./verify.js')).verify,
  },
  {
    command: 'restore <file>',
    describe: 'make the folders of a new cluster, which begins with the state of a backup',
    load: async (): Promise<Verb<never>> => (await import('./restore.js')).restore,
  },
  {
    command: 'recover [folders..]',
    describe: 'after a majority is lost for good: a new cluster of one node, with what its disk has',
    load: async (): Promise<Verb<never>> => (await import('./recover.js')).recover,
  },
  {
    command: 'client [command..]',
    describe: 'ask a running cluster: one command, or the REPL without one; options before the command',
    load: async (): Promise<Verb<never>> => (await import('./client.js')).clientVerb(roadmap.stage()),
  },
  {
    command: 'tokens <what> <file>',
    describe: 'who may ask: `add` a token to a file, `list` them, or `remove` one',
    load: async (): Promise<Verb<never>> => (await import('./tokens.js')).tokens,
  },
  {
    command: 'certs <what>',
    describe: '`dev`: a small authority and certificates for TLS, for trying',
    load: async (): Promise<Verb<never>> => (await import('./certs.js')).certs,
  },
  {
    command: 'scenario [id]',
    describe: 'play a script against a stage and judge it; without an id, the list of scripts',
    load: async (): Promise<Verb<never>> => (await import('./scenario.js')).scenario,
  },
  {
    command: 'sim <stage>',
    describe: 'play a stage in virtual time, from seeds, under faults; find and shrink what breaks',
    load: async (): Promise<Verb<never>> => (await import('./sim.js')).sim,
  },
  {
    command: 'break <stage> [rule]',
    describe: 'put a wrong rule into a stage and watch a guarantee fall; without a rule, list them',
    load: async (): Promise<Verb<never>> => (await import('./break.js')).breakRule,
  },
  {
    command: 'check [file]',
    describe: 'is a recorded history linearizable? A line of JSON for each operation',
    load: async (): Promise<Verb<never>> => (await import('./check.js')).check,
  },
  {
    command: 'log <dir>',
    describe: "look into a node's log on disk; verify it, or cut it where it is damaged",
    load: async (): Promise<Verb<never>> => (await import('./log.js')).log,
  },
  {
    command: 'trace <what> <path>',
    describe: '`show` a trace as text, a column for each node; or `merge` the traces in a folder to one',
    load: async (): Promise<Verb<never>> => (await import('./trace.js')).trace,
  },
  {
    command: 'compare [earlier] [later]',
    describe: 'run every stage against every guarantee, or put two stages side by side',
    load: async (): Promise<Verb<never>> => (await import('./compare.js')).compare,
  },
  {
    command: 'print <stage>',
    describe: "a stage's whole node as one file to read: its table, then every rule, in stage order",
    load: async (): Promise<Verb<never>> => (await import('./print.js')).print,
  },
  {
    command: 'vectors [command..]',
    describe: 'an application on the newest stage: stores of vectors, whose nearest neighbours are found',
    load: async (): Promise<Verb<never>> => (await import('../applications/vectors/main.js')).verb,
  },
]
