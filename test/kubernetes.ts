import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { root } from './docs.js'

/** A container of the manifests, as far as tests look at it. */
export interface Container {
  readonly args: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

/** An object of the manifests that runs containers. */
export interface Workload {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly replicas?: number
    readonly serviceName?: string
    readonly template: { readonly spec: { readonly containers: readonly [Container] } }
  }
}

/** The objects of `client/examples/kubernetes.yaml`. */
export const objects: readonly Workload[] = parseAllDocuments(
  readFileSync(join(root, 'client/examples/kubernetes.yaml'), 'utf8'),
).map((document) => document.toJS() as Workload)

/** Finds the only object of a kind. */
export function objectOf(kind: string): Workload {
  const [object, ...more] = objects.filter((one) => one.kind === kind)
  if (!object || more.length > 0) throw new Error(`there is not one ${kind}`)
  return object
}

/** Gives the arguments of a container, with its variables filled in. */
export function argumentsOf({ args }: Container, variables: Readonly<Record<string, string>>): string[] {
  return args.map((word) => word.replaceAll(/\$\((\w+)\)/g, (_, name: string) => variables[name]!))
}

/** Gives the port and the path that a probe asks. */
export function probeOf(container: Container, name: 'livenessProbe' | 'readinessProbe') {
  const { port, path } = container[name]!.httpGet
  return { path, port: container.ports!.find((one) => one.name === port)!.containerPort }
}
