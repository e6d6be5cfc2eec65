/** TLS of a client. Nothing of TLS is loaded before a client with certificates is made. */
import { isIP, type Socket } from 'node:net'
import type * as Tls from 'node:tls'
import type { Address } from '../src/address.js'
import { ConfigError } from '../src/errors.js'
import { bearersIn, checkTexts, described, readTexts, type TlsFiles } from '../src/network/certificates.js'
import { lookup } from '../src/network/lookup.js'

/** The certificates of a client. Each text is the path of a PEM file, or the PEM text itself. */
export interface ClientTls {
  /** The certificate of the authority that has signed those of the nodes. */
  readonly ca: string
  /** The client's own certificate and its private key, where nodes demand one: they do unless they were told not to. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /**
   * The cluster's name: a node must show a certificate of a node of this cluster. Left out, it is the one in the client's own
   * certificate; without that, a node's certificate must be for the host that is called.
   */
  readonly cluster?: string | undefined
}

/** Milliseconds after which the files are read again, when a connection is made: they may have been renewed. */
const freshMs = 60_000

/** The secrets of connections, and the clusters whose nodes are believed. */
interface Credentials {
  readonly context: Tls.SecureContext
  readonly clusters: readonly string[]
}

/** The certificates of a client, and the connections that it makes with them. */
export class TlsDialer {
  readonly #tls = process.getBuiltinModule('node:tls')
  readonly #settings: ClientTls
  #credentials: Credentials
  #readAt = performance.now()

  /** Reads the files. @throws CertificateError if one of them cannot be used; ConfigError if a key lacks its certificate */
  constructor(settings: ClientTls) {
    this.#settings = settings
    this.#credentials = this.#read()
  }

  #read(): Credentials {
    const { ca, cert, key, cluster } = this.#settings
    if ((cert === undefined) !== (key === undefined))
      throw new ConfigError('tls.cert and tls.key go together: a certificate and its private key')
    const own = cert === undefined || key === undefined ? null : this.#own({ ca, cert, key })
    const { texts } = own ?? readTexts({ ca, cert: ca, key: ca })
    const context = this.#tls.createSecureContext({ ...(own ? texts : { ca: texts.ca }), minVersion: 'TLSv1.3' })
    const clusters = cluster === undefined ? (own?.clusters ?? []) : [cluster]
    return { context, clusters }
  }

  #own(files: TlsFiles) {
    const read = readTexts(files)
    const { bearers } = checkTexts(read, null, Date.now())
    return { texts: read.texts, clusters: bearers.map(({ cluster }) => cluster) }
  }

  /** Reads files that may be new; those that were read before stay if they cannot be used. */
  #refresh(): void {
    const now = performance.now()
    if (now - this.#readAt < freshMs) return
    this.#readAt = now
    try {
      this.#credentials = this.#read()
    } catch {}
  }

  /** Calls a node. The socket may be used from its event `secureConnect` on, and has an error if the node is another. */
  call({ host, port }: Address): Socket {
    this.#refresh()
    const { context: secureContext, clusters } = this.#credentials
    return this.#tls
      .connect({
        ...{ host, port, lookup, secureContext },
        ...(isIP(host) === 0 && { servername: host }),
        checkServerIdentity: (_name, certificate) => this.#problem(host, certificate, clusters),
      })
      .setNoDelay(true)
  }

  #problem(host: string, certificate: Tls.PeerCertificate, clusters: readonly string[]): Error | undefined {
    if (clusters.length === 0) return this.#tls.checkServerIdentity(host, certificate)
    const bearers = bearersIn(certificate.subjectaltname)
    if (bearers.some(({ kind, cluster }) => kind === 'nodes' && clusters.includes(cluster))) return undefined
    const reason = `its certificate is of no node of the cluster ${clusters.join(', ')}: ${described(bearers)}`
    return Object.assign(new Error(reason), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  }
}
