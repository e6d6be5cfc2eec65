import type { Application } from '../../src/application.js'
import { ConfigError } from '../../src/errors.js'
import { keyValue } from '../../stages/0-key-value-store/key-value.js'

/** The applications that a cluster's file can name. An application is a value: one line here makes it known. */
const applications: ReadonlyMap<string, Application> = new Map([keyValue].map((one) => [one.name, one]))

/** Finds an application by its name. @throws ConfigError that lists the applications */
export function applicationNamed(name: string): Application {
  const found = applications.get(name)
  if (found) return found
  throw new ConfigError(
    `there is no application ${JSON.stringify(name)}; there are: ${[...applications.keys()].join(', ')}`,
  )
}
