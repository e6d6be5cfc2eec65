/**
 * TLS of a node: the certificate that it shows, and whom it lets in. A node's certificate bears the node's name and its
 * cluster's, and is checked each way: by who is called, and by who calls.
 */
import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import {
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
  TLSSocket,
} from 'node:tls'
import type { Address } from '../address.js'
import type { Event, NodeId } from '../contracts.js'
import { quoted } from '../text.js'
import {
  type Bearer,
  bearersIn,
  CertificateError,
  type CheckedCertificate,
  checkTexts,
  described,
  readTexts,
  type TlsFiles,
} from './certificates.js'
import type { Gate, MakeGate } from './gate.js'
import { lookup } from './lookup.js'
import { TlsGate } from './tls-gate.js'

declare module '../events.js' {
  interface EventDetails {
    /** A node's certificate, or one above it, expires soon. Both are times in the form of ISO 8601, and days. */
    certificate_expires: { expires: string; days: number }
    /** The certificate was read again, and is used from here on. */
    certificate_renewed: { expires: string }
    /** The certificate was read again, and cannot be used: the one before it stays. */
    certificate_kept: { code: string; message: string; expires: string }
  }
}

/** Settings of a node's TLS. */
export interface TlsSettings extends TlsFiles {
  /** True, if left out: clients, too, must show a certificate of the authority that names this cluster. */
  readonly clientCertificates?: boolean | undefined
}

/** The world of a node's TLS. */
export interface TlsWorld {
  readonly self: NodeId
  /** The cluster's name, which stands in certificates. */
  readonly cluster: string
  readonly notice: (event: Event) => void
  /** Reads the wall-clock time, in milliseconds; a test has its own. */
  readonly now?: () => number
}

/** The ends that a port serves: other nodes; clients; clients and nodes over HTTP/2. */
type Kind = 'nodes' | 'nodes over h2' | 'clients' | 'clients over h2'

const dayMs = 24 * 60 * 60 * 1_000
/** Milliseconds before the end of a certificate at which a warning is due: of a short one, a third of its life. */
const warnMs = 30 * dayMs
/** Milliseconds between two looks at the time that is left. */
const lookMs = 60 * 60 * 1_000

/** The lowest version of TLS that is spoken. */
const minVersion = 'TLSv1.3'

/** A node's certificate, the gates of its ports, and the connections that it makes. */
export class NodeTls {
  #files: TlsFiles
  readonly #isMutual: boolean
  readonly #world: TlsWorld
  readonly #gates = new Set<TlsGate>()
  readonly #timer: NodeJS.Timeout
  #options: SecureContextOptions
  #context: SecureContext
  #checked: CheckedCertificate
  #warnedAt = Number.NEGATIVE_INFINITY

  /** Reads the certificate. @throws CertificateError that says why it cannot be used */
  constructor({ clientCertificates = true, ...files }: TlsSettings, world: TlsWorld) {
    this.#files = files
    this.#isMutual = clientCertificates
    this.#world = world
    const read = this.#read(files)
    this.#options = read.options
    this.#context = read.context
    this.#checked = read.checked
    this.#timer = setInterval(() => this.#warn(), lookMs).unref()
    this.#warn()
  }

  #now(): number {
    return this.#world.now?.() ?? Date.now()
  }

  #read(files: TlsFiles) {
    const { cluster, self: name } = this.#world
    const read = readTexts(files)
    const checked = checkTexts(read, { cluster, kind: 'nodes', name }, this.#now())
    // Without tickets no session is resumed: each handshake looks at the certificate of the other end.
    const secureOptions = constants.SSL_OP_NO_TICKET
    const options: SecureContextOptions = { ...read.texts, minVersion, secureOptions }
    try {
      return { options, checked, context: createSecureContext(options) }
    } catch (error) {
      throw new CertificateError(
        'certificate_malformed',
        `${read.names.cert} cannot be used: ${(error as Error).message}`,
      )
    }
  }

  /** Milliseconds of wall-clock time until which the certificate is valid. */
  get validUntil(): number {
    return this.#checked.until
  }

  /**
   * Reads the certificate again. New connections have it from here on; those that stand are left alone.
   *
   * @param files other places of it; the same as before if they are left out
   * @throws CertificateError that says why it cannot be used; the one before stays then
   */
  reload(files: TlsFiles = this.#files): void {
    const { options, context, checked } = this.#read(files)
    this.#files = files
    this.#options = options
    this.#context = context
    this.#checked = checked
    for (const gate of this.#gates) gate.renew(options)
    this.#warnedAt = Number.NEGATIVE_INFINITY
    this.#world.notice({ event: 'certificate_renewed', expires: this.#expires })
    this.#warn()
  }

  /** Reads the certificate again, and tells what came of it; never throws. */
  renew(): void {
    try {
      this.reload()
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error
      const { code, message } = error
      this.#world.notice({ event: 'certificate_kept', code, message, expires: this.#expires })
    }
  }

  get #expires(): string {
    return new Date(this.#checked.until).toISOString()
  }

  /** Warns once a day while the certificate ends soon. */
  #warn(): void {
    const { from, until } = this.#checked
    const now = this.#now()
    if (until - now > Math.min(warnMs, (until - from) / 3) || now - this.#warnedAt < dayMs) return
    this.#warnedAt = now
    const days = Math.max(0, Math.floor((until - now) / dayMs))
    this.#world.notice({ event: 'certificate_expires', expires: this.#expires, days })
  }

  /** Makes gates for a port of this kind. */
  gateFor(kind: Kind): MakeGate {
    const isForNodes = kind.startsWith('nodes')
    return (pass, turnedAway) => {
      const gate = new TlsGate({
        context: this.#options,
        isMutual: isForNodes || this.#isMutual,
        ...(kind.endsWith('h2') && { protocols: ['h2'] }),
        refuses: (socket) => (isForNodes ? this.#refusesNode(socket) : this.#refusesClient(socket)),
        pass,
        turnedAway,
      })
      this.#gates.add(gate)
      return this.#counted(gate)
    }
  }

  #counted(gate: TlsGate): Gate {
    return {
      enter: (socket) => gate.enter(socket),
      close: () => {
        this.#gates.delete(gate)
        gate.close()
      },
    }
  }

  #refusesNode(socket: TLSSocket): string | null {
    const bearers = bearersOf(socket)
    const isOurs = bearers.some(({ kind, cluster }) => kind === 'nodes' && cluster === this.#world.cluster)
    return isOurs ? null : `its certificate is of no node of this cluster: ${described(bearers)}`
  }

  #refusesClient(socket: TLSSocket): string | null {
    if (!this.#isMutual) return null
    const bearers = bearersOf(socket)
    const isOurs = bearers.some(({ cluster }) => cluster === this.#world.cluster)
    return isOurs ? null : `its certificate is for another cluster: ${described(bearers)}`
  }

  /** Checks that a node that has called is the one whose name it says. @throws Error with the reason if not */
  checkCaller(socket: Socket | undefined, id: unknown): void {
    const bearers = socket instanceof TLSSocket ? bearersOf(socket) : []
    const reason = this.#isAnother(bearers, id)
    if (reason) throw new Error(reason)
  }

  #isAnother(bearers: readonly Bearer[], id: unknown): string | null {
    const { cluster } = this.#world
    const isIt = bearers.some((one) => one.kind === 'nodes' && one.name === id && one.cluster === cluster)
    return isIt ? null : `its certificate is not that of ${quoted(id)}: ${described(bearers)}`
  }

  /** The certificate that is shown to others, for a connection that is about to be made. */
  get context(): SecureContext {
    return this.#context
  }

  /** Makes the check of the certificate that a node shows when it is called. */
  checkOf(id: NodeId) {
    return (_host: string, { subjectaltname }: PeerCertificate): Error | undefined => {
      const reason = this.#isAnother(bearersIn(subjectaltname), id)
      return reason === null ? undefined : Object.assign(new Error(reason), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    }
  }

  /** Calls a node. The socket may be used from its event `secureConnect` on, and has an error if the node is another. */
  call({ host, port }: Address, id: NodeId): TLSSocket {
    return connect({
      ...{ host, port, lookup, secureContext: this.#context },
      // The check is of the node's name: its host may be known by any.
      servername: id,
      checkServerIdentity: this.checkOf(id),
    })
      .setNoDelay(true)
      .setKeepAlive(true)
  }

  /** Lets go of everything: gates belong to their ports, and end with them. */
  close(): void {
    clearInterval(this.#timer)
  }
}

const bearersOf = (socket: TLSSocket) => bearersIn(socket.getPeerX509Certificate()?.subjectAltName)
