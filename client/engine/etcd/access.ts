/** The way into a cluster of etcd: TLS, and a user of its own. */
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { type ChannelCredentials, credentials } from '@grpc/grpc-js'
import { parseAddress } from '../../../src/address.js'
import { ConfigError } from '../../../src/errors.js'
import { readTexts } from '../../../src/network/certificates.js'
import type { ClientTls } from '../../tls.js'

/** A user of etcd, as `etcdctl user add` makes one. */
export interface EtcdUser {
  readonly name: string
  readonly password: string
}

/** The right to ask nodes of etcd: without TLS, and as nobody, where a part is left out. */
export interface EtcdAccess {
  readonly tls?: ClientTls | undefined
  readonly user?: EtcdUser | undefined
}

/** Credentials and options with which gRPC calls one node. */
interface Dialling {
  readonly credentials: ChannelCredentials
  readonly options: Readonly<Record<string, string>>
}

/**
 * Reads the certificates for calls of one node, whose own certificate must be for the host that is called.
 *
 * @throws CertificateError for a file that cannot be read, ConfigError for a certificate or key that is none
 */
export function diallingOf(address: string, { tls }: EtcdAccess): Dialling {
  if (!tls) return { credentials: credentials.createInsecure(), options: {} }
  const { ca, cert, key } = tls
  const { texts } = readTexts({ ca, cert: cert ?? ca, key: key ?? ca })
  const host = parseAddress(address)?.host ?? address
  const own = cert === undefined || key === undefined ? [null, null] : [Buffer.from(texts.key), Buffer.from(texts.cert)]
  try {
    const made = credentials.createSsl(Buffer.from(texts.ca), own[0], own[1], {
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    })
    // An address is no name that TLS could ask for: then it asks for none that matters.
    return { credentials: made, options: isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'localhost' } }
  } catch (error) {
    throw new ConfigError(`the certificates for etcd cannot be used: ${(error as Error).message}`)
  }
}

/** A reason for which no connection comes about. */
interface Obstacle {
  readonly sentence: string
  /** True if the next try will find the same. */
  readonly stays: boolean
}

/** Errors of connections, as parts of what gRPC says of them. */
const obstacles: readonly (readonly [RegExp, sentence: string])[] = [
  [/unable to verify|self[- ]signed|unable to get (local )?issuer/i, 'its certificate was not signed by our authority'],
  [/certificate has expired/i, 'its certificate has expired'],
  [/does not match certificate|not in the cert's/i, 'its certificate is for another host'],
  [/wrong version number|packet length too long/i, 'it speaks no TLS, and --certs asks for it'],
]

/** Says why no connection comes about; null for a reason that has nothing to do with TLS. */
export function obstacleIn(details: string, { tls }: EtcdAccess): Obstacle | null {
  const known = obstacles.find(([part]) => part.test(details))?.[1]
  if (known !== undefined) return { sentence: known, stays: true }
  if (/alert bad certificate|alert unknown ca|certificate required/i.test(details)) {
    const sentence = tls?.cert === undefined ? 'it demands a certificate of its clients' : 'it refuses our certificate'
    return { sentence, stays: true }
  }
  if (tls || !/Last error: Failed to connect/.test(details)) return null
  return { sentence: 'it ends the connection at once: it may speak TLS, which --certs is for', stays: false }
}
