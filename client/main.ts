#!/usr/bin/env node
import { hideBin } from 'yargs/helpers'
import { runProgram } from './commands/program.js'
import { verbs } from './commands/verbs.js'

const typed = hideBin(process.argv)

// An application has a command line of its own.
if (typed[0] === 'vectors') await (await import('./applications/vectors/main.js')).main(typed.slice(1))
else
  await runProgram(
    {
      name: 'npx raft-roadmap',
      about: 'Learn Raft by running it: every stage is a key-value cluster to start, ask and break.',
      commands: verbs,
      examples: [
        ['$0 run 2', 'five nodes and a REPL'],
        ['$0 client set a 1', 'from another terminal'],
      ],
    },
    typed,
  )
