/** A small authority for certificates, for development: its key lies in a folder, beside the certificates. */
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type GenerateResult, generate, type SelfsignedOptions } from 'selfsigned'
import { parseAddress } from '../../src/address.js'
import type { Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { type Bearer, bearersIn, uriOf } from '../../src/network/certificates.js'
import { clientName } from './tls-places.js'

const dayMs = 24 * 60 * 60 * 1_000
const authorityDays = 3_650
const certificateDays = 365
/** Milliseconds before now from which certificates are valid: clocks differ. */
const earlierMs = 60 * 60 * 1_000

/** A certificate that is asked for. */
export interface Wanted extends Bearer {
  /** Host names and addresses that it is for as well, for clients that know nothing of this project. */
  readonly hosts: readonly string[]
  /** The time from when, and until when, it is valid; a year from now on if they are left out. */
  readonly from?: Date
  readonly until?: Date
}

/** A certificate with its key and its authority, as PEM texts. */
export type Issued = Pick<GenerateResult, 'cert'> & { readonly key: string }

/** An authority: its certificate and its key, as PEM texts. */
export interface Authority {
  readonly cert: string
  readonly key: string
}

const common: SelfsignedOptions = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' }

/** Makes an authority. Each has a name of its own, so that two are never taken for each other. */
export async function makeAuthority(): Promise<Authority> {
  const value = `raft-roadmap development authority ${randomBytes(4).toString('hex')}`
  const made = await generate([{ name: 'commonName', value }], {
    ...common,
    ...lasting(authorityDays),
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { cert: made.cert, key: made.private }
}

function lasting(days: number) {
  const now = Date.now()
  return { notBeforeDate: new Date(now - earlierMs), notAfterDate: new Date(now + days * dayMs) }
}

/** Issues a certificate. That of a node is for both ends of a connection, a client's for its own. */
export async function issue(authority: Authority, { hosts, from, until, ...bearer }: Wanted): Promise<Issued> {
  const isNode = bearer.kind === 'nodes'
  const altNames = [
    { type: 6 as const, value: uriOf(bearer) },
    ...hosts.map((host) => (isIP(host) ? { type: 7 as const, ip: host } : { type: 2 as const, value: host })),
  ]
  const made = await generate([{ name: 'commonName', value: bearer.name }], {
    ...common,
    ...lasting(certificateDays),
    ...(from && { notBeforeDate: from }),
    ...(until && { notAfterDate: until }),
    ca: authority,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: isNode, clientAuth: true },
      { name: 'subjectAltName', altNames },
    ],
  })
  return { cert: made.cert, key: made.private }
}

/** Lists the hosts at which members listen, and those of every machine. */
export function hostsOf(members: readonly Member[]): string[] {
  const hosts = members.flatMap(({ client, peer }) => [client, peer].map((one) => parseAddress(one)!.host))
  return [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])]
}

/** The folder of an authority, with the certificates that it has issued. */
export class AuthorityFolder {
  readonly path: string
  readonly #cluster: string
  readonly #authority: Authority

  /** Opens the folder, and makes the authority in it if there is none. @throws ConfigError if that cannot be done */
  static async open(path: string, cluster: string): Promise<AuthorityFolder> {
    const [cert, key] = [join(path, 'ca.crt'), join(path, 'ca.key')]
    if (existsSync(cert) !== existsSync(key))
      throw new ConfigError(
        `${path} holds one of ca.crt and ca.key without the other: no certificate can be issued there`,
      )
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      if (!existsSync(cert)) write(path, 'ca', await makeAuthority())
      const texts = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
      return new AuthorityFolder(path, cluster, texts)
    } catch (error) {
      throw new ConfigError(`cannot keep certificates in ${path}: ${(error as Error).message}`)
    }
  }

  private constructor(path: string, cluster: string, authority: Authority) {
    this.path = path
    this.#cluster = cluster
    this.#authority = authority
  }

  /**
   * Issues certificates to nodes, unless they have good ones.
   *
   * @returns the names of those who have got one
   */
  async nodes(names: readonly string[], hosts: readonly string[]): Promise<string[]> {
    return (await Promise.all(names.map((name) => this.#give('nodes', name, hosts)))).flat()
  }

  /** Issues the certificate of {@link clientName}, unless there is a good one. @returns its name, if it was issued */
  client(): Promise<string[]> {
    return this.#give('clients', clientName, [])
  }

  async #give(kind: Bearer['kind'], name: string, hosts: readonly string[]): Promise<string[]> {
    const wanted: Wanted = { cluster: this.#cluster, kind, name, hosts }
    if (this.#isGood(wanted)) return []
    write(this.path, name, await issue(this.#authority, wanted))
    return [name]
  }

  /**
   * Checks that a certificate is there with its key, bears the name and the hosts, and lasts a while.
   *
   * @throws ConfigError if it is of another authority: it is nobody's to write over
   */
  #isGood({ name, kind, hosts }: Wanted): boolean {
    const [file, keyFile] = [join(this.path, `${name}.crt`), join(this.path, `${name}.key`)]
    if (!existsSync(file)) return false
    const held = new X509Certificate(readFileSync(file))
    if (!held.checkIssued(new X509Certificate(this.#authority.cert)))
      throw new ConfigError(
        `${file} was not issued by the authority beside it, and is left alone: choose another folder`,
      )
    if (!existsSync(keyFile) || !held.checkPrivateKey(createPrivateKey(readFileSync(keyFile)))) return false
    const isNamed = bearersIn(held.subjectAltName).some(
      (one) => one.cluster === this.#cluster && one.kind === kind && one.name === name,
    )
    const isForAll = hosts.every((host) => (isIP(host) ? held.checkIP(host) : held.checkHost(host)) !== undefined)
    const lasts = Date.parse(held.validTo) - Date.now() > (certificateDays / 3) * dayMs
    return isNamed && isForAll && lasts
  }
}

/** Writes a certificate and its key; the key can be read by its owner alone. Each is there whole, or not at all. */
function write(folder: string, name: string, { cert, key }: Authority): void {
  for (const [file, text, mode] of [
    [`${name}.key`, key, 0o600],
    [`${name}.crt`, cert, 0o644],
  ] as const) {
    const part = join(folder, `${file}.part`)
    writeFileSync(part, text, { mode })
    chmodSync(part, mode)
    renameSync(part, join(folder, file))
  }
}
