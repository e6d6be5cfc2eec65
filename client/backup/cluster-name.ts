/** The name of a cluster's application: it stands before the cluster's own name, unless it is the key-value store. */
export function applicationOf(cluster: string): string {
  const end = cluster.indexOf(':')
  return end < 0 ? 'key-value' : cluster.slice(0, end)
}
