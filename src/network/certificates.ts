/** Certificates: whom they name, what may be wrong with a node's own, and how long they last. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ConfigError } from '../errors.js'
import { quoted } from '../text.js'

/** The reason why a certificate cannot be used. */
export type CertificateProblem =
  | 'certificate_unreadable'
  | 'certificate_malformed'
  | 'certificate_untrusted'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_wrong_name'
  | 'key_malformed'
  | 'key_mismatch'

/** Thrown for a certificate, or its key, that cannot be used; the code says why, for a program. */
export class CertificateError extends ConfigError {
  readonly code: CertificateProblem

  constructor(code: CertificateProblem, message: string) {
    super(`${message} (${code})`)
    this.code = code
  }
}

/** A certificate with its private key, and the authority that signs all certificates of a cluster. */
export interface TlsFiles {
  /** The authority's certificate, or several: the path of a PEM file, or the PEM text itself. */
  readonly ca: string
  /** The certificate, and those between it and the authority if there are any: a path, or PEM text. */
  readonly cert: string
  /** The private key of the certificate: a path, or PEM text. */
  readonly key: string
}

/** The PEM texts that {@link TlsFiles} name, and what each is called in a sentence. */
export interface TlsTexts {
  readonly texts: TlsFiles
  readonly names: Readonly<Record<keyof TlsFiles, string>>
}

/** The role in which a certificate lets its bearer speak. A node's serves for a client as well. */
type BearerKind = 'nodes' | 'clients'

/** A name in a certificate: a node or a client of a cluster. */
export interface Bearer {
  readonly cluster: string
  readonly kind: BearerKind
  readonly name: string
}

/**
 * Writes a name as a certificate bears it: a URI among its subject alternative names (RFC 5280, 4.2.1.6), such as
 * `raft-roadmap://orders/nodes/n1`. The cluster's name may hold any characters, and is percent-encoded.
 */
export function uriOf({ cluster, kind, name }: Bearer): string {
  const encoded = encodeURIComponent(cluster).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)
  return `raft-roadmap://${encoded}/${kind}/${name}`
}

/** A name in the text that Node gives of all names; a name with a comma or a quote in it stands in quotes. */
const nameInText = /(?:[^,"]|"(?:[^"\\]|\\.)*")+/g
const ownUri = /^URI:raft-roadmap:\/\/([^/]+)\/(nodes|clients)\/([^/]+)$/

/** Reads the nodes and clients that a certificate names. @param altNames its names, as Node writes them */
export function bearersIn(altNames: string | undefined): Bearer[] {
  return [...(altNames ?? '').matchAll(nameInText)].flatMap(([text]) => {
    const [, cluster, kind, name] = ownUri.exec(text.trim()) ?? []
    const decoded = cluster && decode(cluster)
    return decoded && kind && name ? [{ cluster: decoded, kind: kind as BearerKind, name }] : []
  })
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Describes in words whom a certificate names, for the end of a sentence. */
export function described(bearers: readonly Bearer[]): string {
  if (bearers.length === 0) return 'it names no node and no client'
  const some = bearers
    .slice(0, 3)
    .map(({ cluster, kind, name }) => `${kind.slice(0, -1)} ${quoted(name)} of ${quoted(cluster)}`)
  return `it names ${some.join(', ')}`
}

/** Reads the PEM texts. @throws CertificateError that names the file that cannot be read */
export function readTexts(files: TlsFiles): TlsTexts {
  const { ca, cert, key } = files
  return {
    texts: { ca: pemOf(ca), cert: pemOf(cert), key: pemOf(key) },
    names: {
      ca: named('the certificate of the authority', ca),
      cert: named('the certificate', cert),
      key: named('the private key', key),
    },
  }
}

const isPem = (place: string) => place.trimStart().startsWith('-----BEGIN ')
const named = (what: string, place: string) => (isPem(place) ? what : `${what} ${place}`)

/** The end of a PEM block. OpenSSL reads on in the next line only. */
const endOfBlock = /-----END [A-Z ]+-----/g

/** Reads a PEM text, unless the place is one. @throws CertificateError */
function pemOf(place: string): string {
  try {
    const text = isPem(place) ? place : readFileSync(place, 'utf8')
    return text.replaceAll(endOfBlock, '$&\n')
  } catch (error) {
    throw new CertificateError('certificate_unreadable', `a file for TLS cannot be read: ${(error as Error).message}`)
  }
}

/** A node's certificate that was found to be good. */
export interface CheckedCertificate {
  readonly bearers: readonly Bearer[]
  /** Milliseconds of wall-clock time: from when the certificate is valid, and until when it and all above it are. */
  readonly from: number
  readonly until: number
}

/**
 * Checks a certificate: its key fits, the authority has signed it, it is valid now, and it bears the wanted name.
 *
 * @param wanted the name that it must bear; null if any will do
 * @param now milliseconds of wall-clock time
 * @throws CertificateError that says what is wrong
 */
export function checkTexts({ texts, names }: TlsTexts, wanted: Bearer | null, now: number): CheckedCertificate {
  const authorities = certificatesIn(texts.ca, names.ca)
  const [own, ...between] = certificatesIn(texts.cert, names.cert) as [X509Certificate, ...X509Certificate[]]
  checkKey(own, texts.key, names)
  const chain = chainOf(own, between, authorities)
  if (!chain)
    throw new CertificateError('certificate_untrusted', `${names.cert} was not signed by the authority beside it`)
  const from = Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom)))
  const until = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)))
  if (now >= until)
    throw new CertificateError('certificate_expired', `${names.cert} has expired, on ${new Date(until).toISOString()}`)
  if (now < from)
    throw new CertificateError(
      'certificate_not_yet_valid',
      `${names.cert} is valid from ${new Date(from).toISOString()} on: is the clock right?`,
    )
  const bearers = bearersIn(own.subjectAltName)
  if (wanted && !bearers.some((one) => isSame(one, wanted)))
    throw new CertificateError(
      'certificate_wrong_name',
      `${names.cert} must have the name URI:${uriOf(wanted)}, and ${described(bearers)}`,
    )
  return { bearers, from: Date.parse(own.validFrom), until }
}

const isSame = (one: Bearer, other: Bearer) =>
  one.cluster === other.cluster && one.kind === other.kind && one.name === other.name

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

function certificatesIn(text: string, what: string): X509Certificate[] {
  const blocks = text.match(pemBlock) ?? []
  if (blocks.length === 0) throw new CertificateError('certificate_malformed', `${what} holds no PEM certificate`)
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch (error) {
    throw new CertificateError('certificate_malformed', `${what} is malformed: ${(error as Error).message}`)
  }
}

function checkKey(own: X509Certificate, key: string, names: TlsTexts['names']): void {
  let isOwn: boolean
  try {
    isOwn = own.checkPrivateKey(createPrivateKey(key))
  } catch (error) {
    throw new CertificateError('key_malformed', `${names.key} cannot be used: ${(error as Error).message}`)
  }
  if (!isOwn) throw new CertificateError('key_mismatch', `${names.key} is of another certificate than ${names.cert}`)
}

/** Follows the signatures from a certificate to an authority; null if they do not lead there. */
function chainOf(
  own: X509Certificate,
  between: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): X509Certificate[] | null {
  const chain = [own]
  for (let last = own; chain.length <= between.length + 1; ) {
    const signs = (one: X509Certificate) => last.checkIssued(one) && last.verify(one.publicKey)
    const authority = authorities.find(signs)
    if (authority) return [...chain, authority]
    const next = between.find(signs)
    if (!next) break
    chain.push(next)
    last = next
  }
  return null
}
