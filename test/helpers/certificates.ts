/** Certificates of a small authority, good ones and others, for a cluster called `test`. */
import { type Authority, issue, makeAuthority, type Wanted } from '../../client/cluster/authority.js'
import type { TlsFiles } from '../../src/network/certificates.js'
import { NodeTls, type TlsSettings, type TlsWorld } from '../../src/network/tls.js'

/** The authority of the cluster, and one that is nothing to it. */
export const authority = await makeAuthority()
export const stranger = await makeAuthority()

/** Issues a certificate, as PEM texts. @param by the authority; the cluster's own if it is left out */
export async function certificate(wanted: Partial<Wanted>, by: Authority = authority): Promise<TlsFiles> {
  const issued = await issue(by, { cluster: 'test', kind: 'nodes', name: 'n1', hosts: ['127.0.0.1'], ...wanted })
  return { ca: authority.cert, ...issued }
}

/** The TLS of a node of the cluster `test`, by the name in its certificate. */
export function tlsOf(self: string, settings: TlsSettings, world: Partial<TlsWorld> = {}): NodeTls {
  return new NodeTls(settings, { self, cluster: 'test', notice: () => {}, ...world })
}

/** Makes the TLS of a node with a good certificate. */
export const goodTls = async (name: string) => tlsOf(name, await certificate({ name }))
