/** The address at which a node or a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Characters of the longest host name (RFC 1035); an IPv6 address with its zone is no longer. */
const hostLength = 255
const label = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
const ipv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/

/**
 * Parses `host:port` or `[::1]:port`; null if the text is neither. It accepts a listener's own address, whose port 0
 * and host 0.0.0.0 leave a choice to the system. {@link addressProblem} checks an address that others are told.
 */
export function parseAddress(text: string): Address | null {
  const [, bracketed, plain, digits] = /^(?:\[([^[\]]+)\]|([^:[\]]+)):(0|[1-9]\d{0,4})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || host.length > hostLength || port > 65_535) return null
  const isHost = bracketed === undefined ? isName(host) : ipv6(host) !== null
  return isHost ? { host, port } : null
}

/**
 * Checks a host name. A name whose last label is a number is an IPv4 address, or nothing: systems read `0` and `127.1`
 * each in their own way.
 */
function isName(host: string): boolean {
  const labels = host.replace(/\.$/, '').split('.')
  return /^(\d+|0[xX].*)$/.test(labels.at(-1)!) ? ipv4.test(host) : labels.every((one) => label.test(one))
}

/**
 * Shortens an IPv6 address to its one short form, without its zone; an IPv4 address within it becomes that. Null if the
 * text is no IPv6 address.
 */
function ipv6(host: string): string | null {
  const address = host.replace(/%[A-Za-z0-9_.-]+$/, '')
  if (!/^[0-9A-Fa-f:.]+$/.test(address) || !URL.canParse(`http://[${address}]`)) return null
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? []
  if (high === undefined || low === undefined) return short
  const [one, other] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [one >> 8, one & 255, other >> 8, other & 255].join('.')
}

/** The reason why others cannot connect to an address, for the end of a sentence; null if they can. */
export function addressProblem(text: string): string | null {
  const address = parseAddress(text)
  if (!address) {
    const [, port] = /:(\d{5,9})$/.exec(text) ?? []
    if (port !== undefined && Number(port) > 65_535) return `an address with a port from 1 to 65535, not ${port}`
    return 'host:port, such as 127.0.0.1:7001, [::1]:7001 or server-1:7001'
  }
  if (address.port === 0) return 'an address with a port from 1 to 65535: to others, 0 means nothing'
  const host = plainHost(address.host)
  if (host === '0.0.0.0' || host === '::') {
    return `an address that others can connect to: ${address.host} means any address of one's own machine`
  }
  if (/^(22[4-9]|23\d|24\d|25\d)\./.test(host) || (host.includes(':') && host.startsWith('ff'))) {
    return `the address of one machine: ${address.host} means many, or none`
  }
  if (address.host.includes('%'))
    return `an address that others can connect to: a zone such as ${address.host} is no name`
  return null
}

/** Writes an address in one form, however it was written, so that two can be compared. No name is looked up for it. */
export function plainAddress(text: string): string {
  const address = parseAddress(text)
  return address ? formatAddress({ host: plainHost(address.host), port: address.port }) : text
}

function plainHost(host: string): string {
  if (host.includes(':')) return ipv6(host) ?? host
  const name = host.toLowerCase().replace(/\.$/, '')
  return name === 'localhost' ? '127.0.0.1' : name
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
