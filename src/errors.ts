/** A person's mistake that shows before anything runs; the message is one sentence for that person. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
