/** An event as it is read back: of its details, nothing is known before a test looks. */
export interface Happened {
  readonly event: string
  readonly [detail: string]: unknown
}
