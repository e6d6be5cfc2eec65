/** The errors of TLS in sentences that an operator understands. */

/** Reasons of the check of a certificate, as OpenSSL names them. */
const ofCertificates: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: do the clocks agree?',
  INVALID_PURPOSE: 'its certificate is for another purpose',
  ...Object.fromEntries(
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'CERT_SIGNATURE_FAILURE',
    ].map((code) => [code, 'its certificate was not signed by our authority']),
  ),
}

/** Reasons of the handshake, as parts of the codes that Node gives. */
const ofHandshakes: readonly (readonly [part: string, sentence: string])[] = [
  ['PEER_DID_NOT_RETURN_A_CERTIFICATE', 'it showed no certificate'],
  ['CERTIFICATE_REQUIRED', 'it demands a certificate'],
  ['ALERT_UNKNOWN_CA', 'it does not know the authority of our certificate'],
  ['ALERT_CERTIFICATE_EXPIRED', 'it says that our certificate has expired'],
  ['ALERT_BAD_CERTIFICATE', 'it refuses our certificate'],
  ['UNSUPPORTED_PROTOCOL', 'it speaks no TLS 1.3'],
  ['ALERT_PROTOCOL_VERSION', 'it speaks no TLS 1.3'],
  ['WRONG_VERSION_NUMBER', 'it speaks no TLS'],
  ['PACKET_LENGTH_TOO_LONG', 'it speaks no TLS'],
  ['NO_APPLICATION_PROTOCOL', 'it does not speak HTTP/2'],
  ['TLS_HANDSHAKE_TIMEOUT', 'its handshake took too long'],
]

/** Describes an error of a connection that speaks TLS. @param ofCheck the reason of the check of a certificate, if one failed */
export function describeTlsError(error: Error, ofCheck?: unknown): string {
  const code = String((ofCheck ?? (error as NodeJS.ErrnoException).code) || '')
  const found = ofCertificates[code] ?? ofHandshakes.find(([part]) => code.includes(part))?.[1]
  if (found !== undefined) return found
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'it hung up in the middle of the handshake'
  return error.message.split('\n')[0]!
}

/** Checks whether an error is about TLS, and not about the connection below it. */
export function isTlsError({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || Object.hasOwn(ofCertificates, code)
}
