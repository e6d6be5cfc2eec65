/** A client of the vector stores: a mistake in a command does not compile. */
import { Client, type ClientSettings, type NodeCommands } from 'raft-roadmap'
import { readsAndWrites } from 'raft-roadmap/server'
import { commands, type Metadata } from './commands.js'
import type { Metric } from './search.js'

/** A vector as a client may send it: base64 of float32 numbers, little-endian, or the numbers. */
type Sent = string | readonly number[]

interface Beside {
  readonly consistency?: 'linearizable' | 'stale'
  readonly atLeast?: number
}

interface Named {
  readonly store: string
}

/** An item that was found, and its distance. */
interface Neighbour {
  readonly id: string
  /** Smaller is nearer, by every metric. */
  readonly distance: number
  readonly metadata: Metadata
}

/** The commands of the vector stores, and of their nodes. */
export interface VectorCommands extends NodeCommands {
  readonly create_store: {
    readonly takes: Named & { readonly dimension: number }
    readonly gives: { readonly created: boolean }
  }
  readonly drop_store: { readonly takes: Named; readonly gives: { readonly existed: boolean } }
  readonly set: {
    readonly takes: Named & {
      readonly items: readonly { readonly id: string; readonly vector: Sent; readonly metadata?: Metadata }[]
    }
    readonly gives: { readonly added: number; readonly replaced: number }
  }
  readonly delete: {
    readonly takes: Named & ({ readonly ids: string | readonly string[] } | { readonly where: Metadata })
    readonly gives: { readonly deleted: number }
  }
  readonly get: {
    readonly takes: Named & { readonly ids: string | readonly string[] } & Beside
    readonly gives: { readonly items: readonly { id: string; vector: string; metadata: Metadata }[] }
  }
  readonly list_stores: {
    readonly takes: Beside
    readonly gives: {
      readonly stores: readonly { store: string; dimension: number; items: number; bytes: number }[]
    }
  }
  readonly nearest: {
    readonly takes: Named & {
      readonly vector: Sent
      readonly k?: number
      readonly metric?: Metric
      readonly where?: Metadata
    } & Beside
    readonly gives: { readonly items: readonly Neighbour[] }
  }
}

export type VectorClient = Client<VectorCommands>

/** Makes a client of the vector stores. @throws ConfigError that says what to change in the settings */
export function vectorClient(settings: Omit<ClientSettings, 'application'>): VectorClient {
  return new Client<VectorCommands>({ ...settings, application: readsAndWrites(commands) })
}
