/** The application: stores of named vectors, whose nearest neighbours are found. */
import { fileURLToPath } from 'node:url'
import { type Application, jsonCommands } from 'raft-roadmap/server'
import { commands } from './commands.js'
import { type MachineSettings, VectorMachine } from './machine.js'

/** Makes the application. @param settings for tests; all nodes of a cluster have the same */
export function vectorStores(settings: MachineSettings = {}): Application {
  return {
    name: 'vectors',
    commands,
    codec: jsonCommands(commands),
    machine: (clock) => new VectorMachine(clock, settings),
    // The compiler copies no `.proto` file: it stays with the sources.
    proto: fileURLToPath(new URL('../../../../client/applications/vectors/vectors.proto', import.meta.url)),
  }
}

export const vectors: Application = vectorStores()
