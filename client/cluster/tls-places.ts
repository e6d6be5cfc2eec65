/** The places of certificates, by the names of those who show them. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TlsSettings } from '../../src/network/tls.js'
import type { ClientTls } from '../tls.js'

/** The places of certificates: in `cert` and `key`, `{name}` stands for a node's name, or for `client`. */
export type TlsPlaces = TlsSettings

/** The name of the certificate with which commands ask nodes. */
export const clientName = 'client'

/** The folder of a cluster's own authority, in its data folder. No node can have this name: a node's name has no dot. */
const ownFolder = 'dev.tls'

/** Finds the folder of the authority that `--tls` makes, in a data folder. */
export const ownAuthority = (dataDir: string) => join(dataDir, ownFolder)

/** Finds the certificates of a cluster's file: where the file says, or where `up --tls` has made them; null for neither. */
export function ownPlaces({
  tls,
  dataDir,
}: {
  readonly tls: TlsPlaces | null
  readonly dataDir: string
}): TlsPlaces | null {
  const made = ownAuthority(dataDir)
  return tls ?? (existsSync(made) ? placesIn(made) : null)
}

/** Gives the places in a folder as `certs dev` makes it. */
export function placesIn(folder: string): TlsPlaces {
  const dir = resolve(folder)
  return { ca: join(dir, 'ca.crt'), cert: join(dir, '{name}.crt'), key: join(dir, '{name}.key') }
}

/** Gives the files of one node, or of {@link clientName}. */
export function filesFor(places: TlsPlaces, name: string): TlsPlaces {
  return { ...places, cert: places.cert.replaceAll('{name}', name), key: places.key.replaceAll('{name}', name) }
}

/** Gives the setting of a client for the folder that `--certs` names; none without a folder. */
export function tlsFrom(certs: string | undefined): { readonly tls?: ClientTls } {
  return certs === undefined ? {} : { tls: clientTls(placesIn(certs), [clientName]) }
}

/**
 * Gives the certificates with which a command asks nodes: those of the first of these names that has one. Where none
 * has, the authority's alone.
 */
export function clientTls(places: TlsPlaces, names: readonly string[], cluster?: string): ClientTls {
  const found = names.map((name) => filesFor(places, name)).find(({ cert }) => existsSync(cert))
  const own = found ? { cert: found.cert, key: found.key } : {}
  return { ca: places.ca, ...own, ...(cluster !== undefined && { cluster }) }
}
